/**
 * Building blocks of the schemas. Only what converts to JSON Schema is used; a message is the `reason` that a panel reads,
 * so it names the rule and never the value (06 §2).
 */
import * as v from "valibot";
import { characters } from "../base/text.ts";
import { CURSOR_CHARACTERS, PAGE_LIMIT_DEFAULT, PAGE_LIMIT_MAX } from "./limits.ts";

/**
 * Lengths are characters, as in JSON Schema; valibot counts UTF-16 units. The action keeps valibot's name, so that it
 * converts, and lets pass what is short enough when counted in characters.
 */
const maxCharacters = (max: number) => {
  const units = v.maxLength<string, number, string>(max, `at most ${max} characters`);
  return {
    ...units,
    "~run": (dataset, config) =>
      dataset.typed && characters(dataset.value) <= max ? dataset : units["~run"](dataset, config),
  } satisfies typeof units;
};

/** A string of at most `max` characters. */
export const text = (max: number) => v.pipe(v.string("must be a string"), maxCharacters(max));

/** A non-empty string of at most `max` characters. */
export const name = (max = 4096) =>
  v.pipe(v.string("must be a string"), v.minLength(1, "must not be empty"), maxCharacters(max));

/** A tmux pane id, such as `%0`. */
export const paneId = v.pipe(
  v.string("must be a string"),
  v.regex(/^%[0-9]{1,10}$/, "must be a tmux pane id such as %0"),
);

/** An integer within bounds, both inclusive. */
export const integer = (min: number, max: number) =>
  v.pipe(
    v.number("must be an integer"),
    v.integer("must be an integer"),
    v.minValue(min, `out of bounds [${min},${max}]`),
    v.maxValue(max, `out of bounds [${min},${max}]`),
  );

export const flag = v.boolean("must be a boolean");

/** One of a closed set of strings. */
const oneOf = <const T extends readonly [string, ...string[]]>(values: T) =>
  v.picklist(values, `must be one of: ${values.join(", ")}`);

/** A count or size in a result. */
export const count = v.pipe(v.number(), v.integer(), v.minValue(0));

/** An integer of either sign in a result. */
export const whole = v.pipe(v.number(), v.integer());

/** An instant in a result, ISO-8601 UTC. */
export const instant = v.pipe(v.string(), v.isoTimestamp());

/** An instant in a result, Unix milliseconds. */
export const unixMs = v.pipe(v.number(), v.integer(), v.minValue(0));

/** `order_by`: a field, alone or with a direction. */
const orderings = <const F extends readonly [string, ...string[]]>(fields: F) =>
  oneOf(fields.flatMap((field) => [field, `${field}:asc`, `${field}:desc`]) as [string, ...string[]]);

/** Params every list shares (06 §6). `filters` comes from `filterSet`. */
export const listParams = <
  const F extends readonly [string, ...string[]],
  const S extends v.GenericSchema,
  const E extends v.ObjectEntries,
>(
  orders: F,
  filters: S,
  more: E,
) =>
  v.object({
    limit: v.optional(integer(1, PAGE_LIMIT_MAX), PAGE_LIMIT_DEFAULT),
    cursor_next: v.optional(text(CURSOR_CHARACTERS)),
    order_by: v.optional(orderings(orders)),
    filters: v.optional(filters),
    ...more,
  });

/** Result every list shares (06 §6). */
export const listResult = <const R extends v.GenericSchema>(row: R) =>
  v.object({
    rows: v.array(row),
    total: v.nullable(count),
    total_estimate: v.nullable(count),
    cursor_next: v.nullable(v.string()),
    ordering: v.string(),
  });

/** Result of a read of one entity and of most mutations (06 §2). */
export const rowResult = <const R extends v.GenericSchema>(row: R) => v.object({ row });
