/** Follows a growing file by its path, across its rotation (00 §2): what was written before the rename comes first. */
import { closeSync, constants, fstatSync, openSync, statSync } from "node:fs";
import type { Clock } from "../base/clock.ts";
import { lastLines, printableLog, readRange } from "./daemon-files.ts";

/** How often the file is looked at; watching is not reliable on every file system. */
const POLL_MS = 200;
/** Read at once. */
const CHUNK_BYTES = 1024 * 1024;
/** A line without an end is passed on in pieces of this size. */
const MAX_LINE_BYTES = 1024 * 1024;

/**
 * The last `count` lines, then every further line, without line breaks, printable.
 * @param signal ends it
 */
export async function* followLines(
  path: string,
  count: number,
  clock: Clock,
  signal: AbortSignal,
): AsyncGenerator<string, void> {
  let fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    let at = fstatSync(fd).size;
    yield* lastLines(fd, count, at);
    let partial: Buffer = Buffer.alloc(0);
    while (!signal.aborted) {
      const { size } = fstatSync(fd);
      if (size < at) at = 0; // truncated in place
      if (size > at) {
        const chunk = readRange(fd, at, Math.min(size, at + CHUNK_BYTES));
        at += chunk.length;
        const { lines, rest } = cutLines(Buffer.concat([partial, chunk]));
        partial = rest;
        yield* lines.map(printableLog);
        continue;
      }
      const next = openIfOther(path, fd);
      if (next === null) {
        await clock.sleep(POLL_MS, signal).catch(() => undefined); // aborted: the loop ends
        continue;
      }
      // The old file is read to its end; the writer does not come back to it.
      if (fstatSync(fd).size > at) {
        closeSync(next);
        continue;
      }
      closeSync(fd);
      fd = next;
      at = 0;
    }
  } finally {
    closeSync(fd);
  }
}

function cutLines(bytes: Buffer): { lines: string[]; rest: Buffer } {
  const end = bytes.lastIndexOf(10);
  if (end < 0)
    return bytes.length < MAX_LINE_BYTES
      ? { lines: [], rest: bytes }
      : { lines: [bytes.toString()], rest: Buffer.alloc(0) };
  return { lines: bytes.toString("utf8", 0, end).split("\n"), rest: bytes.subarray(end + 1) };
}

/** Opens what is at the path now, if it is another file than the open one. */
function openIfOther(path: string, fd: number): number | null {
  const own = fstatSync(fd);
  const now = statSync(path, { throwIfNoEntry: false });
  if (!now?.isFile() || (now.ino === own.ino && now.dev === own.dev)) return null;
  try {
    return openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch {
    return null; // renamed again in this instant; the next look tells
  }
}
