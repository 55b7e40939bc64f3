import { expect, test } from "bun:test";
import { CommandFailure } from "../../src/cli/failure.ts";
import { type Child, type LockProbe, READY_MS, type Starting, startDaemon } from "../../src/cli/start-daemon.ts";
import { manualClock } from "../support/manual-clock.ts";

/** A machine over time: what answers, who has the lock, how children end. Times in ms from the start. */
type Script = {
  answersFrom?: number;
  /** Whose pid the pid file holds once something answers; `null`: it cannot be read. */
  pid?: number | null;
  lock?: (nowMs: number) => LockProbe;
  /** When and how the n-th child ends. */
  childEnds?: (n: number) => { at: number; code: number } | null;
  unsafe?: boolean;
};

const FREE: LockProbe = { free: true };
const heldBy = (holderPid: number): LockProbe => ({ free: false, holderPid });
const firstPid = 100;

async function run(script: Script) {
  const clock = manualClock();
  const seen = { spawned: 0, terminated: [] as number[] };
  const child = (): Child => {
    const n = seen.spawned++;
    const pid = firstPid + n;
    const end = script.childEnds?.(n) ?? null;
    const code = (): number | null => (end && clock.monotonic() >= end.at ? end.code : null);
    const exited = end ? clock.sleep(Math.max(0, end.at - clock.monotonic())) : new Promise<never>(() => undefined);
    return { pid, exitCode: code, exited, terminate: () => void seen.terminated.push(pid) };
  };
  const answering = (): boolean => clock.monotonic() >= (script.answersFrom ?? Number.POSITIVE_INFINITY);
  const starting: Starting = {
    clock,
    logPath: "/logs/agenttowerd.log",
    answers: async () => answering(),
    checkDirectories() {
      if (script.unsafe)
        throw new CommandFailure(1, ["error: unsafe permissions on /state: mode is 0755, must be 0700"]);
    },
    probeLock: () => script.lock?.(clock.monotonic()) ?? FREE,
    spawn: child,
    readPid: () => (answering() ? (script.pid === undefined ? firstPid : script.pid) : null),
    tail: () => ["line one", "line two"],
  };
  let outcome: unknown;
  const settled = startDaemon(starting).then(
    (started) => {
      outcome = started;
    },
    (error: unknown) => {
      if (!(error instanceof CommandFailure)) throw error;
      outcome = { exit: error.exit, lines: error.lines };
    },
  );
  while (outcome === undefined) await clock.advance(10);
  await settled;
  return { outcome, tookMs: clock.monotonic(), ...seen };
}

test("a daemon that answers is left alone", async () => {
  const { outcome, spawned } = await run({ answersFrom: 0, pid: 7, unsafe: true });
  expect(outcome).toEqual({ started: false, pid: 7 });
  expect(spawned).toBe(0);
});

test("nobody there: one is started, and it is ours", async () => {
  const { outcome, spawned } = await run({ answersFrom: 120 });
  expect(outcome).toEqual({ started: true, pid: firstPid });
  expect(spawned).toBe(1);
});

test("a daemon that needs 1.5 s is waited for", async () => {
  expect((await run({ answersFrom: 1500 })).outcome).toEqual({ started: true, pid: firstPid });
});

test("somebody else's daemon answers first: not started by us, whatever we spawned", async () => {
  expect((await run({ answersFrom: 100, pid: 7 })).outcome).toEqual({ started: false, pid: 7 });
});

test("our child lost the race: the whole budget is waited, and the winner's pid told", async () => {
  const { outcome, spawned } = await run({
    answersFrom: 1000,
    pid: 7,
    childEnds: (n) => (n === 0 ? { at: 60, code: 2 } : null),
    lock: (now) => (now < 50 ? FREE : heldBy(7)),
  });
  expect(outcome).toEqual({ started: false, pid: 7 });
  expect(spawned).toBe(1);
});

test("the lock is held by one on its way out: the next one is ours", async () => {
  const { outcome, spawned } = await run({ answersFrom: 800, lock: (now) => (now < 500 ? heldBy(7) : FREE) });
  expect(outcome).toEqual({ started: true, pid: firstPid });
  expect(spawned).toBe(1);
});

test("the lock is held and nobody answers: nothing is started, its holder is named", async () => {
  const { outcome, spawned, tookMs } = await run({ lock: () => heldBy(7) });
  expect(outcome).toEqual({
    exit: 2,
    lines: [
      "error: daemon failed to become ready within 2.00s: see /logs/agenttowerd.log",
      "detail: the lock is held by pid 7",
    ],
  });
  expect(spawned).toBe(0);
  expect(tookMs).toBeLessThanOrEqual(READY_MS + 100);
});

test("a child that never answers is told to stop", async () => {
  const { outcome, terminated } = await run({});
  expect(outcome).toMatchObject({ exit: 2 });
  expect(terminated).toEqual([firstPid]);
});

test("a child that ends early: its code and the end of the log, at once", async () => {
  const { outcome, tookMs } = await run({ childEnds: () => ({ at: 30, code: 1 }) });
  expect(outcome).toEqual({
    exit: 2,
    lines: ["error: agenttowerd exited before ready (code=1); tail of /logs/agenttowerd.log:", "line one", "line two"],
  });
  expect(tookMs).toBeLessThan(200);
});

test("unsafe directories: nothing is started", async () => {
  const { outcome, spawned } = await run({ unsafe: true });
  expect(outcome).toEqual({ exit: 1, lines: ["error: unsafe permissions on /state: mode is 0755, must be 0700"] });
  expect(spawned).toBe(0);
});

test("an unreadable pid file leaves the pid open", async () => {
  expect((await run({ answersFrom: 0, pid: null })).outcome).toEqual({ started: false, pid: null });
  expect((await run({ answersFrom: 100, pid: null })).outcome).toEqual({ started: true, pid: null });
});
