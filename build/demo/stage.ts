/** Where the demo plays: the Engine that answers, else a private one, else this machine's own tmux (00 §3). */
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BenchFault } from "../../src/base/bench.ts";
import { benchRootFs } from "../bench-image.ts";
import { ensureBenchImage, ensureEngine, ensureTmux } from "../setup.ts";
import { AGENTS } from "./agents.ts";
import { benchNames, benchPrefix, startDockerBenches, USER } from "./docker-benches.ts";
import { EngineApi, type EngineName, engineAtSocket, nameEngine } from "./engine-api.ts";
import { type DemoHome, type DemoRecord, writeRecord } from "./home.ts";
import { startHostAgents } from "./host-benches.ts";
import { privateSocket, startPrivateEngine } from "./private-engine.ts";

/** Names of sockets under the folder add up to this less than the 107 bytes that the kernel takes. */
const LONGEST_DIR = 50;

export type Stage = {
  /** For people: where the benches are, and why there. */
  said: string;
  /** Content of the daemon's configuration file. */
  config: string;
  /** What the daemon's environment needs beside the user's own. */
  daemonEnv: Record<string, string>;
  /** Shell lines that show the agents. */
  attach: string[];
};

/**
 * Starts both agents. What is made is in the record before it is made.
 * @throws with what is missing, for people
 */
export async function setStage(home: DemoHome, record: DemoRecord, onHost: boolean): Promise<Stage> {
  const tmux = await ensureTmux();
  if (!tmux.ok) throw new Error(tmux.reason);
  if (onHost) return hostStage(home, record, "as you asked");

  const answering = await answeringEngine();
  if (answering !== null) {
    const programs = await ensureBenchImage();
    if (!programs.ok) return hostStage(home, record, `no bench image can be made: ${programs.reason}`);
    return dockerStage(home, record, answering, { said: `the Docker Engine at ${answering.at}`, daemonEnv: {} });
  }
  const engine = await ensureEngine();
  if (!engine.ok) return hostStage(home, record, `no Docker Engine can be had: ${engine.reason}`);

  const dir = join(socketDir(home, record), "engine");
  record.privateEngine = dir;
  writeRecord(home, record);
  await startPrivateEngine(dir, benchPrefix(record.id));
  const socket = privateSocket(dir);
  return dockerStage(home, record, engineAtSocket(socket), {
    said: "a private Docker Engine",
    daemonEnv: { DOCKER_HOST: `unix://${socket}` },
  });
}

/** The Engine that the user's environment means, if it answers. */
async function answeringEngine(): Promise<EngineName | null> {
  try {
    const name = nameEngine(process.env);
    return (await new EngineApi(name).refusal()) === null ? name : null;
  } catch (error) {
    // An endpoint that cannot be used is as good as none.
    if (error instanceof BenchFault) return null;
    throw error;
  }
}

async function dockerStage(
  home: DemoHome,
  record: DemoRecord,
  address: EngineName,
  stage: Pick<Stage, "said" | "daemonEnv">,
): Promise<Stage> {
  record.engine = address;
  writeRecord(home, record);
  await startDockerBenches(new EngineApi(address), record.id, await benchRootFs());
  const host = stage.daemonEnv["DOCKER_HOST"];
  const docker = host === undefined ? "docker" : `docker -H ${host}`;
  return {
    said: `two containers on ${stage.said}`,
    // Nothing but the demo's own containers: others that run there are none of its business.
    config: `[containers]\nname_contains = ["${benchPrefix(record.id)}"]\nscan_interval_seconds = 5\n`,
    daemonEnv: stage.daemonEnv,
    attach: benchNames(record.id).map(
      (name, at) => `${docker} exec -it -u ${USER} ${name} tmux attach -t ${AGENTS[at]?.name}`,
    ),
  };
}

function hostStage(home: DemoHome, record: DemoRecord, why: string): Stage {
  const socket = join(socketDir(home, record), "tmux.sock");
  record.tmuxSocket = socket;
  writeRecord(home, record);
  startHostAgents(socket, home.dir);
  return {
    said: `two sessions on a private tmux server of this machine, the host bench (${why})`,
    config: [
      "[containers]",
      `name_contains = ["${benchPrefix(record.id)}"]`,
      "scan_interval_seconds = 5",
      "",
      "[host]",
      "enabled = true",
      `sockets = [${JSON.stringify(socket)}]`,
      "",
    ].join("\n"),
    daemonEnv: {},
    attach: AGENTS.map((agent) => `tmux -S ${socket} attach -t ${agent.name}`),
  };
}

/** The demo's folder, or a short one where its path is too long for the sockets in it. */
function socketDir(home: DemoHome, record: DemoRecord): string {
  if (Buffer.byteLength(home.dir) <= LONGEST_DIR) return home.dir;
  record.shortDir ??= mkdtempSync(join(tmpdir(), "at-demo-"));
  return record.shortDir;
}
