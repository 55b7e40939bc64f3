/**
 * Text for people and for scripts (00 §2, 01 §13): the fixed formats wherever stdout is no terminal, the same data drawn nicer on
 * one. Nothing from outside is printed raw.
 */
import { clean } from "../base/text.ts";
import { parseInstant } from "../base/time.ts";
import type { Output } from "./output.ts";

/** Beside C0 and DEL: C1 controls start escape sequences too, and bidi controls and separators reorder what is read. */
const UNPRINTABLE = /[\u0080-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/** One value on one line. */
export function printable(text: string): string {
  return clean(text).replace(UNPRINTABLE, "");
}

/** One compact line of JSON that is safe on a terminal. */
export function jsonLine(value: unknown): string {
  return `${safeJson(JSON.stringify(value))}\n`;
}

/** JSON text with the characters escaped that terminals act on; the same value. */
export function safeJson(text: string): string {
  return text.replace(
    /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

export type Pair = readonly [key: string, value: string | number | boolean];

/** `key=value`, one per line. */
export function keyValues(pairs: readonly Pair[]): string {
  return pairs.map(([key, value]) => `${key}=${printable(String(value))}\n`).join("");
}

/** A header and rows: TSV, or aligned columns with a bold header on a terminal. */
export function table(out: Output, header: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = rows.map((row) => row.map(printable));
  if (!out.terminal) return [header, ...cells].map((row) => `${row.join("\t")}\n`).join("");
  const widths = header.map((title, column) =>
    Math.max(Bun.stringWidth(title), ...cells.map((row) => Bun.stringWidth(row[column] ?? ""))),
  );
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => cell + " ".repeat(Math.max(0, (widths[column] ?? 0) - Bun.stringWidth(cell))))
      .join("  ")
      .trimEnd();
  return [paint(out, "bold", line(header)), ...cells.map(line)].map((text) => `${text}\n`).join("");
}

const CODES = { bold: [1, 22], dim: [2, 22], red: [31, 39], green: [32, 39], yellow: [33, 39] } as const;
export type Paint = keyof typeof CODES;

/** Colours text where that is wanted. */
export function paint(out: Output, how: Paint, text: string): string {
  const [on, off] = CODES[how];
  return out.colour ? `\x1b[${on}m${text}\x1b[${off}m` : text;
}

/** An instant as it is, or on a terminal how long ago it was. `nowMs` is wall time. */
export function instant(out: Output, iso: string, nowMs: number): string {
  const at = out.terminal ? parseInstant(iso) : null;
  return at === null ? iso : ago(nowMs - at);
}

const UNITS = [
  { name: "d", ms: 86_400_000 },
  { name: "h", ms: 3_600_000 },
  { name: "min", ms: 60_000 },
  { name: "s", ms: 1000 },
] as const;

/** `3 min ago`; the future and the last second are `now`. */
export function ago(ms: number): string {
  const unit = UNITS.find((candidate) => ms >= candidate.ms);
  return unit ? `${Math.floor(ms / unit.ms)} ${unit.name} ago` : "now";
}

/** A progress line appears on a terminal after this (00 §2). */
const PROGRESS_AFTER_MS = 300;

/** Shows a line on `err` while `work` takes long, and takes it away again. */
export async function withProgress<T>(err: Output, text: string, work: Promise<T>): Promise<T> {
  if (!err.terminal) return await work;
  let shown = false;
  const timer = setTimeout(() => {
    shown = true;
    err.write(`${paint(err, "dim", `${text} …`)}`);
  }, PROGRESS_AFTER_MS);
  try {
    return await work;
  } finally {
    clearTimeout(timer);
    if (shown) err.write("\r\x1b[2K");
  }
}
