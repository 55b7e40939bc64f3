/**
 * `filters` of the lists (06 §6): exact match only, every key known, every offence reported under the filter's own key and
 * in the order the request has them.
 */
import * as v from "valibot";

/** What looks like a query language is refused by name, before the value's own rule speaks. */
const OPERATOR = /[<>~*%]|\b[Ll][Ii][Kk][Ee]\b/;
/** The same as one pattern without flags, which JSON Schema has none of. */
const NO_OPERATOR = new RegExp(`^(?![\\s\\S]*(?:${OPERATOR.source}))`);
const OPERATOR_REASON = "operator syntax not supported";

const reasonOr = (reason: string) => (issue: { input: unknown }) =>
  typeof issue.input === "string" && OPERATOR.test(issue.input) ? OPERATOR_REASON : reason;

/** One value of a closed set. */
export const filterOneOf = <const T extends readonly [string, ...string[]]>(values: T) =>
  v.picklist(values, reasonOr(`must be one of: ${values.join(", ")}`));

/** A boolean. */
export const filterFlag = v.boolean(reasonOr("must be a boolean"));

/** An id, compared as it is. */
export const filterId = v.pipe(
  v.string("must be a string"),
  v.regex(NO_OPERATOR, OPERATOR_REASON),
  v.maxLength(4096, "at most 4096 characters"),
);

type FilterEntries = Record<string, v.GenericSchema>;
type Optional<E extends FilterEntries> = { [K in keyof E]: v.OptionalSchema<E[K], undefined> };

/**
 * The filters of one list. Converts as a strict object; its own `~run` differs from valibot's in that arrays are no objects,
 * and that issues come in the order of the request's keys.
 */
export const filterSet = <const E extends FilterEntries>(entries: E) => {
  const optional = Object.fromEntries(Object.entries(entries).map(([key, schema]) => [key, v.optional(schema)]));
  const strict = v.strictObject(optional as Optional<E>, "must be an object");
  return {
    ...strict,
    "~run": (dataset, config) => {
      const input = dataset.value;
      if (typeof input !== "object" || input === null || Array.isArray(input)) {
        return strict["~run"]({ value: null }, config);
      }
      const known: Record<string, unknown> = {};
      for (const [key, value] of Object.entries(input)) {
        const schema = Object.hasOwn(entries, key) ? entries[key] : undefined;
        const outcome = (schema ?? unknownFilter)["~run"]({ value }, config);
        if (outcome.issues) {
          const at = { type: "object", origin: "value", input: input as Record<string, unknown>, key, value } as const;
          const issues = outcome.issues.map((issue) => ({ ...issue, path: [at] as [typeof at] }));
          return { typed: false, value: input, issues };
        }
        known[key] = outcome.value;
      }
      return { typed: true, value: known };
    },
  } as typeof strict;
};

const unknownFilter = v.never("unknown filter");
