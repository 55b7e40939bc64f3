/** What the Engine and tmux alone cost, beside pane scans: one exec, eight at a time, one command over a control link. */
import type { Bench } from "../../src/base/bench.ts";
import { systemClock } from "../../src/base/clock.ts";
import { dockerBench } from "../../src/docker/bench.ts";
import { engineClients } from "../../src/docker/client.ts";
import { createExecRecord } from "../../src/docker/exec-record.ts";
import { linkCommand, listPanesLine } from "../../src/tmux/commands.ts";
import { openLink } from "../../src/tmux/control-link.ts";
import { freshMarks } from "../../src/tmux/rows.ts";
import { median, timed, times } from "./spread.ts";

const EXECS = 20;
const EIGHT = 8;
const ROUNDS = 5;
const LINK_COMMANDS = 200;

export type EngineFloor = {
  /** One `true` in a container, median. */
  execMs: number;
  /** Eight of them at once, in eight containers, median. */
  eightExecsMs: number;
  /** One pane listing over an open link, median. */
  linkMs: number;
};

/** @param names containers on the Engine at `dockerHost`, each with a tmux server at `socketPath` */
export async function engineFloor(dockerHost: string, names: readonly string[], user: string, socketPath: string) {
  const clock = systemClock();
  const bench = dockerBench(engineClients({ DOCKER_HOST: dockerHost }), createExecRecord(clock), clock);
  const exec = (name: string) => bench.run({ containerId: name, user, argv: ["true"] });
  const [first = ""] = names;
  await exec(first);
  const execMs = median(await times(EXECS, () => exec(first)));
  const eightExecsMs = median(await times(ROUNDS, () => Promise.all(names.slice(0, EIGHT).map(exec))));
  return { execMs, eightExecsMs, linkMs: await linkFloor(bench, first, user, socketPath) } satisfies EngineFloor;
}

async function linkFloor(bench: Bench, containerId: string, user: string, socketPath: string): Promise<number> {
  const clock = systemClock();
  const stream = await bench.stream({ containerId, user, argv: linkCommand(socketPath, "work") });
  const link = await openLink(stream, clock, () => undefined);
  try {
    const all: number[] = [];
    for (let turn = 0; turn < LINK_COMMANDS; turn++)
      all.push(await timed(() => link.command(listPanesLine(freshMarks()))));
    return median(all);
  } finally {
    link.close();
  }
}
