/** The few local looks that identity and socket resolution take; an argument, so that tests describe other machines (01 §10). */
import { closeSync, constants, existsSync, openSync, readSync, statSync } from "node:fs";
import { cut } from "../base/text.ts";

/** Environment and file values are cut here (01 §10), in characters. */
export const VALUE_CHARACTERS = 4096;
/** The tables under `/proc` that are read whole; nothing sane is longer. */
const FILE_BYTES = 1024 * 1024;

export type LocalFiles = {
  exists(path: string): boolean;
  /** The text of a file, at most 1 MiB of it; `null` when it cannot be read. */
  text(path: string): string | null;
  isSocket(path: string): boolean;
};

/** This machine. */
export const localFiles: LocalFiles = {
  exists: existsSync,
  text: readText,
  isSocket(path) {
    try {
      return statSync(path).isSocket();
    } catch {
      return false; // absent or out of reach: no socket for us
    }
  },
};

function readText(path: string): string | null {
  let fd: number;
  try {
    // O_NONBLOCK: a FIFO in its place must not hang us.
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch {
    return null;
  }
  try {
    // Files of /proc have size 0: read until they end.
    const buffer = Buffer.alloc(FILE_BYTES);
    let length = 0;
    while (length < FILE_BYTES) {
      const got = readSync(fd, buffer, length, Math.min(65_536, FILE_BYTES - length), null);
      if (got === 0) break;
      length += got;
    }
    return buffer.toString("utf8", 0, length);
  } catch {
    return null;
  } finally {
    closeSync(fd);
  }
}

/** A value from outside, trimmed and cut. */
export function shortValue(text: string): string {
  return cut(text.trim(), VALUE_CHARACTERS);
}
