/**
 * `agenttower`: reads the command line, runs one command, owns every exit (01 §13).
 */
import { runCommand } from "citty";
import { message } from "../base/text.ts";
import { VERSION } from "../base/version.ts";
import { readCommandLine } from "./args.ts";
import type { CommandInput } from "./command.ts";
import type { CliContext } from "./context.ts";
import { processContext } from "./context-of-process.ts";
import { OK, PREFLIGHT, USAGE } from "./exits.ts";
import { CommandFailure, UsageFault } from "./failure.ts";
import { jsonLine } from "./render.ts";
import { root } from "./tree.ts";
import { usageLine, usageText } from "./usage.ts";

/**
 * Runs one command line of this process.
 * @param argv words after the program's name
 * @returns the exit code, once all output has left
 */
export async function agenttower(argv: readonly string[]): Promise<number> {
  const context = processContext();
  const exit = await runCommandLine(context, argv);
  await Promise.all([context.out.flush(), context.err.flush()]);
  return exit;
}

/** The same for any world. Never throws for what a user, a file or a daemon can do. */
export async function runCommandLine(context: CliContext, argv: readonly string[]): Promise<number> {
  const { out, err } = context;
  let usage = "";
  try {
    const line = await readCommandLine(root, argv);
    if (line.kind !== "version") usage = usageLine(line.path, line.command);
    switch (line.kind) {
      case "version":
        out.write(`agenttower ${VERSION}\n`);
        return OK;
      case "usage":
        out.write(await usageText(line.path, line.command));
        return OK;
      case "refused":
        err.write(`${usage}\nerror: ${line.reason}\n`);
        return USAGE;
      case "run": {
        const input: CommandInput = { context, values: line.values };
        const children = line.command.subCommands === undefined ? {} : { subCommands: {} };
        // The leaf alone: citty would look for sub-commands again.
        const { result } = await runCommand({ ...line.command, ...children }, { rawArgs: [], data: input });
        return typeof result === "number" ? result : OK;
      }
    }
  } catch (error) {
    if (error instanceof CommandFailure) return report(context, error);
    if (error instanceof UsageFault) {
      err.write(`${usage}\nerror: ${message(error.message)}\n`);
      return USAGE;
    }
    err.write(`error: internal error: ${message(error instanceof Error ? error.message : String(error))}\n`);
    return PREFLIGHT;
  }
}

function report({ out, err }: CliContext, failure: CommandFailure): number {
  err.write(failure.lines.map((line) => `${line}\n`).join(""));
  if (failure.error) out.write(jsonLine({ ok: false, error: failure.error }));
  return failure.exit;
}
