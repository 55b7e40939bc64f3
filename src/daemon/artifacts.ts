/**
 * The files a daemon leaves on disk: which ones it trusts, which leftovers it removes, and its pid file (01 §7).
 * Everything here runs under the lock, except `checkPaths`.
 */
import {
  chmodSync,
  closeSync,
  constants,
  lstatSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  type Stats,
  unlinkSync,
  writeSync,
} from "node:fs";
import { StartFailure } from "./start-failure.ts";

/** Members of the state directory that the daemon's life turns on. Absolute paths. */
export type DaemonFiles = {
  stateDir: string;
  logsDir: string;
  lock: string;
  pid: string;
  socket: string;
  log: string;
};

const octal = (mode: number): string => mode.toString(8).padStart(4, "0");

function lstatOrNull(path: string): Stats | null {
  try {
    return lstatSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw new StartFailure(1, `unsafe path ${path}: ${(error as NodeJS.ErrnoException).code ?? "cannot be read"}`);
  }
}

function kindOf(stat: Stats): string {
  if (stat.isSymbolicLink()) return "symlink";
  if (stat.isDirectory()) return "directory";
  if (stat.isFIFO()) return "FIFO";
  if (stat.isFile()) return "file";
  if (stat.isSocket()) return "socket";
  return "device";
}

function check(path: string, stat: Stats, kind: "directory" | "file", mode: number): void {
  const found = kindOf(stat);
  const unsafe = (reason: string): never => {
    throw new StartFailure(1, `unsafe path ${path}: ${reason}`);
  };
  if (found !== kind) unsafe(`is a ${found}, must be a ${kind}`);
  if (stat.uid !== process.geteuid?.()) unsafe(`is owned by uid ${stat.uid}`);
  if ((stat.mode & 0o7777) !== mode) unsafe(`mode is ${octal(stat.mode & 0o7777)}, must be ${octal(mode)}`);
}

/**
 * State and logs directories must be real directories, exactly 0700 and ours; lock, pid and log, if there, real files, exactly
 * 0600 and ours. Nothing is repaired; only a missing logs directory is made.
 * @throws StartFailure `unsafe path …`, exit 1
 */
export function checkPaths(files: DaemonFiles): void {
  const state = lstatOrNull(files.stateDir);
  if (!state) throw new StartFailure(1, `unsafe path ${files.stateDir}: does not exist`);
  check(files.stateDir, state, "directory", 0o700);
  if (!lstatOrNull(files.logsDir)) {
    mkdirSync(files.logsDir, { mode: 0o700 });
    chmodSync(files.logsDir, 0o700);
  }
  for (const [path, kind, mode] of [
    [files.logsDir, "directory", 0o700],
    [files.lock, "file", 0o600],
    [files.pid, "file", 0o600],
    [files.log, "file", 0o600],
  ] as const) {
    const stat = lstatOrNull(path);
    if (stat) check(path, stat, kind, mode);
  }
}

/**
 * Removes the socket and the pid file that a killed daemon left. What is no socket is never removed.
 * @returns the paths removed, with the reason for the log
 * @throws StartFailure `socket path is not a unix socket …`, exit 1
 */
export function removeLeftovers(files: DaemonFiles): { unlinked: string; reason: "stale_socket" | "stale_pid" }[] {
  const removed: { unlinked: string; reason: "stale_socket" | "stale_pid" }[] = [];
  const socket = lstatOrNull(files.socket);
  if (socket && !socket.isSocket()) {
    const line = `socket path is not a unix socket: ${files.socket}: refusing to remove ${kindOf(socket)}`;
    throw new StartFailure(1, line);
  }
  if (socket) {
    unlinkSync(files.socket);
    removed.push({ unlinked: files.socket, reason: "stale_socket" });
  }
  if (lstatOrNull(files.pid)) {
    unlinkSync(files.pid);
    removed.push({ unlinked: files.pid, reason: "stale_pid" });
  }
  return removed;
}

/** Writes the pid file, 0600 whatever the umask; a reader sees all of it or nothing. */
export function writePid(path: string, pid: number): void {
  const fresh = `${path}.new`;
  rmSync(fresh, { force: true });
  const fd = openSync(fresh, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, 0o600);
  try {
    chmodSync(fresh, 0o600);
    writeSync(fd, `${pid}\n`);
  } finally {
    closeSync(fd);
  }
  renameSync(fresh, path);
}

export function removePid(path: string): void {
  rmSync(path, { force: true });
}
