import { expect, test } from "bun:test";
import fc from "fast-check";
import { foldCase, matches, type Rule, RuleFault, readRule } from "../../src/discovery/rule.ts";

const rule = (text: string | null): Rule => readRule(() => text);

test("no file, no table, no key: the defaults", () => {
  const defaults = { contains: ["bench"], scanIntervalSeconds: 5, hostSockets: null };
  for (const text of [null, "", "[containers]\n", "[other]\nx = 1\n", "[host]\nenabled = false\n"]) {
    expect(rule(text)).toEqual(defaults);
  }
});

const list = (count: number) => `name_contains = [${Array.from({ length: count }, (_, i) => `"b${i}"`).join(",")}]`;

test.each([
  ["broken =", "failed to parse"],
  ["containers = 3", "must be a TOML table"],
  ["[[containers]]\n", "must be a TOML table"],
  ['[containers]\nname_contains = "bench"', "must be a list of strings"],
  ["[containers]\nname_contains = []", "must be a non-empty list"],
  ['[containers]\nname_contains = ["bench", 42]', "must be a string"],
  ['[containers]\nname_contains = ["  "]', "blank after strip()"],
  [`[containers]\n${list(33)}`, "max is 32"],
  [`[containers]\nname_contains = ["${"x".repeat(129)}"]`, "max is 128"],
  [`[containers]\nname_contains = ["${" ".repeat(129)}"]`, "max is 128"],
  ["[containers]\nscan_interval_seconds = 3601", "must be an integer from 0 to 3600"],
  ["[containers]\nscan_interval_seconds = -1", "must be an integer from 0 to 3600"],
  ["[containers]\nscan_interval_seconds = 1.5", "must be an integer from 0 to 3600"],
  ['[containers]\nscan_interval_seconds = "5"', "must be an integer from 0 to 3600"],
  ["host = true", "must be a TOML table"],
  ["[host]\nenabled = 1", "must be a boolean"],
  ["[host]\nsocket = []", "unknown key"],
  ["[host]\nsockets = []", "must be a non-empty list"],
  ['[host]\nsockets = ["a/b"]', "must be a plain name or an absolute path"],
  ['[host]\nsockets = [".."]', "must be a plain name or an absolute path"],
  ["[host]\nsockets = [1]", "must be a string"],
])("%j is refused: %s", (text, phrase) => {
  expect(() => rule(text)).toThrow(RuleFault);
  expect(() => rule(text)).toThrow(phrase);
});

test("a file that cannot be read is refused as well", () => {
  const unreadable = () => {
    throw new Error("EACCES: permission denied");
  };
  expect(() => readRule(unreadable)).toThrow("failed to parse");
});

test("a message names table, key and value, and stays short", () => {
  expect(() => rule(`[containers]\nname_contains = "${"y".repeat(5000)}"`)).toThrow(
    /^\[containers\] name_contains: "yyy/,
  );
  try {
    rule(`[containers]\nname_contains = "${"y".repeat(5000)}"`);
  } catch (error) {
    expect(String(error).length).toBeLessThan(2100);
  }
});

test("limits are inclusive and counted in characters", () => {
  expect(rule(`[containers]\n${list(32)}\nscan_interval_seconds = 3600`)).toMatchObject({ scanIntervalSeconds: 3600 });
  expect(rule(`[containers]\nname_contains = ["${"😀".repeat(128)}"]`).contains).toEqual(["😀".repeat(128)]);
  expect(rule('[host]\nenabled = true\nsockets = ["default", "/run/x", "default"]').hostSockets).toEqual([
    "default",
    "/run/x",
  ]);
});

test.each([
  [["bench"], ["py-bench"], true],
  [["bench"], ["BENCH01"], true],
  [["bench"], ["workbench-7"], true],
  [["bench"], ["redis"], false],
  [["bench"], ["ben-ch"], false],
  [["bench"], ["b.nch"], false],
  [["b.nch"], ["bench"], false],
  [["*"], ["bench"], false],
  [["$(touch /tmp/x)"], ["bench"], false],
  [["bench", "dev"], ["api-dev"], true],
  [["bench", "dev"], ["postgres"], false],
  [[" dev "], ["api-dev"], true],
  [["dev"], ["one", "two-DEV"], true],
  [["STRASSE"], ["straße"], true],
  [["straẞe"], ["strasse"], true],
  [["σας"], ["ΣΑΣ"], true],
  [["i"], ["ı"], false],
])("%j against %j: %p", (entries, names, expected) => {
  expect(matches(rule(`[containers]\nname_contains = ${JSON.stringify(entries)}`), names)).toBe(expected);
});

test("folding is the same for a text, its capitals and its small letters, character by character", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), (text) => {
      expect(foldCase(foldCase(text))).toBe(foldCase(text));
      if (!text.includes("ı")) expect(foldCase([...text].map((c) => c.toUpperCase()).join(""))).toBe(foldCase(text));
    }),
  );
});
