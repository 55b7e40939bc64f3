/**
 * The demo's folder. Everything the demo makes lies in it or is written into its record before it is made, so that `--down`
 * finds all of it, also after a run that was cut off in the middle.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import * as v from "valibot";
import { randomHex } from "../../src/base/ids.ts";
import { engineName } from "./engine-api.ts";

const recordSchema = v.object({
  /** Part of every name that the demo gives outside its folder. */
  id: v.pipe(v.string(), v.regex(/^[0-9a-f]{8}$/)),
  /** The executable that started the daemon, and can stop it. */
  executable: v.optional(v.string()),
  /** The Engine that has the demo's containers. */
  engine: v.optional(engineName),
  /** Folder of a Docker Engine that the demo started. */
  privateEngine: v.optional(v.string()),
  /** Socket of the private tmux server on this machine. */
  tmuxSocket: v.optional(v.string()),
  /** A folder for sockets, where the path of the demo's own is too long for them. */
  shortDir: v.optional(v.string()),
});

export type DemoRecord = v.InferOutput<typeof recordSchema>;

export type DemoHome = {
  dir: string;
  /** Environment that leads `agenttower` to the demo's daemon. */
  env: Record<string, string>;
  stateDir: string;
  configFile: string;
};

const recordFile = (home: DemoHome) => join(home.dir, "demo.json");

/** The folder's layout; touches nothing. */
export function demoHome(dir: string): DemoHome {
  const path = resolve(dir);
  return {
    dir: path,
    env: {
      XDG_CONFIG_HOME: join(path, "config"),
      XDG_STATE_HOME: join(path, "state"),
      XDG_CACHE_HOME: join(path, "cache"),
    },
    stateDir: join(path, "state/opensoft/agenttower"),
    configFile: join(path, "config/opensoft/agenttower/config.toml"),
  };
}

/**
 * What an earlier run left, or `null`.
 * @throws when the folder holds something that is not the demo's
 */
export function readRecord(home: DemoHome): DemoRecord | null {
  if (!existsSync(home.dir) || readdirSync(home.dir).length === 0) return null;
  if (!existsSync(recordFile(home)))
    throw new Error(`${home.dir} exists and is not a demo folder; choose another --home`);
  return v.parse(recordSchema, JSON.parse(readFileSync(recordFile(home), "utf8")));
}

/** Makes the folder and an empty record in it. */
export function createHome(home: DemoHome): DemoRecord {
  mkdirSync(home.dir, { recursive: true, mode: 0o700 });
  const record: DemoRecord = { id: randomHex(4) };
  writeRecord(home, record);
  return record;
}

/** Whole or not at all: `--down` must be able to read it whenever the demo was cut off. */
export function writeRecord(home: DemoHome, record: DemoRecord): void {
  const next = `${recordFile(home)}.next`;
  writeFileSync(next, `${JSON.stringify(record, null, 2)}\n`, { mode: 0o600 });
  renameSync(next, recordFile(home));
}
