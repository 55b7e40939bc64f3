/**
 * Runs the daemon in this process: `agenttowerd run` and `agenttower daemon` (01 §7, 00 §2). The edge to the process is here:
 * environment, standard streams, signals. `run` refuses where nothing is set up, `daemon` sets it up.
 */
import { fstatSync, statSync, writeSync } from "node:fs";
import { type Clock, systemClock } from "../base/clock.ts";
import { message } from "../base/text.ts";
import { VERSION } from "../base/version.ts";
import { checkFile, PathFault } from "../config/modes.ts";
import { NoHome, type Paths, resolvePaths } from "../config/paths.ts";
import { APP_CONTRACT_VERSION } from "../contract/limits.ts";
import { openDaemonLog } from "../journal/daemon-log.ts";
import { StoreOpenError } from "../store/store-error.ts";
import { removePid } from "./artifacts.ts";
import { buildServices, closeBase, openBase, registryFailure } from "./compose.ts";
import { initializeState } from "./initialize.ts";
import { runLifecycle, story } from "./lifecycle.ts";
import { LockFileError, tryLock } from "./lock.ts";
import { watchCrash, watchParent, watchSignals } from "./process-watch.ts";
import { StartFailure } from "./start-failure.ts";
import { steadyLog } from "./steady-log.ts";
import { stopRequest } from "./stop-request.ts";

export type ForegroundOptions = {
  /** `daemon` creates what is missing; `run` refuses then. */
  command: "run" | "daemon";
  /** One line of JSON on standard output once ready. */
  json: boolean;
  /** Stop when standard input closes or the parent is gone. */
  exitWithParent: boolean;
};

/**
 * Runs until SIGTERM, SIGINT, `shutdown` or the end of the parent.
 * @returns the exit code
 */
export async function runForeground(options: ForegroundOptions): Promise<number> {
  const stop = stopRequest();
  watchSignals(stop);
  const clock = systemClock();
  let paths: Paths;
  try {
    paths = resolvePaths(process.env);
  } catch (error) {
    if (!(error instanceof NoHome)) throw error;
    say(`error: ${error.message}`);
    return 1;
  }
  let logOpen = false;
  const tell = (line: string): void => {
    if (!logOpen || !isDaemonLog(paths.log)) say(line);
  };
  const complain = (line: string): void => tell(`error: ${message(line)}`);
  if (options.exitWithParent) watchParent(stop);

  return runLifecycle({
    files: paths,
    clock,
    pid: process.pid,
    stop,
    precheck: () => (options.command === "daemon" ? setUp(paths, clock) : refuseMissing(paths)),
    openLog: () => {
      const log = steadyLog(openDaemonLog(paths.log, clock), complain);
      logOpen = true;
      watchCrash((error) => {
        log.write("error_fatal", { reason: story(error) });
        complain(story(error));
        removePid(paths.pid);
      });
      return log;
    },
    openBase: (log) => openBase({ paths, clock, log, tell }),
    closeBase,
    build: (base, log) => buildServices({ paths, clock, log, base, stop, env: process.env }),
    ready: () => announce(options, paths),
    complain,
  });
}

/** Another call that creates the same holds the lock for an instant only. */
const SET_UP_PATIENCE_MS = 1_000;
const SET_UP_RETRY_MS = 10;

/** Creates what is missing; beside a live daemon nothing is changed. @throws StartFailure */
async function setUp(paths: Paths, clock: Clock): Promise<void> {
  const deadline = clock.monotonic() + SET_UP_PATIENCE_MS;
  // Free once: whoever stopped us may have just finished. Free twice: it was the file itself.
  let foundFree = 0;
  for (;;) {
    try {
      return void initializeState(paths, clock);
    } catch (error) {
      if (error instanceof LockFileError || error instanceof PathFault) {
        throw new StartFailure(1, `initialize: ${error.path}: ${error.reason}`);
      }
      if (!(error instanceof StoreOpenError)) throw error;
      const lock = tryLock(paths.lock);
      if (lock.held) {
        lock.release();
        foundFree++;
      }
      if (foundFree > 1 || clock.monotonic() >= deadline) throw registryFailure(paths, error);
    }
    await clock.sleep(SET_UP_RETRY_MS);
  }
}

function refuseMissing(paths: Paths): void {
  try {
    if (checkFile(paths.stateDb)) return;
  } catch (error) {
    if (error instanceof PathFault) throw new StartFailure(1, `unsafe path ${error.path}: ${error.reason}`);
    throw error;
  }
  throw new StartFailure(1, `agenttower is not initialized: state db missing at ${paths.stateDb}`);
}

function announce({ command, json }: ForegroundOptions, paths: Paths): void {
  if (command === "run") return;
  if (!json) {
    say(`agenttowerd ready: pid=${process.pid} socket=${paths.socket} state=${paths.stateDir}`);
    return;
  }
  const line = {
    ready: true,
    pid: process.pid,
    socket_path: paths.socket,
    state_path: paths.stateDir,
    daemon_version: VERSION,
    app_contract_version: APP_CONTRACT_VERSION,
  };
  put(STDOUT, JSON.stringify(line));
}

function say(line: string): void {
  put(STDERR, line);
}

const STDOUT = 1;
const STDERR = 2;

/** Whoever started the daemon may have closed its end of the pipe, or sit on a full one: that is no reason to die. */
function put(fd: number, line: string): void {
  try {
    writeSync(fd, `${line}\n`);
  } catch {
    return; // nobody there to be told
  }
}

/** Standard error of a detached daemon is the daemon log; what the log says as a line is not said again there (01 §17). */
function isDaemonLog(path: string): boolean {
  const log = statSync(path, { throwIfNoEntry: false });
  const own = fstatSync(STDERR);
  return log !== undefined && own.ino === log.ino && own.dev === log.dev;
}
