import { expect, test } from "bun:test";
import fc from "fast-check";
import { distance, suggestion } from "../../src/cli/suggestion.ts";

test.each([
  ["", "", 0],
  ["abc", "abc", 0],
  ["abc", "ab", 1],
  ["abc", "acb", 1],
  ["abc", "xbc", 1],
  ["abc", "", 3],
  ["kitten", "sitting", 3],
])("%p to %p takes %p edits", (a, b, edits) => expect(distance(a, b)).toBe(edits));

test("distance is symmetric and bounded by the longer word", () =>
  fc.assert(
    fc.property(fc.string({ maxLength: 12 }), fc.string({ maxLength: 12 }), (a, b) => {
      expect(distance(a, b)).toBe(distance(b, a));
      expect(distance(a, b)).toBeLessThanOrEqual(Math.max(a.length, b.length));
      expect(distance(a, b) === 0).toBe(a === b);
    }),
  ));

test("nothing near is nothing said", () => {
  expect(suggestion("xyz", ["status", "scan"])).toBe("");
  expect(suggestion("s".repeat(1000), ["status"])).toBe("");
});

test("a beginning names the whole word", () =>
  expect(suggestion("--act", ["--active-only", "--json"])).toContain("--active-only"));
