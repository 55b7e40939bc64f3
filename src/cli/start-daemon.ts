/**
 * Starting the daemon detached and waiting until it answers (01 §14), whoever of several callers wins the race. What it does to
 * the machine is an argument.
 */
import type { Clock } from "../base/clock.ts";
import { PREFLIGHT, UNREACHABLE } from "./exits.ts";
import { type CommandFailure, CommandFailure as Failure, preflightFailure } from "./failure.ts";

/** From the call until the daemon must answer. */
export const READY_MS = 2000;
export const POLL_MS = 50;
/** One ping, connecting included. */
export const PING_MS = 500;
/** The pid file follows the socket by an instant. */
const PID_PATIENCE_MS = 250;
const PID_POLL_MS = 5;
/** A daemon that finds the lock taken ends with this: somebody else is starting one. */
const LOST_RACE = 2;

export type Child = {
  readonly pid: number;
  /** `null` while it runs; 128 when a signal ended it. */
  exitCode(): number | null;
  readonly exited: Promise<unknown>;
  terminate(): void;
};

export type LockProbe = { free: true } | { free: false; holderPid: number | null };

export type Starting = {
  clock: Clock;
  /** The daemon log, as named to the user. */
  logPath: string;
  /** Whether anything answers, an error envelope included. */
  answers(limitMs: number): Promise<boolean>;
  /** Refuses a state or logs directory that a daemon would refuse. @throws CommandFailure */
  checkDirectories(): void;
  /** @throws CommandFailure when the lock file cannot be used */
  probeLock(): LockProbe;
  /** @throws CommandFailure when the log cannot be opened or the program not be run */
  spawn(): Child;
  readPid(): number | null;
  /** The last lines of the daemon log. */
  tail(): string[];
};

export type Started = { started: boolean; pid: number | null };

/** Makes sure that a daemon answers. @throws CommandFailure exit 1 unsafe, exit 2 not ready */
export async function startDaemon(starting: Starting): Promise<Started> {
  const { clock } = starting;
  const deadline = clock.monotonic() + READY_MS;
  const answers = (): Promise<boolean> => starting.answers(Math.min(PING_MS, deadline - clock.monotonic()));
  if (await answers()) return { started: false, pid: await settledPid(starting) };

  starting.checkDirectories();
  let child: Child | null = null;
  let holderPid: number | null = null;
  for (;;) {
    if (!child) {
      // The holder may be starting, or on its way out: then this call is the next to start.
      const lock = starting.probeLock();
      if (lock.free) child = starting.spawn();
      else holderPid = lock.holderPid;
    }
    await Promise.race([clock.sleep(POLL_MS), ...(child ? [child.exited] : [])]);
    if (clock.monotonic() >= deadline) throw notReady(starting, child, holderPid);
    if (await answers()) {
      const pid = await settledPid(starting);
      return { started: child !== null && (pid === null ? child.exitCode() === null : pid === child.pid), pid };
    }
    const exitCode: number | null = child?.exitCode() ?? null;
    if (exitCode === LOST_RACE) child = null;
    else if (exitCode !== null) throw exitedEarly(starting, exitCode);
  }
}

/** The pid of the daemon that answers; `null` when its pid file cannot be read. */
async function settledPid({ clock, readPid }: Starting): Promise<number | null> {
  const deadline = clock.monotonic() + PID_PATIENCE_MS;
  for (;;) {
    const pid = readPid();
    if (pid !== null || clock.monotonic() >= deadline) return pid;
    await clock.sleep(PID_POLL_MS);
  }
}

function notReady(starting: Starting, child: Child | null, holderPid: number | null): CommandFailure {
  child?.terminate();
  const text = `daemon failed to become ready within ${(READY_MS / 1000).toFixed(2)}s: see ${starting.logPath}`;
  const holder = holderPid === null ? [] : [`detail: the lock is held by pid ${holderPid}`];
  return new Failure(UNREACHABLE, [`error: ${text}`, ...holder], { code: "daemon_unavailable", message: text });
}

function exitedEarly(starting: Starting, exitCode: number): CommandFailure {
  const text = `agenttowerd exited before ready (code=${exitCode})`;
  const lines = [`error: ${text}; tail of ${starting.logPath}:`, ...starting.tail()];
  return new Failure(UNREACHABLE, lines, { code: "daemon_unavailable", message: text });
}

/** Refused before anything was started; with `--json` an error object too. */
export function cannotStart(text: string): CommandFailure {
  const failure = preflightFailure(PREFLIGHT, text);
  return new Failure(failure.exit, failure.lines, { code: "daemon_unavailable", message: text });
}
