/**
 * The daemon log as its workers see it: a full disk must not take the daemon down with it (00 §6). A line that cannot be written
 * is told on standard error, once per outage.
 */
import { message } from "../base/text.ts";
import type { DaemonLog } from "../journal/daemon-log.ts";

/** `write` never throws. */
export type SteadyLog = DaemonLog & {
  /** The same log for scans, which refuse to go on without some of their lines (02 §5.8): here a lost line is an error. */
  readonly strict: Pick<DaemonLog, "write">;
};

/** @param complain one line for standard error, without `error: ` */
export function steadyLog(log: DaemonLog, complain: (line: string) => void): SteadyLog {
  let failing = false;
  const strict: SteadyLog["strict"] = {
    write(event, fields) {
      try {
        log.write(event, fields);
        failing = false;
      } catch (error) {
        if (!failing) complain(message(`daemon log: ${error instanceof Error ? error.message : String(error)}`));
        failing = true;
        throw error;
      }
    },
  };
  return {
    strict,
    write(event, fields) {
      try {
        strict.write(event, fields);
      } catch {
        // Told above; whoever writes here goes on without the line.
        return;
      }
    },
    close: () => log.close(),
  };
}
