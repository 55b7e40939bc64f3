/** Scans that an app client started: they have an id from the first instant, may be waited for, and are remembered (06 §7). */
import type { Clock } from "../base/clock.ts";
import { uuid } from "../base/ids.ts";
import { Fault, refuse } from "../contract/faults.ts";
import { SCAN_RECORDS_KEPT, SCAN_WAIT_MS, SCANS_IN_FLIGHT_MAX } from "../contract/limits.ts";
import type { ContainerScanResult, PaneScanResult } from "../contract/scans.ts";

export type ScanKind = "containers" | "panes";
export type ScanResults = {
  containers: ContainerScanResult;
  /** The counter also under the name of its column (02 §8). */
  panes: PaneScanResult & { panes_reconciled_inactive: number };
};
export type ScanFailure = { error: string };

/** `running` has no result. */
export type ScanAnswer<K extends ScanKind> =
  | { scan_id: string; state: "running" }
  | { scan_id: string; state: "completed" | "failed"; result: ScanResults[K] | ScanFailure };

export type ScanStatus = {
  state: "running" | "completed" | "failed";
  scan_kind: ScanKind;
  /** Milliseconds since the epoch. */
  started_at: number;
  completed_at: number | null;
  result: ScanResults[ScanKind] | ScanFailure | null;
};

export type ScanJobs = {
  /**
   * Starts a scan, or joins the one of its kind that an app client started before.
   * @param signal the caller no longer waits; the scan goes on
   * @throws Fault `scan_timeout` after 30 s of waiting, `param_invalid` when too many are in flight
   */
  start<K extends ScanKind>(kind: K, wait: boolean, signal?: AbortSignal): Promise<ScanAnswer<K>>;
  /** @throws Fault `scan_not_found` */
  status(scanId: string): ScanStatus;
};

/** Runs a scan under an id. A refusal is a failed scan; any other error is a bug, told here and shown as `internal_error`. */
export type ScanRunners = { [K in ScanKind]: (scanId: string) => Promise<ScanResults[K]> };

type Job<K extends ScanKind> = {
  scanId: string;
  kind: K;
  startedAt: number;
  outcome: { state: "completed" | "failed"; result: ScanResults[K] | ScanFailure; at: number } | null;
  done: Promise<void>;
};

export function createScanJobs(runners: ScanRunners, clock: Clock, onBug: (error: unknown) => void): ScanJobs {
  const jobs = new Map<string, Job<ScanKind>>();
  const running: { [K in ScanKind]?: Job<K> } = {};

  const begin = <K extends ScanKind>(kind: K, run: (scanId: string) => Promise<ScanResults[K]>): Job<K> => {
    const scanId = uuid();
    const job: Job<K> = { scanId, kind, startedAt: Math.floor(clock.now()), outcome: null, done: Promise.resolve() };
    job.done = run(scanId).then(
      (result) => {
        job.outcome = { state: "completed", result, at: Math.floor(clock.now()) };
      },
      (error: unknown) => {
        if (!(error instanceof Fault)) onBug(error);
        job.outcome = { state: "failed", result: { error: failureCode(error) }, at: Math.floor(clock.now()) };
      },
    );
    return job;
  };

  const remember = (job: Job<ScanKind>): void => {
    jobs.set(job.scanId, job);
    for (const [id, { outcome }] of jobs) {
      if (jobs.size <= SCAN_RECORDS_KEPT) return;
      if (outcome) jobs.delete(id);
    }
  };

  const inFlight = (): number => Object.values(running).filter((job) => job && !job.outcome).length;

  const join = <K extends ScanKind>(kind: K): Job<K> => {
    const current: Job<K> | undefined = running[kind];
    if (current && !current.outcome) return current;
    if (inFlight() >= SCANS_IN_FLIGHT_MAX) {
      refuse("param_invalid", { field: "scan_kind", reason: "too_many_scans_in_flight" }, "too many scans are running");
    }
    const job = begin(kind, runners[kind]);
    const slots: { [P in K]?: Job<P> } = running;
    slots[kind] = job;
    remember(job);
    return job;
  };

  return {
    async start(kind, wait, signal) {
      const job = join(kind);
      if (wait && !(await isDoneInTime(job.done, clock, signal))) {
        if (!signal?.aborted) refuse("scan_timeout", { scan_id: job.scanId }, "the scan goes on; ask app.scan.status");
      }
      const { scanId: scan_id, outcome } = job;
      if (!wait || !outcome) return { scan_id, state: "running" };
      return { scan_id, state: outcome.state, result: outcome.result };
    },
    status(scanId) {
      const job = jobs.get(scanId) ?? refuse("scan_not_found", { scan_id: scanId }, "no such scan among the last 100");
      return {
        state: job.outcome?.state ?? "running",
        scan_kind: job.kind,
        started_at: job.startedAt,
        completed_at: job.outcome?.at ?? null,
        result: job.outcome?.result ?? null,
      };
    },
  };
}

/** Panels know one word for an Engine that cannot be used (02 §8). */
function failureCode(error: unknown): string {
  if (!(error instanceof Fault)) return "internal_error";
  return error.code === "docker_permission_denied" ? "docker_unavailable" : error.code;
}

async function isDoneInTime(done: Promise<void>, clock: Clock, signal?: AbortSignal): Promise<boolean> {
  const settled = new AbortController();
  const given = signal ? AbortSignal.any([signal, settled.signal]) : settled.signal;
  const late = clock.sleep(SCAN_WAIT_MS, given).then(
    () => false,
    () => false,
  );
  const inTime = await Promise.race([done.then(() => true), late]);
  settled.abort();
  return inTime;
}
