/**
 * The life of a daemon, in the order of 01 §7 with the better column of §17: paths, lock, log, registry, leftovers, services,
 * socket, pid file, ready; then listener first, requests, workers, pid file, log, lock. A stop that is asked for during the start
 * unwinds what is there. What is brought up is an argument; this file knows only the order.
 */
import type { Clock } from "../base/clock.ts";
import { message } from "../base/text.ts";
import { checkPaths, type DaemonFiles, removeLeftovers, removePid, writePid } from "./artifacts.ts";
import { LockFileError, tryLock } from "./lock.ts";
import { StartFailure } from "./start-failure.ts";
import type { StopRequest, StopTrigger } from "./stop-request.ts";

/** A client that looks whether the lock is free holds it for an instant; a daemon really running holds it longer than this. */
const LOCK_PATIENCE_MS = 100;
const LOCK_RETRY_MS = 5;
/** Workers and files get this long to end; then the daemon goes without them. */
const CLOSE_LIMIT_MS = 5_000;

type LifecycleEvent =
  | "daemon_starting"
  | "daemon_recovering"
  | "daemon_ready"
  | "daemon_shutdown"
  | "daemon_exited"
  | "error_fatal";

/** The part of the daemon log that this file needs. */
export type LifecycleLog = {
  write(event: LifecycleEvent, fields: Record<string, string | number | null>): void;
  close(): void;
};

/** What runs once everything is built. */
export type Services = {
  /** Binds the socket; connections are served from here on. @throws with the reason when it cannot be bound */
  serve(): Promise<void>;
  /** Closes and unlinks the socket first, wakes what waits, gives running requests their time. */
  stopServing(): Promise<void>;
  /** Ends the workers. */
  close(): Promise<void>;
};

export type LifecycleDeps<Log extends LifecycleLog, Base> = {
  files: DaemonFiles;
  clock: Clock;
  pid: number;
  stop: StopRequest;
  /** Sees to it that a registry is there, or refuses before anything is touched. @throws StartFailure */
  precheck(): Promise<void> | void;
  openLog(): Log;
  /** Configuration and registry, opened and migrated; under the lock. @throws StartFailure */
  openBase(log: Log): Promise<Base> | Base;
  closeBase(base: Base): Promise<void> | void;
  /** Discovery, workers, handlers, server; not yet bound. */
  build(base: Base, log: Log): Promise<Services> | Services;
  /** Everything is up. */
  ready(base: Base): void;
  /** One line for standard error, without `error: `. */
  complain(line: string): void;
};

/** A stop was asked for while starting. */
class Unwind extends Error {}

async function takeLock(path: string, clock: Clock): Promise<() => void> {
  const deadline = clock.monotonic() + LOCK_PATIENCE_MS;
  for (;;) {
    try {
      const attempt = tryLock(path);
      if (attempt.held) return attempt.release;
    } catch (error) {
      if (error instanceof LockFileError) throw new StartFailure(1, error.message);
      throw error;
    }
    if (clock.monotonic() >= deadline) {
      throw new StartFailure(2, "another agenttowerd is already running for this state directory");
    }
    await clock.sleep(LOCK_RETRY_MS);
  }
}

function shutdownFields(trigger: StopTrigger): Record<string, string | number | null> {
  return trigger.trigger === "api" ? { trigger: "api", peer_pid: trigger.peer_pid } : { trigger: trigger.trigger };
}

/** The story of an error for the log: what and where, on one line. */
export function story(error: unknown): string {
  return message(error instanceof Error ? (error.stack ?? `${error.name}: ${error.message}`) : String(error));
}

/**
 * Runs a daemon until it is asked to stop.
 * @returns the exit code: 0 clean stop; 1 could not start, or something did not end well; 2 another daemon runs
 */
export async function runLifecycle<Log extends LifecycleLog, Base>(deps: LifecycleDeps<Log, Base>): Promise<number> {
  const { files, clock, stop } = deps;
  /** Undone in reverse; each step is tried whatever the ones before it did. */
  const steps: { name: string; undo: () => Promise<void> | void }[] = [];
  let log: Log | null = null;
  let exitCode = 0;

  const goOn = (): void => {
    if (stop.asked) throw new Unwind();
  };

  try {
    await deps.precheck();
    checkPaths(files);
    const release = await takeLock(files.lock, clock);
    steps.push({ name: "lock", undo: release });
    goOn();
    const opened = deps.openLog();
    log = opened;

    const base = await deps.openBase(opened);
    steps.push({ name: "registry", undo: () => deps.closeBase(base) });
    opened.write("daemon_starting", { pid: deps.pid, state_dir: files.stateDir });
    goOn();
    for (const leftover of removeLeftovers(files)) opened.write("daemon_recovering", leftover);
    steps.push({ name: "pid file", undo: () => removePid(files.pid) });

    const services = await deps.build(base, opened);
    steps.push({ name: "workers", undo: () => services.close() });
    goOn();
    steps.push({ name: "server", undo: () => services.stopServing() });
    await services.serve().catch((error: unknown) => {
      throw new StartFailure(
        1,
        message(`bind socket: ${files.socket}: ${error instanceof Error ? error.message : error}`),
      );
    });
    goOn();
    writePid(files.pid, deps.pid);
    opened.write("daemon_ready", { socket: files.socket, pid: deps.pid });
    deps.ready(base);

    await stop.whenAsked;
  } catch (error) {
    if (!(error instanceof Unwind)) {
      exitCode = error instanceof StartFailure ? error.exitCode : 1;
      const reason = error instanceof StartFailure ? error.message : story(error);
      log?.write("error_fatal", { reason });
      deps.complain(error instanceof StartFailure ? error.message : message(String(error)));
    }
  }

  if (stop.asked && exitCode === 0) log?.write("daemon_shutdown", shutdownFields(stop.asked));
  const unlock = steps.shift();
  for (const step of steps.reverse()) {
    try {
      await withLimit(step.undo(), clock);
    } catch (error) {
      exitCode ||= 1;
      log?.write("error_fatal", { reason: `stopping ${step.name}: ${story(error)}` });
    }
  }
  log?.write("daemon_exited", { exit_code: exitCode });
  log?.close();
  await unlock?.undo();
  return exitCode;
}

async function withLimit(work: Promise<void> | void, clock: Clock): Promise<void> {
  if (!(work instanceof Promise)) return;
  const over = new AbortController();
  const late = clock.sleep(CLOSE_LIMIT_MS, over.signal).then(
    () => Promise.reject(new Error(`not done after ${CLOSE_LIMIT_MS} ms`)),
    () => undefined,
  );
  await Promise.race([work, late]).finally(() => over.abort());
}
