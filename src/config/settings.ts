/** Typed keys of a configuration table: a default and a rule each (01 §3). Booleans are not numbers. */
import type { Table } from "./config-file.ts";

/** One key. `fault` names the rule that a value breaks, or is `null`. */
export type Setting<T> = { readonly initial: T; fault(value: unknown): string | null };
export type Settings = Readonly<Record<string, Setting<unknown>>>;
export type ValuesOf<S extends Settings> = { readonly [K in keyof S]: S[K] extends Setting<infer T> ? T : never };

const bounded = (min: number, max: number): string =>
  max === Number.POSITIVE_INFINITY ? `at least ${min}` : `from ${min} to ${max}`;

/** A number above 0, at most `max`. */
export function positive(initial: number, max = Number.POSITIVE_INFINITY): Setting<number> {
  return {
    initial,
    fault: (value) =>
      typeof value !== "number" || !Number.isFinite(value) || value <= 0
        ? "must be a number greater than 0"
        : value > max
          ? `must be at most ${max}`
          : null,
  };
}

/** A number within bounds, both inclusive. */
export function numberIn(initial: number, min: number, max: number): Setting<number> {
  return {
    initial,
    fault: (value) =>
      typeof value === "number" && value >= min && value <= max ? null : `must be a number ${bounded(min, max)}`,
  };
}

/** An integer within bounds, both inclusive. */
export function integerIn(initial: number, min: number, max = Number.POSITIVE_INFINITY): Setting<number> {
  return {
    initial,
    fault: (value) =>
      Number.isSafeInteger(value) && Number(value) >= min && Number(value) <= max
        ? null
        : `must be an integer ${bounded(min, max)}`,
  };
}

/** The same, or 0 for "never". */
export function orZero({ initial, fault }: Setting<number>): Setting<number> {
  return { initial, fault: (value) => (value === 0 ? null : fault(value)) };
}

/** A string of any content. */
export function anyString(initial: string): Setting<string> {
  return { initial, fault: (value) => (typeof value === "string" ? null : "must be a string") };
}

export function toggle(initial: boolean): Setting<boolean> {
  return { initial, fault: (value) => (typeof value === "boolean" ? null : "must be a boolean") };
}

/** One of a closed set of strings. */
export function choice<const T extends string>(initial: T, all: readonly T[]): Setting<T> {
  return {
    initial,
    fault: (value) => (all.some((one) => one === value) ? null : `must be one of: ${all.join(", ")}`),
  };
}

export type SettingFault = { key: string; reason: string };

/**
 * The values of a table: what is there and good, else the default. Faults are in the order of the table's keys.
 * @param table `undefined`: all defaults
 */
export function readSettings<S extends Settings>(
  settings: S,
  table: Table | undefined,
): { values: ValuesOf<S>; faults: SettingFault[] } {
  const values: Record<string, unknown> = {};
  for (const [key, setting] of Object.entries(settings)) values[key] = setting.initial;
  const faults: SettingFault[] = [];
  for (const [key, value] of Object.entries(table ?? {})) {
    const setting = Object.hasOwn(settings, key) ? settings[key] : undefined;
    const reason = setting ? setting.fault(value) : "unknown key";
    if (reason === null) values[key] = value;
    else faults.push({ key, reason });
  }
  // Every key of S was set above, to its default or to a value that its own rule let pass.
  return { values: values as ValuesOf<S>, faults };
}
