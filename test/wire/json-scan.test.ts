import { expect, test } from "bun:test";
import fc from "fast-check";
import { eachMember, mentionsAppMethod, showsAppMethod, splitAfterFirstValue } from "../../src/wire/json-scan.ts";

const members = (text: string) => {
  const found: [string, string][] = [];
  eachMember(text, (key, raw) => found.push([key, raw]));
  return found;
};

test("members of any object are seen as JSON.parse sees them", () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.constantFrom(0, 1, "\t"), (value, indent) => {
      const text = JSON.stringify(value, null, indent);
      const seen = members(text).map(([key, raw]) => [key, JSON.parse(raw)]);
      expect(seen).toEqual(Object.entries(JSON.parse(text)));
    }),
  );
});

test("a cut text shows a prefix of the members of the whole", () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.nat(400), (value, length) => {
      const text = JSON.stringify(value);
      const whole = members(text).map(([key]) => key);
      const seen = members(text.slice(0, length)).map(([key]) => key);
      expect(whole.slice(0, seen.length)).toEqual(seen);
    }),
  );
});

test("the first value ends where JSON says", () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (first, second) => {
      const split = splitAfterFirstValue(` ${JSON.stringify(first)} ${JSON.stringify(second)}`);
      expect(split && JSON.parse(split.value)).toEqual(JSON.parse(JSON.stringify(first)));
      expect(split && JSON.parse(split.rest)).toEqual(JSON.parse(JSON.stringify(second)));
    }),
  );
  for (const text of ["", "  ", "{}", "{} \t", "[1", '"open', '{"a":"}"'])
    expect(splitAfterFirstValue(text)).toBeNull();
});

test.each([
  ['{"method":"app.x', true],
  ['{"method":"app.', true],
  ['{"method":"ap', false],
  ['{"method":"application"', false],
  ['{"params":{"a":[1,{"b":"}"}]},"method" : "app.x"', true],
  ['{"params":{"method":"app.x"}', false],
  ['{"a":"\\"method\\":\\"app.x\\""', false],
  ['{"\\u006dethod":"\\u0061pp.x"', true],
  ['{"method":"app.x","method":"ping"', false],
  ['{"method":"ping","method":"app.x"', true],
  ['{method:"app.x"', false],
  ['[{"method":"app.x"', false],
  [`{${" ".repeat(70_000)}`, false],
  ['{"a":NaN,"method":"app.x"', true],
  ['{"a" "method":"app.x"', false],
])("%s shows an app method: %p", (prefix, app) => {
  expect(showsAppMethod(prefix)).toBe(app);
});

test.each([
  ['{"method":"app.x"', true],
  ['{"x":1,,"method" :\t"app.x"', true],
  ['\xff"method":"app."', true],
  ['{"method":"ping","x":"app."', false],
  ['{"a":"\\"method\\":\\"app.x\\""', false],
])("raw bytes %s mention an app method: %p", (text, app) => {
  expect(mentionsAppMethod(new Uint8Array(Buffer.from(`..${text}`, "latin1")).subarray(2))).toBe(app);
});

test("hundreds of thousands of open brackets are walked, not recursed into", () => {
  expect(showsAppMethod(`{"a":${"[".repeat(500_000)}`)).toBe(false);
  expect(splitAfterFirstValue(`${"[".repeat(300_000)}${"]".repeat(300_000)} x`)?.rest).toBe(" x");
});
