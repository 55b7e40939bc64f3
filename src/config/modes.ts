/**
 * Permissions (01 §4): what we create is 0700 or 0600 whatever the umask; what is there and broader is refused and left alone.
 */
import {
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  type Stats,
  writeFileSync,
} from "node:fs";
import { dirname } from "node:path";

/** A path that cannot be used. `reason` is one line without the path. */
export class PathFault extends Error {
  readonly path: string;
  readonly reason: string;

  constructor(path: string, reason: string) {
    super(`${path}: ${reason}`);
    this.name = "PathFault";
    this.path = path;
    this.reason = reason;
  }
}

const octal = (mode: number): string => (mode & 0o7777).toString(8).padStart(4, "0");

/** Words for an operating-system error; its own text and number never reach the user (01 §10). */
export function reasonOf(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code;
  switch (code) {
    case "EACCES":
    case "EPERM":
      return "permission denied";
    case "EROFS":
      return "read-only file system";
    case "ENOSPC":
      return "no space left";
    case "ENOTDIR":
      return "a parent is not a directory";
    case "EISDIR":
      return "is a directory";
    case "ENOENT":
      return "does not exist";
    case "ELOOP":
      return "too many symbolic links";
    case "ENAMETOOLONG":
      return "path too long";
    default:
      return "cannot be used";
  }
}

function lstatOrNull(path: string): Stats | null {
  try {
    return lstatSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw new PathFault(path, reasonOf(error));
  }
}

/**
 * Makes a directory and every missing parent, each 0700. One that exists may be narrower than 0700, never broader.
 * @throws PathFault
 */
export function ensureDirectory(path: string): void {
  const stat = lstatOrNull(path);
  if (stat) {
    refuseBroader(path, stat, "directory");
    return;
  }
  makeMissing(path);
}

function makeMissing(path: string): void {
  const parent = dirname(path);
  if (parent !== path && !lstatOrNull(parent)) makeMissing(parent);
  try {
    mkdirSync(path, { mode: 0o700 });
    chmodSync(path, 0o700);
  } catch (error) {
    // Another call of ours may have been faster; what it made is judged like anything that was there.
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw new PathFault(path, reasonOf(error));
    const stat = lstatOrNull(path);
    if (stat && !stat.isDirectory() && !stat.isSymbolicLink()) throw new PathFault(path, "is not a directory");
  }
}

/**
 * Refuses what is there and broader than 0700 (directory) or 0600 (file), or of another kind.
 * @throws PathFault
 */
export function refuseBroader(path: string, stat: Stats, kind: "directory" | "file"): void {
  const limit = kind === "directory" ? 0o700 : 0o600;
  if (kind === "directory" ? !stat.isDirectory() : !stat.isFile()) throw new PathFault(path, `is not a ${kind}`);
  if ((stat.mode & 0o7777 & ~limit) !== 0) {
    throw new PathFault(path, `mode is ${octal(stat.mode)}, must not be broader than ${octal(limit)}`);
  }
}

/** Judges a file if it is there. @returns whether it is. @throws PathFault */
export function checkFile(path: string): boolean {
  const stat = lstatOrNull(path);
  if (stat) refuseBroader(path, stat, "file");
  return stat !== null;
}

/**
 * Creates a file 0600 with this content, durable before it returns.
 * @returns false when it was already there; its bytes stay
 * @throws PathFault
 */
export function createFile(path: string, content: string): boolean {
  let fd: number;
  try {
    fd = openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, 0o600);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw new PathFault(path, reasonOf(error));
  }
  try {
    fchmodSync(fd, 0o600);
    writeFileSync(fd, content);
    fsyncSync(fd);
  } catch (error) {
    throw new PathFault(path, reasonOf(error));
  } finally {
    closeSync(fd);
  }
  return true;
}

/**
 * A directory as a daemon wants it: real, exactly 0700, ours (01 §7).
 * @returns why not, or `null`
 */
export function privateDirectoryFault(path: string, uid: number | undefined): string | null {
  try {
    const stat = lstatOrNull(path);
    if (!stat) return "does not exist";
    if (stat.isSymbolicLink()) return "is a symbolic link";
    if (!stat.isDirectory()) return "is not a directory";
    if (stat.uid !== uid) return `is owned by uid ${stat.uid}`;
    return (stat.mode & 0o7777) === 0o700 ? null : `mode is ${octal(stat.mode)}, must be 0700`;
  } catch (error) {
    if (error instanceof PathFault) return error.reason;
    throw error;
  }
}

/**
 * Opens a log that must be exactly 0600 and ours for appending; creates it so.
 * @returns a file descriptor
 * @throws PathFault
 */
export function openPrivateLog(path: string, uid: number | undefined): number {
  const stat = lstatOrNull(path);
  if (stat) {
    if (!stat.isFile()) throw new PathFault(path, "is not a file");
    if (stat.uid !== uid) throw new PathFault(path, `is owned by uid ${stat.uid}`);
    if ((stat.mode & 0o7777) !== 0o600) throw new PathFault(path, `mode is ${octal(stat.mode)}, must be 0600`);
  } else {
    createFile(path, "");
  }
  try {
    return openSync(path, constants.O_WRONLY | constants.O_APPEND | constants.O_NOFOLLOW);
  } catch (error) {
    throw new PathFault(path, reasonOf(error));
  }
}
