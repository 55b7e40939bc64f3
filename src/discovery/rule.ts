/**
 * What counts as a bench (02 §1) and whether the host is one (00 §7). Any fault is `config_invalid`, never a wider scope. The
 * text is read anew for every container scan, so an edit needs no restart.
 */
import { clean, cut, message } from "../base/text.ts";

const NAME_CONTAINS_MAX = 32;
const ENTRY_CHARACTERS = 128;
const INTERVAL_MAX_SECONDS = 3600;
const INTERVAL_DEFAULT_SECONDS = 5;
const HOST_SOCKETS_MAX = 32;
/** How much of a bad value a message shows, in characters. */
const VALUE_CHARACTERS = 200;

export type Rule = {
  /** Folded entries of `name_contains`. */
  contains: readonly string[];
  /** 0: no background discovery. */
  scanIntervalSeconds: number;
  /** `null`: the host is no bench. Names under the socket directory, or absolute paths. */
  hostSockets: readonly string[] | null;
};

/** The configuration breaks a rule of 02 §1 or 00 §7. The message names table, key and value. */
export class RuleFault extends Error {
  constructor(text: string) {
    super(message(text));
    this.name = "RuleFault";
  }
}

/**
 * The rule of the configuration as it is now.
 * @param readText the whole file; `null` when there is none, which means all defaults
 * @throws RuleFault
 */
export function readRule(readText: () => string | null): Rule {
  let text: string | null;
  try {
    text = readText();
  } catch (error) {
    throw new RuleFault(`failed to parse: ${error instanceof Error ? error.message : String(error)}`);
  }
  return ruleOf(text === null ? {} : parseToml(text));
}

/** The rule in parsed tables. @throws RuleFault */
export function ruleOf(tables: Readonly<Record<string, unknown>>): Rule {
  const containers = table(tables, "containers");
  const host = table(tables, "host");
  for (const key of Object.keys(host)) {
    if (key !== "enabled" && key !== "sockets") throw new RuleFault(`[host] ${shown(key)}: unknown key`);
  }
  const enabled = host["enabled"] ?? false;
  if (typeof enabled !== "boolean") throw new RuleFault(`[host] enabled = ${shown(enabled)}: must be a boolean`);
  const sockets = hostSockets(host["sockets"]);
  return {
    contains: nameContains(containers["name_contains"]),
    scanIntervalSeconds: scanInterval(containers["scan_interval_seconds"]),
    hostSockets: enabled ? sockets : null,
  };
}

/** A container matches when an entry is part of one of its names, without regard to case. */
export function matches(rule: Rule, names: readonly string[]): boolean {
  return names.some((name) => {
    const folded = foldCase(name);
    return rule.contains.some((entry) => folded.includes(entry));
  });
}

/**
 * Full Unicode case folding: `ß` and `SS` meet, as do `Σ`, `σ` and `ς`. Folding one character at a time keeps `toLowerCase` from
 * looking at neighbours; `ı` alone folds to itself though its capital is `I`.
 */
export function foldCase(text: string): string {
  let folded = "";
  for (const char of text) folded += char === "ı" ? char : char.toLowerCase().toUpperCase().toLowerCase();
  return folded;
}

function parseToml(text: string): Readonly<Record<string, unknown>> {
  try {
    const tables: unknown = Bun.TOML.parse(text);
    if (isTable(tables)) return tables;
  } catch (error) {
    throw new RuleFault(`failed to parse: ${error instanceof Error ? error.message : String(error)}`);
  }
  throw new RuleFault("failed to parse: not a table");
}

function table(tables: Readonly<Record<string, unknown>>, name: string): Readonly<Record<string, unknown>> {
  const value = tables[name];
  if (value === undefined) return {};
  if (!isTable(value)) throw new RuleFault(`${name} = ${shown(value)}: must be a TOML table`);
  return value;
}

function nameContains(value: unknown): readonly string[] {
  if (value === undefined) return ["bench"];
  const fail = (bad: unknown, phrase: string): never => {
    throw new RuleFault(`[containers] name_contains: ${shown(bad)}: ${phrase}`);
  };
  if (!Array.isArray(value)) return fail(value, "must be a list of strings");
  if (value.length === 0) return fail(value, "must be a non-empty list");
  if (value.length > NAME_CONTAINS_MAX) {
    return fail(value, `${value.length} entries, max is ${NAME_CONTAINS_MAX}`);
  }
  return value.map((entry: unknown) => {
    if (typeof entry !== "string") return fail(entry, "must be a string");
    const characters = [...entry].length;
    if (characters > ENTRY_CHARACTERS) return fail(entry, `${characters} characters, max is ${ENTRY_CHARACTERS}`);
    if (entry.trim() === "") return fail(entry, "blank after strip()");
    return foldCase(entry.trim());
  });
}

function scanInterval(value: unknown): number {
  if (value === undefined) return INTERVAL_DEFAULT_SECONDS;
  if (typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= INTERVAL_MAX_SECONDS) return value;
  throw new RuleFault(
    `[containers] scan_interval_seconds = ${shown(value)}: must be an integer from 0 to ${INTERVAL_MAX_SECONDS}`,
  );
}

function hostSockets(value: unknown): readonly string[] {
  if (value === undefined) return ["default"];
  const fail = (bad: unknown, phrase: string): never => {
    throw new RuleFault(`[host] sockets: ${shown(bad)}: ${phrase}`);
  };
  if (!Array.isArray(value) || value.length === 0) return fail(value, "must be a non-empty list");
  if (value.length > HOST_SOCKETS_MAX) return fail(value, `max is ${HOST_SOCKETS_MAX}`);
  const sockets = value.map((entry: unknown) => {
    if (typeof entry !== "string") return fail(entry, "must be a string");
    if (entry === "" || clean(entry) !== entry) return fail(entry, "must be a plain name or an absolute path");
    const isName = !entry.includes("/") && entry !== "." && entry !== "..";
    if (!isName && !entry.startsWith("/")) return fail(entry, "must be a plain name or an absolute path");
    return entry;
  });
  return [...new Set(sockets)];
}

function isTable(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date);
}

function shown(value: unknown): string {
  return cut(JSON.stringify(value) ?? String(value), VALUE_CHARACTERS);
}
