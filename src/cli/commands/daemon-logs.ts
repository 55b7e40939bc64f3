/** `daemon logs` (00 §2): the end of the daemon log, and on request what comes next. */
import { accessSync, constants } from "node:fs";
import { reasonOf } from "../../config/modes.ts";
import { command } from "../command.ts";
import type { CliContext } from "../context.ts";
import { tailOf } from "../daemon-files.ts";
import { OK, PREFLIGHT } from "../exits.ts";
import { preflightFailure, UsageFault } from "../failure.ts";
import { followLines } from "../log-follow.ts";
import { pathsOf } from "../place.ts";

const DEFAULT_LINES = 100;
const MAX_LINES = 1_000_000;

export const daemonLogs = command({
  name: "logs",
  summary: "Print the end of the daemon log.",
  examples: ["agenttower daemon logs -n 20", "agenttower daemon logs -f"],
  options: {
    follow: { type: "boolean", summary: "go on with every new line", short: "f" },
    lines: { type: "string", summary: `how many lines (default ${DEFAULT_LINES})`, short: "n", hint: "N" },
  },
  async run(context, { follow, lines }) {
    const count = lineCount(lines);
    const { log } = pathsOf(context);
    try {
      accessSync(log, constants.R_OK);
    } catch (error) {
      throw preflightFailure(PREFLIGHT, `no daemon log: ${log}: ${reasonOf(error)}`);
    }
    if (!follow) {
      context.out.write(
        tailOf(log, count)
          .map((line) => `${line}\n`)
          .join(""),
      );
      return OK;
    }
    return await followLog(context, log, count);
  },
});

function lineCount(text: string | undefined): number {
  if (text === undefined) return DEFAULT_LINES;
  const count = /^[0-9]+$/.test(text) ? Number(text) : Number.NaN;
  if (!(count <= MAX_LINES)) throw new UsageFault(`option --lines needs a number from 0 to ${MAX_LINES}`);
  return count;
}

/** Ends with Ctrl-C, successfully. */
async function followLog({ out, clock }: CliContext, log: string, count: number): Promise<number> {
  const interrupted = new AbortController();
  const stop = (): void => interrupted.abort();
  process.once("SIGINT", stop);
  process.once("SIGTERM", stop);
  try {
    for await (const line of followLines(log, count, clock, interrupted.signal)) {
      out.write(`${line}\n`);
      await out.flush();
    }
  } finally {
    process.off("SIGINT", stop);
    process.off("SIGTERM", stop);
  }
  return OK;
}
