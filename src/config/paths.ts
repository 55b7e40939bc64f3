/**
 * Where everything lies (01 §2). Each XDG variable moves only its own members; a relative value counts as unset, as the XDG
 * rules say. Nothing is created or looked at here.
 */
import { isAbsolute, join } from "node:path";

export type Env = Readonly<Record<string, string | undefined>>;

/** Absolute paths. `stateDir`, `logsDir`, `lock`, `pid`, `socket` and `log` are what a daemon's life turns on. */
export type Paths = {
  configDir: string;
  configFile: string;
  stateDir: string;
  stateDb: string;
  eventsFile: string;
  logsDir: string;
  socket: string;
  cacheDir: string;
  lock: string;
  pid: string;
  /** The daemon log. */
  log: string;
  /** One line each for standard error: values that were not used. */
  notes: string[];
};

/** No home to derive paths from; one line of prose. */
export class NoHome extends Error {}

/** Namespace under each base directory; permissions are judged inside it only (01 §4). */
export const NAMESPACE = join("opensoft", "agenttower");

/**
 * All paths of one user.
 * @throws NoHome when a base directory would need `HOME` and it is unset, empty or relative
 */
export function resolvePaths(env: Env): Paths {
  const notes: string[] = [];
  const base = (variable: string, fallback: string): string => {
    const value = env[variable] ?? "";
    if (isAbsolute(value)) return join(value, NAMESPACE);
    if (value !== "") notes.push(`note: ${variable} is ignored: not an absolute path`);
    return join(homeOf(env), fallback, NAMESPACE);
  };
  const configDir = base("XDG_CONFIG_HOME", ".config");
  const stateDir = base("XDG_STATE_HOME", ".local/state");
  const cacheDir = base("XDG_CACHE_HOME", ".cache");
  const logsDir = join(stateDir, "logs");
  return {
    configDir,
    configFile: join(configDir, "config.toml"),
    stateDir,
    stateDb: join(stateDir, "agenttower.sqlite3"),
    eventsFile: join(stateDir, "events.jsonl"),
    logsDir,
    socket: join(stateDir, "agenttowerd.sock"),
    cacheDir,
    lock: join(stateDir, "agenttowerd.lock"),
    pid: join(stateDir, "agenttowerd.pid"),
    log: join(logsDir, "agenttowerd.log"),
    notes,
  };
}

function homeOf(env: Env): string {
  const home = env["HOME"] ?? "";
  if (home === "") throw new NoHome("HOME is not set");
  if (!isAbsolute(home)) throw new NoHome("HOME is not an absolute path");
  return home;
}
