/**
 * Follows the daemon log by its path (00 §2), across its rotation and its removal. Rotation copies the log into `.1` and empties it
 * in place (01 §17), so what was not read before lies in the copy, at the same offset. No line is lost, none comes twice, also for a
 * follower that was held up in between.
 */
import { closeSync, constants, fstatSync, openSync, statSync } from "node:fs";
import type { Clock } from "../base/clock.ts";
import { lastLines, printableLog, readRange } from "./daemon-files.ts";

/** How often the file is looked at; watching is not reliable on every file system. */
const POLL_MS = 200;
/** Read at once. */
const CHUNK_BYTES = 1024 * 1024;
/** A line without an end is passed on in pieces of this size. */
const MAX_LINE_BYTES = 1024 * 1024;
/** Rotated logs that are looked for: `.1`, the newest, to `.3`. */
const ROTATED = [1, 2, 3];
/** Lines begin with their time in microseconds: two logs that begin alike are one. */
const HEAD_BYTES = 128;

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
  const cut = lineCutter();
  let fd = openToRead(path);
  try {
    let at = fstatSync(fd).size;
    let known = inodeOf(`${path}.1`);
    yield* lastLines(fd, count, at);
    while (!signal.aborted) {
      const rotated = rotatedSince(path, known);
      const newest = rotated.at(-1);
      if (newest !== undefined && !isCopyOf(newest, fd)) {
        for (const old of rotated) {
          yield* linesFrom(old, at, cut);
          at = 0;
        }
        known = inodeOf(newest);
        continue;
      }
      const { size } = fstatSync(fd);
      if (size < at) {
        if (rotatedSince(path, known).length > 0) continue; // just now
        at = 0; // emptied by hand
      }
      if (size > at) {
        const chunk = readRange(fd, at, Math.min(size, at + CHUNK_BYTES));
        at += chunk.length;
        yield* cut(chunk);
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
      // Where it was renamed, all of it has been read.
      known = inodeOf(`${path}.1`);
    }
  } finally {
    closeSync(fd);
  }
}

type Cut = (bytes: Buffer) => string[];

/** Takes bytes in any pieces and returns the lines that they end, printable. */
function lineCutter(): Cut {
  let partial: Buffer = Buffer.alloc(0);
  return (bytes) => {
    const all = Buffer.concat([partial, bytes]);
    const end = all.lastIndexOf(10);
    if (end < 0 && all.length < MAX_LINE_BYTES) {
      partial = all;
      return [];
    }
    partial = end < 0 ? Buffer.alloc(0) : all.subarray(end + 1);
    return all
      .toString("utf8", 0, end < 0 ? all.length : end)
      .split("\n")
      .map(printableLog);
  };
}

/** Rotated logs that came after the one with the inode `known`, oldest first; all there are when none of them has it. */
function rotatedSince(path: string, known: number | null): string[] {
  const newer: string[] = [];
  for (const age of ROTATED) {
    const rotated = `${path}.${age}`;
    const inode = inodeOf(rotated);
    if (inode === null || inode === known) break;
    newer.unshift(rotated);
  }
  return newer;
}

/** Whether the log has been copied to `rotated`, but not been emptied yet. */
function isCopyOf(rotated: string, fd: number): boolean {
  const copy = openToRead(rotated);
  try {
    const head = readRange(copy, 0, HEAD_BYTES);
    return fstatSync(fd).size >= fstatSync(copy).size && head.equals(readRange(fd, 0, head.length));
  } finally {
    closeSync(copy);
  }
}

/** The lines of a file that is not written any more, from an offset on. */
function* linesFrom(path: string, from: number, cut: Cut): Generator<string, void> {
  const fd = openToRead(path);
  try {
    const { size } = fstatSync(fd);
    for (let at = from; at < size; at += CHUNK_BYTES) yield* cut(readRange(fd, at, Math.min(size, at + CHUNK_BYTES)));
  } finally {
    closeSync(fd);
  }
}

/** Opens what is at the path now, if it is another file than the open one. */
function openIfOther(path: string, fd: number): number | null {
  const own = fstatSync(fd);
  const now = statSync(path, { throwIfNoEntry: false });
  if (!now?.isFile() || (now.ino === own.ino && now.dev === own.dev)) return null;
  try {
    return openToRead(path);
  } catch {
    return null; // renamed again in this instant; the next look tells
  }
}

function openToRead(path: string): number {
  return openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
}

function inodeOf(path: string): number | null {
  return statSync(path, { throwIfNoEntry: false })?.ino ?? null;
}
