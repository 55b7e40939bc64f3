/** A daemon of the compiled executable on a home of its own; the user's configuration, state and Engine are never touched. */
import { mkdirSync, writeFileSync } from "node:fs";
import { lineOf, once } from "./client.ts";

/** A daemon that does not answer within this is broken. */
const START_MS = 20_000;
const STOP_MS = 10_000;

export type Home = {
  dir: string;
  env: Record<string, string>;
  socket: string;
  database: string;
};

export type Tower = Home & { pid: number; startMs: number; stop(): Promise<void> };

/**
 * Makes configuration and an empty registry under `dir` by `config init`.
 * @param engine value of `DOCKER_HOST`; without one no Engine can be found there
 */
export async function makeHome(
  executable: string,
  dir: string,
  options: { engine?: string; config?: string } = {},
): Promise<Home> {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const env: Record<string, string> = {
    HOME: dir,
    USER: process.env["USER"] ?? "root",
    PATH: process.env["PATH"] ?? "/usr/bin:/bin",
    XDG_CONFIG_HOME: `${dir}/config`,
    XDG_STATE_HOME: `${dir}/state`,
    XDG_CACHE_HOME: `${dir}/cache`,
    DOCKER_HOST: options.engine ?? `unix://${dir}/no-engine.sock`,
  };
  const init = Bun.spawn([executable, "config", "init"], { env, stdio: ["ignore", "ignore", "inherit"] });
  if ((await init.exited) !== 0) throw new Error("config init failed");
  if (options.config !== undefined) {
    writeFileSync(`${dir}/config/opensoft/agenttower/config.toml`, options.config, { mode: 0o600 });
  }
  const state = `${dir}/state/opensoft/agenttower`;
  return { dir, env, socket: `${state}/agenttowerd.sock`, database: `${state}/agenttower.sqlite3` };
}

/** Starts a server process and waits for its first answer. `startMs` runs from before the spawn to that answer. */
export async function startServer(
  argv: string[],
  env: Record<string, string>,
  socket: string,
): Promise<{ pid: number; startMs: number; stop(): Promise<void> }> {
  const from = performance.now();
  const child = Bun.spawn(argv, { env, stdio: ["ignore", "ignore", "inherit"] });
  const ping = lineOf("ping");
  let startMs = Number.NaN;
  while (Number.isNaN(startMs)) {
    try {
      await once(socket, ping);
      startMs = performance.now() - from;
    } catch (error) {
      if (child.exitCode !== null) throw new Error(`${argv.join(" ")} ended with ${child.exitCode}`);
      if (performance.now() - from > START_MS) {
        child.kill("SIGKILL");
        throw error;
      }
      await Bun.sleep(1);
    }
  }
  return {
    pid: child.pid,
    startMs,
    async stop() {
      child.kill("SIGTERM");
      const late = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
      await child.exited;
      clearTimeout(late);
    },
  };
}

export async function startTower(executable: string, home: Home): Promise<Tower> {
  const server = await startServer([executable, "daemon", "--json"], home.env, home.socket);
  return { ...home, ...server };
}
