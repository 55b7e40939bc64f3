/**
 * Values against the schemas of the contract (06 §1, §3). A reason names the rule, never the value: where a schema has no
 * words of its own, what it expects is said here.
 */
import * as v from "valibot";
import { cut } from "../base/text.ts";
import type { Method, ParamsSchema } from "../contract/method.ts";
import { isObject } from "./request.ts";

export type Checked = { ok: true; params: Record<string, unknown> } | { ok: false; field: string; reason: string };

/** Longest field name that an answer quotes, in characters (06 §2). */
const FIELD_CHARACTERS = 64;

/** Optional parameters whose `null` is refused, not taken as absent (06 §1). */
const NULL_REFUSED = new Set(["limit", "wait"]);

/** valibot's own words quote what they got; these do not. They are used only where the schema brings none. */
const config = {
  message: (issue: v.BaseIssue<unknown>) => (issue.expected ? `expected ${issue.expected}` : "is not valid"),
};

/**
 * Checks the params of a request as a whole. The reported field is the first offender in the order of the request, keys
 * that are missing come last.
 * @param nullIsAbsent `null` of an optional parameter counts as absent: the rule of the app contract
 */
export function checkParams(method: Method, sent: unknown, nullIsAbsent: boolean): Checked {
  const schema = method.params;
  if (!schema) return { ok: true, params: {} };
  if (sent !== undefined && sent !== null && !isObject(sent)) {
    return { ok: false, field: "params", reason: "must be an object" };
  }
  const params = withoutNulls(schema, sent ?? {}, nullIsAbsent);
  const result = v.safeParse(schema, params, config);
  if (result.success) return { ok: true, params: result.output };
  return { ok: false, ...firstOffender(result.issues, Object.keys(params)) };
}

function withoutNulls(schema: ParamsSchema, params: Record<string, unknown>, nullIsAbsent: boolean) {
  if (!nullIsAbsent) return params;
  const absent = Object.keys(params).filter(
    (key) => params[key] === null && !NULL_REFUSED.has(key) && isOptional(schema, key),
  );
  if (absent.length === 0) return params;
  return Object.fromEntries(Object.entries(params).filter(([key]) => !absent.includes(key)));
}

function isOptional(schema: ParamsSchema, key: string): boolean {
  const type = Object.hasOwn(schema.entries, key) ? schema.entries[key]?.type : undefined;
  return type === "optional" || type === "exact_optional" || type === "nullish";
}

function firstOffender(issues: readonly v.BaseIssue<unknown>[], sentKeys: readonly string[]) {
  const offences = new Map<string, { field: string; reason: string }>();
  for (const issue of issues) {
    const key = String(issue.path?.[0]?.key ?? "params");
    if (!offences.has(key)) offences.set(key, { field: fieldOf(key, issue), reason: issue.message });
  }
  for (const key of sentKeys) {
    const offence = offences.get(key);
    if (offence) return offence;
  }
  const [missing] = offences.keys();
  return missing && missing !== "params"
    ? { field: missing, reason: "is required" }
    : { field: "params", reason: "is not valid" };
}

/** A filter is reported under its own key (06 §6), of which no more than a name's length comes back. */
function fieldOf(key: string, issue: v.BaseIssue<unknown>): string {
  const filter = key === "filters" ? issue.path?.[1]?.key : undefined;
  return typeof filter === "string" ? cut(filter, FIELD_CHARACTERS) : key;
}

/** A result against its schema: what the contract declares, and nothing else, goes out. `story` names places, not values. */
export function checkResult(
  method: Method,
  result: unknown,
): { ok: true; result: unknown } | { ok: false; story: string } {
  const checked = v.safeParse(method.result, result, config);
  if (checked.success) return { ok: true, result: checked.output };
  const places = checked.issues.slice(0, 5).map((issue) => `${v.getDotPath(issue) ?? "result"}: ${issue.message}`);
  return { ok: false, story: places.join("; ") };
}
