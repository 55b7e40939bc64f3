/** Files that are appended to for years: made 0600, and refused when they are broader (01 §4, §17: never repaired). */
import {
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  fsyncSync,
  mkdirSync,
  openSync,
  type Stats,
} from "node:fs";
import { dirname } from "node:path";
import { message } from "../base/text.ts";

/** A journal that could not be written. `errorClass` is a short stable word, mostly the system's: `ENOSPC`, `unsafe_mode`. */
export class JournalFault extends Error {
  readonly path: string;
  readonly errorClass: string;

  constructor(path: string, errorClass: string, text: string, cause?: unknown) {
    super(`${path}: ${text}`, cause === undefined ? {} : { cause });
    this.name = "JournalFault";
    this.path = path;
    this.errorClass = errorClass;
  }
}

/** Any error about the file at `path` as a `JournalFault`. */
export function journalFault(path: string, error: unknown): JournalFault {
  if (error instanceof JournalFault) return error;
  return new JournalFault(path, codeOf(error) ?? "unknown", message(String(error)), error);
}

function codeOf(error: unknown): string | null {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : null;
}

const octal = (mode: number): string => (mode & 0o7777).toString(8).padStart(4, "0");

/** @throws JournalFault when it is no regular file, or its mode is broader than 0600. */
export function refuseUnsafeFile(path: string, stat: Stats): void {
  if (!stat.isFile()) throw new JournalFault(path, "not_a_file", "is not a file");
  if ((stat.mode & 0o7777 & ~0o600) !== 0) {
    throw new JournalFault(path, "unsafe_mode", `mode is ${octal(stat.mode)}, must not be broader than 0600`);
  }
}

/** @throws JournalFault when it is no directory, or its mode is broader than 0700. */
export function refuseUnsafeDirectory(path: string, stat: Stats): void {
  if (!stat.isDirectory()) throw new JournalFault(path, "not_a_directory", "is not a directory");
  if ((stat.mode & 0o7777 & ~0o700) !== 0) {
    throw new JournalFault(path, "unsafe_mode", `mode is ${octal(stat.mode)}, must not be broader than 0700`);
  }
}

/** Makes a directory and every missing parent, each 0700 whatever the umask. What is there stays as it is. */
export function makeDirectories(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 });
    chmodSync(path, 0o700);
  } catch (error) {
    if (codeOf(error) === "EEXIST") return;
    if (codeOf(error) !== "ENOENT" || dirname(path) === path) throw error;
    makeDirectories(dirname(path));
    makeDirectories(path);
  }
}

/**
 * Opens a file for reading and appending; makes it when it is absent, durably. A symbolic link is not followed, and a FIFO in
 * its place does not hang us.
 * @returns a descriptor of a file that was judged through that descriptor, not through its name
 * @throws JournalFault
 */
export function openPrivateFile(path: string): number {
  const flags = constants.O_RDWR | constants.O_APPEND | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  try {
    return createExclusive(path, flags) ?? openExisting(path, flags);
  } catch (error) {
    throw journalFault(path, error);
  }
}

function createExclusive(path: string, flags: number): number | null {
  let fd: number;
  try {
    fd = openSync(path, flags | constants.O_CREAT | constants.O_EXCL, 0o600);
  } catch (error) {
    if (codeOf(error) === "EEXIST") return null;
    throw error;
  }
  try {
    fchmodSync(fd, 0o600);
    syncDirectory(dirname(path));
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

function openExisting(path: string, flags: number): number {
  const fd = openSync(path, flags);
  try {
    refuseUnsafeFile(path, fstatSync(fd));
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/** A new name survives a power cut only when its directory was flushed too. */
function syncDirectory(path: string): void {
  const fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
