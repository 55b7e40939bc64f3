/**
 * The daemon log as its workers see it: a full disk must not take the daemon down with it (00 §6). A line that cannot be written
 * is told on standard error, once per outage.
 */
import { message } from "../base/text.ts";
import type { DaemonLog } from "../journal/daemon-log.ts";

/** @param complain one line for standard error, without `error: ` */
export function steadyLog(log: DaemonLog, complain: (line: string) => void): DaemonLog {
  let failing = false;
  return {
    write(event, fields) {
      try {
        log.write(event, fields);
        failing = false;
      } catch (error) {
        if (!failing) complain(message(`daemon log: ${error instanceof Error ? error.message : String(error)}`));
        failing = true;
      }
    },
    close: () => log.close(),
  };
}
