/**
 * The daemon's lock: one exclusive `flock` per state directory, held for life (01 §7). The lock alone decides who is alive;
 * the kernel drops it with the process, so there is nothing to recover. The file is created 0600, never truncated, never
 * removed, and no symbolic link is followed to it.
 */
import { dlopen, FFIType, read } from "bun:ffi";
import { closeSync, constants, fchmodSync, fstatSync, openSync, readFileSync } from "node:fs";
import { LIBC_NAMES } from "../base/libc.ts";

export type LockAttempt =
  /** Ours until `release` or the end of the process. `release` is idempotent. */
  | { held: true; release(): void }
  /** Somebody else has it; `holderPid` where the system tells. */
  | { held: false; holderPid: number | null };

/** The lock file cannot be used: reason is one line without the path. */
export class LockFileError extends Error {
  readonly path: string;
  readonly reason: string;

  constructor(path: string, reason: string) {
    super(`acquire lock: ${path}: ${reason}`);
    this.name = "LockFileError";
    this.path = path;
    this.reason = reason;
  }
}

const LOCK_EX = 2;
const LOCK_NB = 4;
const LOCK_UN = 8;
const LINUX = process.platform === "linux";
/** EWOULDBLOCK of each platform; every other error of `flock` means that locking does not work on that file system. */
const WOULD_BLOCK = LINUX ? 11 : 35;
const ERRNO = LINUX ? "__errno_location" : "__error";

type Calls = { flock(fd: number, operation: number): number; errno(): number };
let calls: Calls | undefined;

function libc(): Calls {
  if (calls) return calls;
  let last: unknown;
  for (const library of LIBC_NAMES) {
    try {
      const { symbols } = dlopen(library, {
        flock: { args: [FFIType.i32, FFIType.i32], returns: FFIType.i32 },
        [ERRNO]: { args: [], returns: FFIType.ptr },
      });
      const place = symbols[ERRNO] as () => Parameters<typeof read.i32>[0] | null;
      calls = {
        flock: (fd, operation) => Number(symbols.flock(fd, operation)),
        errno: () => {
          const at = place();
          return at === null ? 0 : read.i32(at, 0);
        },
      };
      return calls;
    } catch (error) {
      last = error;
    }
  }
  throw new Error(`no C library with flock: ${String(last)}`);
}

function reasonOf(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === "ELOOP") return "is a symbolic link";
  if (code === "ENOENT") return "directory does not exist";
  if (code === "EACCES" || code === "EPERM") return "permission denied";
  return code ?? "cannot be opened";
}

/** Opens what is there, or creates it for us alone; between the two attempts nobody removes it, the file is never removed. */
function openLockFile(path: string): number {
  const flags = constants.O_RDWR | constants.O_NOFOLLOW;
  try {
    const fd = openSync(path, flags | constants.O_CREAT | constants.O_EXCL, 0o600);
    fchmodSync(fd, 0o600);
    return fd;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw new LockFileError(path, reasonOf(error));
  }
  try {
    // O_NONBLOCK: a FIFO in its place must not hang us.
    return openSync(path, flags | constants.O_NONBLOCK);
  } catch (error) {
    throw new LockFileError(path, reasonOf(error));
  }
}

function checkLockFile(path: string, fd: number): void {
  const stat = fstatSync(fd);
  if (!stat.isFile()) throw new LockFileError(path, "is not a regular file");
  if (stat.uid !== process.geteuid?.()) throw new LockFileError(path, `is owned by uid ${stat.uid}`);
  const mode = stat.mode & 0o7777;
  if (mode !== 0o600) throw new LockFileError(path, `mode is ${mode.toString(8).padStart(4, "0")}, must be 0600`);
}

/** Who holds a `flock` on this inode, from the kernel's list; `null` where there is no such list. */
function holderOf(inode: number): number | null {
  if (!LINUX) return null;
  try {
    // `1: FLOCK  ADVISORY  WRITE 1234 fd:01:5678 0 EOF`. The device is not compared: overlay file systems show another one.
    for (const line of readFileSync("/proc/locks", "utf8").split("\n")) {
      const [, kind, , , pid, place] = line.trim().split(/\s+/);
      if (kind !== "FLOCK" || place?.split(":")[2] !== String(inode)) continue;
      if (Number(pid) > 0) return Number(pid);
    }
  } catch {
    return null;
  }
  return null;
}

/**
 * Tries to take the lock, without waiting.
 * @throws LockFileError when the file cannot be created, opened or locked, or is not exactly 0600 and ours
 */
export function tryLock(path: string): LockAttempt {
  const fd = openLockFile(path);
  try {
    checkLockFile(path, fd);
    const { flock, errno } = libc();
    if (flock(fd, LOCK_EX | LOCK_NB) === 0) {
      let open = true;
      return {
        held: true,
        release() {
          if (!open) return;
          open = false;
          // Unlocked by name: a child between fork and exec still has the descriptor for a moment.
          flock(fd, LOCK_UN);
          closeSync(fd);
        },
      };
    }
    const cause = errno();
    if (cause !== 0 && cause !== WOULD_BLOCK) throw new LockFileError(path, `cannot be locked (error ${cause})`);
    const holderPid = holderOf(fstatSync(fd).ino);
    closeSync(fd);
    return { held: false, holderPid };
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}
