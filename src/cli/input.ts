/** What a user hands in: a file, standard input, lines. Never more of it in memory than a request may hold. */
import { closeSync, constants, openSync, readSync } from "node:fs";
import { reasonOf } from "../config/modes.ts";
import { APP_LINE_BYTES } from "../contract/limits.ts";
import { UsageFault } from "./failure.ts";

/** The text of a file. @param what names it in the refusal @throws UsageFault unreadable or too long */
export function readFileArgument(path: string, what: string): string {
  try {
    const fd = openSync(path, constants.O_RDONLY);
    try {
      const buffer = Buffer.alloc(APP_LINE_BYTES + 1);
      let length = 0;
      for (let got = -1; got !== 0 && length < buffer.length; length += got) {
        got = readSync(fd, buffer, length, buffer.length - length, null);
      }
      if (length > APP_LINE_BYTES) throw new UsageFault(`${what} is longer than a request may be`);
      return buffer.toString("utf8", 0, length);
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    if (error instanceof UsageFault) throw error;
    throw new UsageFault(`${what} cannot be read: ${reasonOf(error)}`);
  }
}

/** All of a stream as text. @throws UsageFault too long */
export async function readStream(stream: AsyncIterable<Uint8Array>, what: string): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of stream) {
    length += chunk.length;
    if (length > APP_LINE_BYTES) throw new UsageFault(`${what} is longer than a request may be`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

/**
 * The lines of a stream, as bytes without `\n`; the last one need not be ended. Of a line over the request cap only its first
 * `APP_LINE_BYTES` + 1 bytes are kept: enough for the daemon to refuse it.
 */
export async function* linesOf(stream: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void> {
  let parts: Uint8Array[] = [];
  let length = 0;
  const keep = (bytes: Uint8Array): void => {
    const room = APP_LINE_BYTES + 1 - length;
    if (room <= 0 || bytes.length === 0) return;
    parts.push(bytes.subarray(0, room));
    length += Math.min(room, bytes.length);
  };
  for await (const chunk of stream) {
    let rest = chunk;
    for (let end = rest.indexOf(10); end !== -1; end = rest.indexOf(10)) {
      keep(rest.subarray(0, end));
      yield Buffer.concat(parts);
      parts = [];
      length = 0;
      rest = rest.subarray(end + 1);
    }
    keep(rest);
  }
  if (length > 0) yield Buffer.concat(parts);
}
