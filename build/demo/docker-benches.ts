/** The demo on a Docker Engine: one image and two containers under names of its own; nothing else there is touched. */
import { AGENTS, newSession } from "./agents.ts";
import type { EngineApi } from "./engine-api.ts";

/** The agents live as this user of the bench image. */
export const USER = "dev";
const HOME = "/home/dev";

/** Names that `name_contains` of the demo's configuration matches, and no container of the user's does. */
export function benchNames(id: string): string[] {
  return AGENTS.map((agent) => `${benchPrefix(id)}-${agent.name}-bench`);
}

export function benchPrefix(id: string): string {
  return `agenttower-demo-${id}`;
}

function imageName(id: string): string {
  return `${benchPrefix(id)}:latest`;
}

/** Starts one container per agent; its first process opens the tmux session and stays. @throws with what the Engine said */
export async function startDockerBenches(engine: EngineApi, id: string, rootFs: Uint8Array): Promise<void> {
  await engine.importImage(imageName(id), rootFs);
  for (const [at, name] of benchNames(id).entries()) {
    const agent = AGENTS[at];
    if (agent === undefined) continue;
    await engine.startContainer(name, {
      Image: imageName(id),
      Hostname: agent.name,
      User: USER,
      Env: ["LANG=C.UTF-8", "TERM=xterm-256color", `HOME=${HOME}`],
      Cmd: ["bash", "-c", 'tmux -f /dev/null "$@"; while :; do sleep 3600; done', "bench", ...newSession(agent, HOME)],
      Labels: { "agenttower.demo": id },
      HostConfig: { NetworkMode: "none" },
    });
  }
}

/** Removes what `startDockerBenches` made. @returns names of the containers that were there */
export async function removeDockerBenches(engine: EngineApi, id: string): Promise<string[]> {
  const removed: string[] = [];
  for (const name of benchNames(id)) if (await engine.removeContainer(name)) removed.push(name);
  await engine.removeImage(imageName(id));
  return removed;
}
