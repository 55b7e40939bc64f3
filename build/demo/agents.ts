/** The two scripted agents of the demo, and how one is put into a tmux pane. */
import { readFileSync } from "node:fs";

export type DemoAgent = { name: string; task: string };

export const AGENTS: readonly [DemoAgent, DemoAgent] = [
  { name: "planner", task: "accept trailing commas" },
  { name: "builder", task: "make the tests green" },
];

const script = readFileSync(new URL("agent.sh", import.meta.url), "utf8");

/** Name that the panes show as their command. */
const COMMAND = "demo-agent";
const WIDTH = "120";
const HEIGHT = "30";

/**
 * Words for `tmux` that open a session with the agent in its only pane.
 * The script travels as one argument, so that nothing need be mounted or copied into a container.
 */
export function newSession(agent: DemoAgent, cwd: string): string[] {
  const start = `exec -a ${COMMAND} bash -c "$1" ${COMMAND} "$2" "$3"`;
  return [
    ...["new-session", "-d", "-s", agent.name, "-n", "agent", "-x", WIDTH, "-y", HEIGHT, "-c", cwd],
    ...["bash", "-c", start, "bash", script, agent.name, agent.task],
  ];
}
