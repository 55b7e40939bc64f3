/** How a command ends when it cannot do what was asked (01 §13): lines on stderr, with `--json` an error object on stdout. */
import { message } from "../base/text.ts";
import type { CallError } from "../wire/client.ts";
import type { TransportFault } from "../wire/transport.ts";
import { exitOfCode, type Family, UNREACHABLE } from "./exits.ts";

export type ErrorObject = { code: string; message: string };

/** Ends a command; `run.ts` prints it. */
export class CommandFailure extends Error {
  readonly exit: number;
  /** Whole lines for stderr. */
  readonly lines: readonly string[];
  /** For stdout when the command was asked for JSON. */
  readonly error: ErrorObject | null;

  constructor(exit: number, lines: readonly string[], error: ErrorObject | null = null) {
    super(lines[0] ?? error?.message ?? "");
    this.name = "CommandFailure";
    this.exit = exit;
    this.lines = lines.map(printableLine);
    this.error = error;
  }
}

/** The command line has a fault that only its command can see; `run.ts` prints the usage with it, exit 2 (01 §13). */
export class UsageFault extends Error {}

/** One clean line; longer lines than any of ours are cut. */
function printableLine(line: string): string {
  return message(line);
}

/** Refused before anything was sent; stdout stays empty. @param text the line after `error: ` */
export function preflightFailure(exit: number, text: string): CommandFailure {
  return new CommandFailure(exit, [`error: ${text}`]);
}

export const NOT_RUNNING = "daemon is not running or socket is unreachable: try `agenttower ensure-daemon`";

/**
 * Nobody answered, or not in the protocol: the fixed line of every command, then what happened where (01 §17).
 * @param text the fixed line after `error: `
 */
export function unreachable(
  fault: TransportFault,
  json: boolean,
  { exit, text }: { exit: number; text: string } = { exit: UNREACHABLE, text: NOT_RUNNING },
): CommandFailure {
  const lines = [`error: ${text}`, `detail: ${fault.kind}: ${fault.path}: ${fault.message}`];
  return new CommandFailure(exit, lines, json ? { code: "daemon_unavailable", message: text } : null);
}

/**
 * The daemon refused.
 * @param always commands whose text goes to stderr even with `--json` (`status`, `stop-daemon`)
 */
export function refused(error: CallError, family: Family, json: boolean, always: "text" | null = null): CommandFailure {
  const text = [`error: ${error.message}`, `code: ${error.code}`];
  return new CommandFailure(
    exitOfCode(family, error.code),
    json && !always ? [] : text,
    json ? { code: error.code, message: error.message } : null,
  );
}
