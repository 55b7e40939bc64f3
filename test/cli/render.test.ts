import { expect, test } from "bun:test";
import fc from "fast-check";
import {
  ago,
  instant,
  jsonLine,
  keyValues,
  paint,
  printable,
  safeJson,
  table,
  withProgress,
} from "../../src/cli/render.ts";
import { memory } from "./world.ts";

const NOISE = fc.string({
  unit: fc.constantFrom("a", "\x1b", "\x9b", "\t", "\n", "\r", "\0", "\x7f", "\u202e", "\u2028", "é", "😀"),
});
const pipe = memory();
const terminal = memory({ terminal: true });

test("nothing a terminal acts on is left of a value", () =>
  fc.assert(fc.property(NOISE, (text) => expect(printable(text)).toMatch(/^[aé😀 [\]]*$/u))));

test("JSON keeps its value and loses what a terminal acts on", () =>
  fc.assert(
    fc.property(NOISE, (text) => {
      const line = jsonLine({ text });
      expect(JSON.parse(line)).toEqual({ text });
      expect(line.slice(0, -1)).not.toMatch(/[\x00-\x1f\x7f-\x9f\u2028-\u202e]/);
      expect(safeJson(line)).toBe(line);
    }),
  ));

test("key=value lines", () => {
  expect(
    keyValues([
      ["a", 1],
      ["b", "x\ny"],
      ["c", true],
    ]),
  ).toBe("a=1\nb=x y\nc=true\n");
});

test("a table is TSV where nobody looks, columns where somebody does", () => {
  const header = ["A", "LONG", "C"];
  const rows = [
    ["1", "x", "a\tb"],
    ["222", "幅広", ""],
  ];
  expect(table(pipe, header, rows)).toBe("A\tLONG\tC\n1\tx\ta b\n222\t幅広\t\n");
  expect(table(terminal, header, rows)).toBe("A    LONG  C\n1    x     a b\n222  幅広\n");
  expect(table(pipe, header, [])).toBe("A\tLONG\tC\n");
});

test("colour only where it is wanted", () => {
  expect(paint(terminal, "red", "x")).toBe("x");
  expect(paint(memory({ terminal: true, colour: true }), "red", "x")).toBe("\x1b[31mx\x1b[39m");
});

test.each([
  [-5, "now"],
  [999, "now"],
  [1000, "1 s ago"],
  [59_999, "59 s ago"],
  [60_000, "1 min ago"],
  [3_600_000, "1 h ago"],
  [200_000_000, "2 d ago"],
])("%p ms: %s", (ms, text) => expect(ago(ms)).toBe(text));

test("instants are relative on a terminal only", () => {
  const iso = "2026-05-05T12:00:00.000000+00:00";
  const now = Date.parse("2026-05-05T12:05:00Z");
  expect(instant(pipe, iso, now)).toBe(iso);
  expect(instant(terminal, iso, now)).toBe("5 min ago");
  expect(instant(terminal, "not a time", now)).toBe("not a time");
});

test("progress appears on a terminal when it takes long, and goes away", async () => {
  const gate = Promise.withResolvers<number>();
  const err = memory({ terminal: true, onWrite: () => gate.resolve(7) });
  // Resolves only because the line appeared.
  expect(await withProgress(err, "scanning", gate.promise)).toBe(7);
  expect(err.text()).toBe("scanning …\r\x1b[2K");
});

test("what is quick, or not looked at, shows no progress", async () => {
  const err = memory({ terminal: true });
  await withProgress(err, "scanning", Promise.resolve());
  const quiet = memory();
  await withProgress(quiet, "scanning", Bun.sleep(320));
  expect(err.text() + quiet.text()).toBe("");
});
