/**
 * Keeps an idle daemon small (00 §5: 64 MB). Starting touches most of a hundred-megabyte executable once; the kernel then
 * counts those pages as ours for ever, although hardly any is used again. Giving them back costs nothing: they are clean,
 * mapped from the file, and come back from the page cache one by one when they are needed.
 */
import { dlopen, FFIType } from "bun:ffi";
import { readFileSync, readlinkSync } from "node:fs";
import type { Clock } from "../base/clock.ts";
import { LIBC_NAMES } from "../base/libc.ts";
import { message } from "../base/text.ts";

const MADV_DONTNEED = 4;
/** Between two looks at our own size; a look costs some microseconds. */
const LOOK_MS = 2_000;
/** Below this nothing is done: an idle daemon does not work for its size (00 §5: 64 MB idle, 96 MB after many requests). */
const SMALL_BYTES = 60_000_000;
/** Nor unless it grew by this since the last time: what is in use comes back at once. */
const GROWN_BYTES = 4_000_000;

type Range = { start: number; length: number };

/**
 * The parts of a `/proc/<pid>/smaps` text that are mapped from `file`, can not be written and never were: relocated tables
 * are read-only too, but what the loader wrote to them is in no file.
 */
export function cleanRanges(smaps: string, file: string): Range[] {
  const ranges: Range[] = [];
  let candidate: Range | null = null;
  for (const line of smaps.split("\n")) {
    const head = /^([0-9a-f]+)-([0-9a-f]+) (\S{4}) [0-9a-f]+ \S+ \d+(?: +(.*))?$/.exec(line);
    if (head) {
      const [, from = "", to = "", mode = "", path] = head;
      const start = Number.parseInt(from, 16);
      const isOurs = path === file && /^r-[x-]p$/.test(mode);
      candidate = isOurs ? { start, length: Number.parseInt(to, 16) - start } : null;
    } else if (candidate && /^Anonymous: +0 kB$/.test(line)) {
      ranges.push(candidate);
      candidate = null;
    }
  }
  return ranges;
}

type Madvise = (address: number, length: number, advice: number) => number;

function loadMadvise(): Madvise | null {
  for (const library of LIBC_NAMES) {
    try {
      const { symbols } = dlopen(library, {
        madvise: { args: [FFIType.u64, FFIType.u64, FFIType.i32], returns: FFIType.i32 },
      });
      return (address, length, advice) => Number(symbols.madvise(address, length, advice));
    } catch (error) {
      // The next name; without any of them memory stays as it is.
      if (!(error instanceof Error)) throw error;
    }
  }
  return null;
}

/**
 * Gives the pages back whenever the daemon has grown, until `signal` aborts. Memory only: nothing that fails here matters to anybody, so it
 * is told once and left.
 */
export async function runFootprint(clock: Clock, signal: AbortSignal, tell: (reason: string) => void): Promise<void> {
  const madvise = process.platform === "linux" ? loadMadvise() : null;
  if (madvise === null) return;
  try {
    const executable = readlinkSync("/proc/self/exe");
    let left = 0;
    for (;;) {
      await clock.sleep(LOOK_MS, signal);
      const resident = process.memoryUsage.rss();
      if (resident < SMALL_BYTES || resident < left + GROWN_BYTES) continue;
      Bun.gc(true);
      for (const { start, length } of cleanRanges(readFileSync("/proc/self/smaps", "utf8"), executable)) {
        madvise(start, length, MADV_DONTNEED);
      }
      left = process.memoryUsage.rss();
    }
  } catch (error) {
    if (!signal.aborted) tell(message(String(error)));
  }
}
