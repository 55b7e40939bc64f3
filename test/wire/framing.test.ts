import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { APP_LINE_BYTES, LEGACY_LINE_BYTES } from "../../src/contract/limits.ts";
import { type Framed, LineFramer } from "../../src/wire/framing.ts";

/** Everything a stream yields when it arrives in these pieces and then ends. */
function lines(pieces: readonly Uint8Array[]): Framed[] {
  const framer = new LineFramer();
  const found: Framed[] = [];
  const take = () => {
    for (let next = framer.next(); next; next = framer.next()) found.push(next);
  };
  for (const piece of pieces) {
    framer.push(piece);
    take();
  }
  const rest = framer.finish();
  return rest ? [...found, rest] : found;
}

/** How much of a line past its cap was seen depends on the cuts, and is a lower bound only. */
const comparable = (framed: Framed[]) =>
  framed.map((one) =>
    one.kind === "oversize"
      ? { kind: one.kind, app: one.app }
      : { kind: one.kind, text: Buffer.from(one.bytes).toString("latin1") },
  );

function cutAt(bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  let from = 0;
  for (const size of cuts) {
    pieces.push(bytes.slice(from, from + size));
    from += size;
  }
  return [...pieces, bytes.slice(from)];
}

const ascii = (text: string) => new Uint8Array(Buffer.from(text, "latin1"));
/** A line of exactly `total` bytes, its `\n` included. */
const lineOf = (start: string, total: number) => ascii(`${start.padEnd(total - 1, "x")}\n`);
const APP = '{"method":"app.dashboard","params":{"x":"';

test("lines do not depend on how the bytes were cut", () => {
  const byte = fc.oneof(fc.constant(10), fc.integer({ min: 0, max: 255 }));
  fc.assert(
    fc.property(fc.array(byte), fc.array(fc.nat(12)), (bytes, cuts) => {
      const stream = new Uint8Array(bytes);
      const expected = Buffer.from(stream).toString("latin1").split("\n");
      const rest = expected.pop() ?? "";
      const got = comparable(lines(cutAt(stream, cuts)));
      expect(got).toEqual([
        ...expected.map((text) => ({ kind: "line" as const, text })),
        ...(rest === "" ? [] : [{ kind: "unterminated" as const, text: rest }]),
      ]);
    }),
    { numRuns: 1000 },
  );
});

test("long lines of either kind do not depend on the cuts", () => {
  const around = (cap: number) => fc.integer({ min: cap - 2, max: cap + 2 });
  const one = fc.oneof(
    around(LEGACY_LINE_BYTES).map((size) => lineOf('{"method":"ping"', size)),
    around(LEGACY_LINE_BYTES).map((size) => lineOf(APP, size)),
    around(APP_LINE_BYTES).map((size) => lineOf(APP, size)),
    fc.constant(ascii("{}\n")),
  );
  fc.assert(
    fc.property(
      fc.array(one, { minLength: 1, maxLength: 3 }),
      fc.array(fc.integer({ min: 1, max: 400_000 })),
      (all, cuts) => {
        const stream = new Uint8Array(Buffer.concat(all));
        expect(comparable(lines(cutAt(stream, cuts)))).toEqual(comparable(lines([stream])));
      },
    ),
    { numRuns: 40 },
  );
});

describe("caps count the line feed", () => {
  const legacy = '{"method":"ping"';
  test.each([
    [legacy, LEGACY_LINE_BYTES, "line"],
    [legacy, LEGACY_LINE_BYTES + 1, "oversize"],
    [APP, LEGACY_LINE_BYTES + 1, "line"],
    [APP, APP_LINE_BYTES, "line"],
    [APP, APP_LINE_BYTES + 1, "oversize"],
  ])("%s of %i bytes is %s", (start, size, kind) => {
    const [first] = lines([lineOf(start, size)]);
    expect(first?.kind).toBe(kind as Framed["kind"]);
    if (first?.kind === "line") expect(first.bytes.length).toBe(size - 1);
    if (first?.kind === "oversize") expect(first.observedBytes).toBeGreaterThanOrEqual(size);
  });

  test("the next line has the small cap again", () => {
    const found = lines([lineOf(APP, 200_000), lineOf('{"method":"ping"', LEGACY_LINE_BYTES + 1)]);
    expect(comparable(found).map((one) => one.kind)).toEqual(["line", "oversize"]);
  });

  test("a full prefix is refused without waiting for more", () => {
    const framer = new LineFramer();
    framer.push(ascii("{".padEnd(LEGACY_LINE_BYTES - 1)));
    expect(framer.next()).toBeNull();
    framer.push(ascii(" "));
    expect(framer.next()).toEqual({ kind: "oversize", app: false, observedBytes: LEGACY_LINE_BYTES + 1 });
    framer.push(ascii("\n{}\n"));
    expect(framer.next()).toBeNull();
    expect(framer.finish()).toBeNull();
    expect(framer.pending).toBe(0);
  });
});

test("lines handed out stay as they were while more arrives", () => {
  const framer = new LineFramer();
  framer.push(ascii("one\ntw"));
  const first = framer.next();
  framer.push(ascii("o\nthree"));
  const second = framer.next();
  framer.push(ascii(" and much more that needs room\n"));
  const third = framer.next();
  expect(
    comparable([first, second, third].filter((one) => one !== null)).map((one) => one.kind === "line" && one.text),
  ).toEqual(["one", "two", "three and much more that needs room"]);
});

test("a megabyte that dribbles in byte by byte costs no more than its length", () => {
  const stream = lineOf(APP, APP_LINE_BYTES);
  const framer = new LineFramer();
  const begun = performance.now();
  let found: Framed | null = null;
  for (let at = 0; at < stream.length; at++) {
    framer.push(stream.subarray(at, at + 1));
    found ??= framer.next();
  }
  expect(found?.kind).toBe("line");
  // Copying all that is held for each byte would take minutes.
  expect(performance.now() - begun).toBeLessThan(5_000);
}, 20_000);
