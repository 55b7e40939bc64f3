/**
 * Request lines as no honest client writes them: valid ones, mutated ones, and bytes at random. Reproducible from one seed.
 */
import { methods } from "../../src/contract/methods.ts";

/** A small reproducible generator (mulberry32); returns numbers in [0, 1). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Methods that a storm of requests must not really carry out: they stop the daemon or start work on the Engine. */
const LEFT_OUT = new Set(["shutdown", "scan_containers", "scan_panes", "app.scan.containers", "app.scan.panes"]);
const NAMES = Object.keys(methods).filter((name) => !LEFT_OUT.has(name));
const FRAGMENTS = [
  "{",
  "}",
  "[",
  "]",
  '"',
  ":",
  ",",
  "\\",
  "\0",
  "\r",
  "null",
  "true",
  "1e999",
  "-0",
  "NaN",
  "\ud800",
  "é",
  "app.",
  "method",
  "params",
  "\x1b[31m",
];
const LONGEST_RANDOM_BYTES = 300;

export type Hostile = { bytes: Buffer; kind: "valid" | "mutated" | "random" };

/** One line with its `\n`. Half of them are mutated, the rest valid or random. */
export function hostileLine(random: () => number, token: string): Hostile {
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;
  const value = (depth: number): unknown => {
    const roll = random();
    if (depth > 3 || roll < 0.5) {
      return pick([
        null,
        true,
        false,
        0,
        -1,
        1.5,
        50,
        1e308,
        "",
        "x",
        token,
        "%0",
        "a".repeat(600),
        "active",
        "name:desc",
      ]);
    }
    if (roll < 0.7) return Array.from({ length: Math.floor(random() * 4) }, () => value(depth + 1));
    return Object.fromEntries(
      Array.from({ length: Math.floor(random() * 4) }, () => [
        pick(["limit", "filters", "state", "__proto__", "x"]),
        value(depth + 1),
      ]),
    );
  };
  const request = (): Record<string, unknown> => ({
    method:
      random() < 0.85 ? pick(NAMES) : pick(["app.nope", "nope", "app.", "", "__proto__", "constructor", "toString"]),
    ...(random() < 0.9 && {
      params: {
        ...(random() < 0.7 && { app_session_token: random() < 0.8 ? token : value(0) }),
        ...Object.fromEntries(
          [
            "limit",
            "order_by",
            "filters",
            "cursor_next",
            "container_id",
            "pane_id",
            "scan_id",
            "recent_limit",
            "client_id",
            "active_only",
            "container",
          ]
            .filter(() => random() < 0.2)
            .map((key) => [key, value(0)]),
        ),
      },
    }),
    ...(random() < 0.2 && { id: value(0) }),
  });
  const roll = random();
  if (roll < 0.3) return { bytes: Buffer.from(`${JSON.stringify(request())}\n`), kind: "valid" };
  if (roll < 0.8) {
    let text = JSON.stringify(request());
    for (let edits = 1 + Math.floor(random() * 4); edits > 0; edits--) {
      const at = Math.floor(random() * (text.length + 1));
      const drop = Math.floor(random() * 5);
      text = text.slice(0, at) + (random() < 0.6 ? pick(FRAGMENTS) : "") + text.slice(at + drop);
    }
    const bytes = Buffer.from(text.replaceAll("\n", " "));
    if (random() < 0.2 && bytes.length > 0) {
      const byte = Math.floor(random() * 256);
      bytes[Math.floor(random() * bytes.length)] = byte === 10 ? 11 : byte;
    }
    return { bytes: Buffer.concat([bytes, Buffer.from("\n")]), kind: "mutated" };
  }
  const noise = Buffer.alloc(Math.floor(random() * LONGEST_RANDOM_BYTES), 0).map(() => {
    const byte = Math.floor(random() * 256);
    return byte === 10 ? 11 : byte;
  });
  return { bytes: Buffer.concat([noise, Buffer.from("\n")]), kind: "random" };
}
