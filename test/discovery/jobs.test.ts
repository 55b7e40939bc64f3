import { expect, test } from "bun:test";
import { Fault } from "../../src/contract/faults.ts";
import { createScanJobs, type ScanResults } from "../../src/discovery/jobs.ts";
import { manualClock } from "../support/manual-clock.ts";

const containerResult = (scan_id: string): ScanResults["containers"] => ({
  scan_id,
  started_at: "",
  completed_at: "",
  status: "ok",
  matched_count: 0,
  inactive_reconciled_count: 0,
  ignored_count: 0,
  error_code: null,
  error_message: null,
  error_details: [],
  containers: [],
  ignored_names: [],
});

function harness() {
  const clock = manualClock(1_000_000);
  const runs: { scanId: string; finish(): void; fail(error: Error): void }[] = [];
  const bugs: unknown[] = [];
  const jobs = createScanJobs(
    {
      containers: (scanId) =>
        new Promise((resolve, reject) =>
          runs.push({ scanId, finish: () => resolve(containerResult(scanId)), fail: reject }),
        ),
      panes: () => Promise.reject(new Fault("docker_unavailable", {}, "away")),
    },
    clock,
    (error) => bugs.push(error),
  );
  return { clock, runs, bugs, jobs };
}

const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => "none",
    (error: unknown) => (error instanceof Fault ? [error.code, error.facts] : error),
  );

test("a scan without waiting runs under its id and is remembered", async () => {
  const { clock, runs, jobs } = harness();
  const { scan_id, state } = await jobs.start("containers", false);
  expect([state, runs[0]?.scanId]).toEqual(["running", scan_id]);
  expect(jobs.status(scan_id)).toEqual({
    state: "running",
    scan_kind: "containers",
    started_at: 1_000_000,
    completed_at: null,
    result: null,
  });
  await clock.advance(500);
  runs[0]?.finish();
  await clock.advance(0);
  expect(jobs.status(scan_id)).toMatchObject({ state: "completed", completed_at: 1_000_500, result: { scan_id } });
});

test("a second caller joins and gets the same outcome; the next one starts anew", async () => {
  const { runs, jobs } = harness();
  const first = jobs.start("containers", true);
  const second = jobs.start("containers", true);
  runs[0]?.finish();
  expect(await first).toEqual(await second);
  expect((await first).state).toBe("completed");
  void jobs.start("containers", false);
  expect(runs).toHaveLength(2);
});

test("after 30 s the caller is told, and the scan goes on", async () => {
  const { clock, runs, jobs } = harness();
  const waiting = codeOf(jobs.start("containers", true));
  await clock.advance(29_999);
  await clock.advance(1);
  const scanId = runs[0]?.scanId ?? "";
  expect(await waiting).toEqual(["scan_timeout", { scan_id: scanId }]);
  runs[0]?.finish();
  await clock.advance(0);
  expect(jobs.status(scanId).state).toBe("completed");
  expect(clock.sleeping).toBe(0);
});

test("a caller that left leaves nothing behind", async () => {
  const { clock, jobs } = harness();
  const gone = new AbortController();
  const waiting = jobs.start("containers", true, gone.signal);
  gone.abort();
  expect((await waiting).state).toBe("running");
  expect(clock.sleeping).toBe(0);
});

test("refusals are failed scans in the panels' words, bugs are told", async () => {
  const { jobs, runs, bugs } = harness();
  expect(await jobs.start("panes", true)).toMatchObject({ state: "failed", result: { error: "docker_unavailable" } });
  const denied = jobs.start("containers", true);
  runs[0]?.fail(new Fault("docker_permission_denied", {}, "no"));
  expect(await denied).toMatchObject({ state: "failed", result: { error: "docker_unavailable" } });
  const late = jobs.start("containers", true);
  runs[1]?.fail(new Fault("docker_timeout", {}, "late"));
  expect(await late).toMatchObject({ result: { error: "docker_timeout" } });
  expect(bugs).toEqual([]);
  const broken = jobs.start("containers", true);
  runs[2]?.fail(new Error("bug"));
  expect(await broken).toMatchObject({ state: "failed", result: { error: "internal_error" } });
  expect(bugs).toHaveLength(1);
});

test("the last 100 records are kept", async () => {
  const { jobs } = harness();
  const ids: string[] = [];
  for (let n = 0; n < 101; n++) ids.push((await jobs.start("panes", true)).scan_id);
  expect(jobs.status(ids[1] ?? "").state).toBe("failed");
  expect(() => jobs.status(ids[0] ?? "")).toThrow(Fault);
});
