import { expect, test } from "bun:test";
import fc from "fast-check";
import * as v from "valibot";
import { filterFlag, filterId, filterOneOf, filterSet } from "../../src/contract/filters.ts";

const filters = filterSet({
  state: filterOneOf(["active", "inactive"]),
  registered: filterFlag,
  container_id: filterId,
});

const offence = (value: unknown) => {
  const result = v.safeParse(filters, value);
  if (result.success) return null;
  const [issue] = result.issues;
  return [issue.path?.[0]?.key ?? null, issue.message];
};

test("known filters pass as they are", () => {
  expect(v.parse(filters, { state: "active", registered: false, container_id: "ab" })).toEqual({
    state: "active",
    registered: false,
    container_id: "ab",
  });
  expect(v.parse(filters, {})).toEqual({});
});

test.each([
  [{ nope: 1 }, ["nope", "unknown filter"]],
  [{ toString: 1 }, ["toString", "unknown filter"]],
  [JSON.parse('{"__proto__": 1}'), ["__proto__", "unknown filter"]],
  [{ state: "gone" }, ["state", "must be one of: active, inactive"]],
  [{ state: 1 }, ["state", "must be one of: active, inactive"]],
  [{ state: null }, ["state", "must be one of: active, inactive"]],
  [{ registered: "true" }, ["registered", "must be a boolean"]],
  [{ container_id: 5 }, ["container_id", "must be a string"]],
  [{ container_id: "x".repeat(5000) }, ["container_id", "at most 4096 characters"]],
  [[], [null, "must be an object"]],
  ["x", [null, "must be an object"]],
  [5, [null, "must be an object"]],
])("%j is refused", (value, expected) => expect(offence(value)).toEqual(expected as never));

const keys = ["state", "registered", "container_id"] as const;
const operators = ["<", ">", "~", "*", "%", "LIKE", "like"];

test.each(keys.flatMap((key) => operators.map((operator) => [key, operator] as const)))(
  "%s refuses %s",
  (key, operator) => {
    expect(offence({ [key]: `a ${operator} b` })).toEqual([key, "operator syntax not supported"]);
    expect(offence({ [key]: `a\n${operator}` })).toEqual([key, "operator syntax not supported"]);
  },
);

test("LIKE inside a word is no operator", () => expect(offence({ container_id: "unlikely" })).toBeNull());

test("the first offender is the first of the request", () => {
  const bad = { state: "gone", registered: 1, container_id: 2, nope: 3 };
  fc.assert(
    fc.property(fc.shuffledSubarray(Object.keys(bad) as (keyof typeof bad)[], { minLength: 1 }), (order) => {
      const value = Object.fromEntries(order.map((key) => [key, bad[key]]));
      expect(offence(value)?.[0]).toBe(order[0]);
    }),
  );
});

test("no value comes back in a reason", () => {
  fc.assert(
    fc.property(fc.constantFrom(...keys), fc.string({ minLength: 12 }), (key, secret) => {
      const answer = offence({ [key]: secret });
      if (answer) expect(answer[1]).not.toContain(secret);
    }),
  );
});
