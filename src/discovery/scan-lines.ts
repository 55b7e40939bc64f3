/** The lines that scans leave in the daemon log and the events file (02 §9), and what happens when one cannot be written. */
import type { DaemonLog } from "../journal/daemon-log.ts";
import type { EventsFile } from "../journal/events-file.ts";

export type LineDeps = { log: Pick<DaemonLog, "write">; events: Pick<EventsFile, "append"> };

/** Writes a line whose loss changes nothing for the caller (02 §3.5). @returns false when it was lost */
export function tryWrite(write: () => void): boolean {
  try {
    write();
    return true;
  } catch {
    // The log is the only place that could tell, and it is what failed; `readiness` shows an unwritable state directory.
    return false;
  }
}

/**
 * Appends the line of a degraded scan after its commit; the committed row is the truth whatever happens here.
 * @returns the error that kept the line out of the file, else `null`
 */
export async function appendDegraded(
  deps: LineDeps,
  kind: "container_scan" | "pane_scan",
  payload: { scan_id: string } & Record<string, unknown>,
): Promise<unknown> {
  try {
    await deps.events.append({ type: `${kind}_degraded`, payload });
    return null;
  } catch (error) {
    const { scan_id } = payload;
    tryWrite(() => deps.log.write(kind === "pane_scan" ? "pane_scan_jsonl_failed" : "scan_jsonl_failed", { scan_id }));
    return error;
  }
}

/** A background scan is recorded only when it tells something new (02 §11); a requested one always. */
export type ScanOrigin = "requested" | "background";

/** What two scans of a kind are compared by. */
export type Verdict = { status: "ok" | "degraded"; error_code: string | null };

export function isNews(before: Verdict | null, after: Verdict): boolean {
  return (before?.status ?? "ok") !== after.status || (before?.error_code ?? null) !== after.error_code;
}
