/**
 * The daemon log (01 §7): one tab-separated line per event, one write per line. At 10 MiB it is rotated into `.1`, the newest,
 * to `.3`.
 *
 * A detached daemon's standard output and error are descriptors of the same file. Rotation therefore copies and then empties
 * the file instead of renaming it: every descriptor, ours or inherited, goes on writing at its end.
 */
import {
  closeSync,
  copyFileSync,
  fstatSync,
  ftruncateSync,
  lstatSync,
  renameSync,
  rmSync,
  type Stats,
  writeSync,
} from "node:fs";
import type { Clock } from "../base/clock.ts";
import { clean, cut } from "../base/text.ts";
import { formA } from "../base/time.ts";
import { LIFECYCLE_EVENTS, type LifecycleEvent, type LifecycleFields } from "./lifecycle-events.ts";
import { JournalFault, journalFault, openPrivateFile } from "./private-file.ts";

export type DaemonLog = {
  /**
   * Writes one line: time, level, event, then the fields in the order of the table.
   * @throws JournalFault when it cannot be written
   */
  write<E extends LifecycleEvent>(event: E, fields: LifecycleFields<E>): void;
  /** Idempotent. */
  close(): void;
};

export const ROTATE_BYTES = 10 * 1024 * 1024;
/** Rotated logs kept beside the current one. */
export const ROTATED_KEPT = 3;
/** Longest value, in characters. */
const VALUE_CHARACTERS = 4096;

/**
 * Opens the log, making it 0600 when it is absent.
 * @param rotateBytes the size that a line may not take it beyond
 * @throws JournalFault: not a regular file, not exactly 0600, not ours
 */
export function openDaemonLog(path: string, clock: Clock, rotateBytes = ROTATE_BYTES): DaemonLog {
  let fd: number | null = openExact(path);

  /** The log may have been removed by hand; then a new one begins. */
  const current = (): number => {
    if (fd === null) throw new JournalFault(path, "closed", "the daemon log is closed");
    if (lstatSync(path, { throwIfNoEntry: false })?.ino !== fstatSync(fd).ino) {
      const fresh = openExact(path);
      closeSync(fd);
      fd = fresh;
    }
    return fd;
  };

  return {
    write(event, fields) {
      const bytes = Buffer.from(lifecycleLine(clock.now(), event, fields));
      try {
        const file = current();
        if (fstatSync(file).size + bytes.length > rotateBytes) rotate(path, file);
        for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
      } catch (error) {
        throw journalFault(path, error);
      }
    },
    close() {
      if (fd !== null) closeSync(fd);
      fd = null;
    },
  };
}

/** One line with its line break. Values carry no tab, line break or control character. */
export function lifecycleLine<E extends LifecycleEvent>(ms: number, event: E, fields: LifecycleFields<E>): string {
  const { level, fields: order } = LIFECYCLE_EVENTS[event];
  const given: Record<string, string | number | null | undefined> = fields;
  const columns = [formA(ms), `level=${level}`, `event=${event}`];
  for (const key of order) {
    const value = given[key];
    if (value !== undefined)
      columns.push(`${key}=${value === null ? "" : cut(clean(String(value)), VALUE_CHARACTERS)}`);
  }
  return `${columns.join("\t")}\n`;
}

function openExact(path: string): number {
  const fd = openPrivateFile(path);
  try {
    refuseForeign(path, fstatSync(fd));
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

function refuseForeign(path: string, stat: Stats): void {
  if ((stat.mode & 0o7777) !== 0o600) throw new JournalFault(path, "unsafe_mode", "mode must be 0600");
  if (stat.uid !== process.geteuid?.()) throw new JournalFault(path, "unsafe_owner", `is owned by uid ${stat.uid}`);
}

/** The copy has its name before the original is emptied: a crash in between doubles lines, it loses none. */
function rotate(path: string, fd: number): void {
  const fresh = `${path}.new`;
  rmSync(fresh, { force: true });
  closeSync(openPrivateFile(fresh));
  copyFileSync(path, fresh);
  for (let age = ROTATED_KEPT - 1; age >= 1; age--) {
    if (lstatSync(`${path}.${age}`, { throwIfNoEntry: false })) renameSync(`${path}.${age}`, `${path}.${age + 1}`);
  }
  renameSync(fresh, `${path}.1`);
  ftruncateSync(fd, 0);
}
