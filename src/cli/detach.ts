/** The machine's side of starting a daemon: its own executable, detached, with the daemon log as output (01 §14, 00 §1). */
import { closeSync } from "node:fs";
import type { Clock } from "../base/clock.ts";
import { ensureDirectory, openPrivateLog, PathFault, privateDirectoryFault } from "../config/modes.ts";
import type { Env, Paths } from "../config/paths.ts";
import { callOnce } from "../wire/client.ts";
import { TransportFault } from "../wire/transport.ts";
import type { CliContext } from "./context.ts";
import { readPidFile, tailOf } from "./daemon-files.ts";
import { type Child, cannotStart, type LockProbe, type Starting } from "./start-daemon.ts";

const TAIL_LINES = 10;

/** What `startDaemon` needs, on this machine. */
export async function thisMachine(context: CliContext, paths: Paths): Promise<Starting> {
  const { LockFileError, tryLock } = await import("../daemon/lock.ts");
  const { uid, env } = context;
  const clock: Clock = context.clock;
  return {
    clock,
    logPath: paths.log,
    answers: (limitMs) => answers(paths.socket, limitMs),
    checkDirectories() {
      for (const path of [paths.stateDir, paths.logsDir]) {
        if (path === paths.logsDir && !context.files.exists(path)) continue; // made below
        const fault = privateDirectoryFault(path, uid);
        if (fault) throw cannotStart(`unsafe permissions on ${path}: ${fault}`);
      }
    },
    probeLock(): LockProbe {
      try {
        const attempt = tryLock(paths.lock);
        if (!attempt.held) return { free: false, holderPid: attempt.holderPid };
        attempt.release();
        return { free: true };
      } catch (error) {
        if (error instanceof LockFileError) throw cannotStart(error.message);
        throw error;
      }
    },
    spawn() {
      try {
        ensureDirectory(paths.logsDir);
        return spawnDaemon(openPrivateLog(paths.log, uid), env);
      } catch (error) {
        if (error instanceof PathFault) throw cannotStart(`unsafe permissions on ${error.path}: ${error.reason}`);
        throw error;
      }
    },
    readPid: () => readPidFile(paths.pid),
    tail: () => tailOf(paths.log, TAIL_LINES),
  };
}

/** Whether anything answers on the socket in the protocol. */
async function answers(socket: string, limitMs: number): Promise<boolean> {
  try {
    await callOnce(socket, "ping", {}, { connectMs: limitMs, totalMs: limitMs });
    return true;
  } catch (error) {
    if (error instanceof TransportFault) return false;
    throw error;
  }
}

/** Exit code that stands for a signal. */
const KILLED = 128;
/** Where compiled programs see their own modules. */
const COMPILED_ROOT = "/$bunfs/";

/** `agenttowerd run`, by this program's own path, never by a look-up. `log` is a descriptor and closed here. */
function spawnDaemon(log: number, env: Env): Child {
  const program = Bun.main.startsWith(COMPILED_ROOT)
    ? [process.execPath]
    : [process.execPath, "--no-env-file", Bun.main];
  try {
    const child = Bun.spawn({
      cmd: [...program, "run"],
      argv0: "agenttowerd",
      cwd: "/",
      env: daemonEnv(env),
      stdin: "ignore",
      stdout: log,
      stderr: log,
      detached: true,
    });
    child.unref();
    return {
      pid: child.pid,
      exitCode: () => child.exitCode ?? (child.signalCode === null ? null : KILLED),
      exited: child.exited,
      terminate: () => child.kill("SIGTERM"),
    };
  } finally {
    closeSync(log);
  }
}

/** The daemon's environment: ours without `BUN_*`, which would change the runtime inside the executable. */
export function daemonEnv(env: Env): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    if (value !== undefined && !name.startsWith("BUN_")) kept[name] = value;
  }
  return kept;
}
