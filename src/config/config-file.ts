/**
 * The configuration file as plain tables (01 §3). Blocks are judged by those who own them: `[containers]` and `[host]` at every
 * container scan (02 §1, 00 §7), the rest once at daemon start (`daemon-config.ts`).
 */
import { readFileSync } from "node:fs";
import { message } from "../base/text.ts";
import { reasonOf } from "./modes.ts";

export type Tables = Readonly<Record<string, unknown>>;
export type Table = Readonly<Record<string, unknown>>;

/** The configuration cannot be used. `reason` is one clean line. */
export class ConfigFault extends Error {
  readonly path: string;
  readonly reason: string;

  constructor(path: string, reason: string) {
    const line = message(reason);
    super(message(`config invalid: ${path}: ${line}`));
    this.name = "ConfigFault";
    this.path = path;
    this.reason = line;
  }
}

/** A part of the configuration that was not used; one `config_warning` line each per daemon life. */
export type ConfigWarning = { path: string; key: string; reason: string };

/**
 * Reads the file; a missing one is empty.
 * @throws ConfigFault whose reason contains `failed to parse` when it cannot be read or is no TOML (02 §1)
 */
export function readTables(path: string): Tables {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return {};
    throw new ConfigFault(path, `failed to parse: ${reasonOf(error)}`);
  }
  return parseTables(text, path);
}

/** The tables of a TOML text. @throws ConfigFault */
export function parseTables(text: string, path: string): Tables {
  try {
    const tables: unknown = Bun.TOML.parse(text);
    if (isTable(tables)) return tables;
  } catch (error) {
    throw new ConfigFault(path, `failed to parse: ${error instanceof Error ? error.message : String(error)}`);
  }
  throw new ConfigFault(path, "failed to parse: not a table");
}

export function isTable(value: unknown): value is Table {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date);
}
