/** What a client reads of the daemon's files: its pid and the end of its log (01 §7). Nothing of them is printed raw. */
import { closeSync, constants, fstatSync, openSync, readFileSync, readSync } from "node:fs";
import { printable } from "./render.ts";

/** The pid in a pid file; `null` when there is none to be read. */
export function readPidFile(path: string): number | null {
  try {
    const pid = Number(readFileSync(path, "utf8").trim());
    return Number.isSafeInteger(pid) && pid > 0 ? pid : null;
  } catch {
    return null; // absent or unreadable: the pid file is information only
  }
}

/** At most this much of a log is looked at for its last lines. */
const TAIL_BYTES = 4 * 1024 * 1024;

/** The last `count` whole or begun lines of a file, printable; none when it cannot be read. */
export function tailOf(path: string, count: number): string[] {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch {
    return [];
  }
  try {
    return lastLines(fd, count, fstatSync(fd).size);
  } finally {
    closeSync(fd);
  }
}

/** The same of an open file, of its first `size` bytes. */
export function lastLines(fd: number, count: number, size: number): string[] {
  const from = Math.max(0, size - TAIL_BYTES);
  const lines = readRange(fd, from, size).toString("utf8").split("\n");
  if (lines.at(-1) === "") lines.pop();
  if (from > 0) lines.shift();
  return count > 0 ? lines.slice(-count).map(printableLog) : [];
}

export function readRange(fd: number, from: number, to: number): Buffer {
  const buffer = Buffer.alloc(Math.max(0, to - from));
  let length = 0;
  while (length < buffer.length) {
    const got = readSync(fd, buffer, length, buffer.length - length, from + length);
    if (got === 0) break;
    length += got;
  }
  return buffer.subarray(0, length);
}

/** A log line without anything a terminal acts on; its tabs separate fields and stay. */
export function printableLog(line: string): string {
  return line.split("\t").map(printable).join("\t");
}
