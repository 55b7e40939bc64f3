/**
 * The event history (01 §6): one compact JSON object per line, append only, on disk before the caller goes on. Lines that come
 * together share one write and one flush. A failure reaches its callers, and the next append tries the file afresh.
 */
import { closeSync, fdatasync, fstatSync, lstatSync, readSync, type Stats, statSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import type { Clock } from "../base/clock.ts";
import { formA } from "../base/time.ts";
import {
  JournalFault,
  journalFault,
  makeDirectories,
  openPrivateFile,
  refuseUnsafeDirectory,
  refuseUnsafeFile,
} from "./private-file.ts";

export type EventsFileState = {
  /** The last attempt failed. */
  degraded: boolean;
  /** When it began to, milliseconds since the epoch. */
  since: number | null;
  /** `ENOSPC`, `unsafe_mode`, … */
  errorClass: string | null;
};

export type EventsFile = {
  /**
   * Writes one line, `ts` (form A) first unless `line` brings its own; resolves once it is durable. Lines keep the order of the
   * calls.
   * @throws TypeError for a number that is not finite; JournalFault when it could not be written
   */
  append(line: Record<string, unknown>): Promise<void>;
  state(): EventsFileState;
  /** Waits for what was appended. Later appends are refused. */
  close(): Promise<void>;
};

/** Lines that may wait while the disk is busy. */
export const PENDING_LINES_MAX = 10_000;
/** One write takes no more than this, so that no buffer grows without bound; one longer line goes alone. */
export const BATCH_BYTES_MAX = 4 * 1024 * 1024;

type Pending = { bytes: Uint8Array; resolve(): void; reject(error: Error): void };

const HEALTHY: EventsFileState = { degraded: false, since: null, errorClass: null };
const NEWLINE = 0x0a;

/**
 * The events file at `path`. It is created by the first append; one that exists is looked at now, and a torn last line is
 * closed with a line break. What is wrong with it then is seen in `state`, not thrown.
 */
export function openEventsFile(path: string, clock: Clock): EventsFile {
  const pending: Pending[] = [];
  let fd: number | null = null;
  let state = HEALTHY;
  let closed = false;
  /** The flush that is under way. */
  let flushing: Promise<void> | null = null;

  const failed = (fault: JournalFault): void => {
    state = { degraded: true, since: state.since ?? clock.now(), errorClass: fault.errorClass };
  };

  const drop = (): void => {
    if (fd !== null) closeSync(fd);
    fd = null;
  };

  /** A descriptor of the file that `path` names at this moment. */
  const ready = (): number => {
    if (fd !== null && !isSame(path, fd)) drop();
    fd ??= openChecked(path);
    return fd;
  };

  const flushBatch = async (batch: Pending[]): Promise<void> => {
    let durable = 0;
    let fault: JournalFault | null = null;
    try {
      const file = ready();
      const whole = writeBatch(path, file, batch);
      fault = whole.fault;
      if (whole.lines > 0) await flushed(file);
      durable = whole.lines;
    } catch (error) {
      fault = journalFault(path, error);
    }
    if (fault) {
      failed(fault);
      drop();
    } else state = HEALTHY;
    batch.forEach((line, index) => {
      if (index < durable || !fault) line.resolve();
      else line.reject(fault);
    });
  };

  const flushAll = async (): Promise<void> => {
    // Callers of the same turn join the same batch.
    await Promise.resolve();
    while (pending.length > 0) await flushBatch(pending.splice(0, batchLength(pending)));
    flushing = null;
  };

  try {
    if (lstatSync(path, { throwIfNoEntry: false })) ready();
  } catch (error) {
    failed(journalFault(path, error));
  }

  return {
    async append(line) {
      if (closed) throw new JournalFault(path, "closed", "the events file is closed");
      const bytes = Buffer.from(`${encode(line, clock)}\n`);
      if (pending.length >= PENDING_LINES_MAX) {
        throw new JournalFault(path, "queue_full", `more than ${PENDING_LINES_MAX} lines are waiting`);
      }
      const done = new Promise<void>((resolve, reject) => pending.push({ bytes, resolve, reject }));
      flushing ??= flushAll();
      return done;
    },
    state: () => state,
    async close() {
      closed = true;
      await flushing;
      drop();
    },
  };
}

/** @throws TypeError for `NaN` and the infinities, which JSON has no word for. */
function encode(line: Record<string, unknown>, clock: Clock): string {
  const stamped = { ts: line["ts"] ?? formA(clock.now()), ...line };
  return JSON.stringify(stamped, (key, value: unknown) => {
    if (typeof value === "number" && !Number.isFinite(value)) throw new TypeError(`${key}: ${value} is not finite`);
    return value;
  });
}

/** How many of the waiting lines the next write takes: at least one. */
function batchLength(pending: readonly Pending[]): number {
  let bytes = 0;
  let count = 0;
  for (const line of pending) {
    bytes += line.bytes.length;
    if (count > 0 && bytes > BATCH_BYTES_MAX) break;
    count++;
  }
  return count;
}

/** Somebody may have moved or removed the file; its mode may have become unsafe. */
function isSame(path: string, fd: number): boolean {
  const named = lstatSync(path, { throwIfNoEntry: false });
  if (!named) return false;
  refuseUnsafeFile(path, named);
  const held = fstatSync(fd);
  return named.ino === held.ino && named.dev === held.dev;
}

function openChecked(path: string): number {
  const directory = dirname(path);
  makeDirectories(directory);
  refuseUnsafeDirectory(directory, statSync(directory));
  const fd = openPrivateFile(path);
  try {
    closeTornLine(fd, fstatSync(fd));
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/** A daemon that was killed in the middle of a write left half a line; what follows must not be glued to it. */
function closeTornLine(fd: number, stat: Stats): void {
  if (stat.size === 0) return;
  const last = new Uint8Array(1);
  readSync(fd, last, 0, 1, stat.size - 1);
  if (last[0] !== NEWLINE) writeSync(fd, "\n");
}

/** @returns how many lines are wholly in the file, and why not all are. */
function writeBatch(
  path: string,
  fd: number,
  batch: readonly Pending[],
): { lines: number; fault: JournalFault | null } {
  const bytes = Buffer.concat(batch.map((line) => line.bytes));
  let written = 0;
  try {
    while (written < bytes.length) {
      const count = writeSync(fd, bytes, written);
      if (count === 0) throw new JournalFault(path, "short_write", "nothing could be written");
      written += count;
    }
    return { lines: batch.length, fault: null };
  } catch (error) {
    return { lines: wholeLines(batch, written), fault: journalFault(path, error) };
  }
}

function wholeLines(batch: readonly Pending[], written: number): number {
  let end = 0;
  return batch.filter((line) => {
    end += line.bytes.length;
    return end <= written;
  }).length;
}

function flushed(fd: number): Promise<void> {
  return new Promise((resolve, reject) => fdatasync(fd, (error) => (error ? reject(error) : resolve())));
}
