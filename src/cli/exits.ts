/** Exit codes (01 §13). String codes are the contract, integers a convenience; nobody else picks one. */

/** Success; also a reader that closed its end of a pipe. */
export const OK = 0;
/** Refused before anything was sent: bad `AGENTTOWER_SOCKET`, unsafe paths, no home, invalid configuration; output that cannot be written. */
export const PREFLIGHT = 1;
/** The command line is wrong; nothing was sent. */
export const USAGE = 2;
/** `status`, `stop-daemon`, `scan`, `list-*`: nobody answered. `ensure-daemon`: not ready. */
export const UNREACHABLE = 2;
/** The daemon refused, or `stop-daemon` could not see it go. */
export const DAEMON_ERROR = 3;
/** A scan, or the checks of the doctor that nothing depends on, ended with less than all. */
export const DEGRADED = 5;

/** `app call` and `app connect` (00 §2). */
export const APP_REFUSED = 1;
export const APP_UNANSWERED = 3;

/** Error envelopes that have an exit of their own in `list-*` and the agent commands; any other code is `DAEMON_ERROR`. */
const LIST_EXITS: ReadonlyMap<string, number> = new Map([
  ["host_context_unsupported", 1],
  ["agent_not_found", 4],
]);

export type Family = "lifecycle" | "scan" | "list";

/** The exit of an error envelope. */
export function exitOfCode(family: Family, code: string): number {
  return family === "list" ? (LIST_EXITS.get(code) ?? DAEMON_ERROR) : DAEMON_ERROR;
}
