/**
 * A small language for end-to-end tests: the compiled executable on a home of its own. Nothing of the user's is seen or touched:
 * HOME is temporary, the environment is built from nothing, and the Engine is the one a test names, else none at all.
 *
 *   await using tower = await createTower();
 *   await tower.start();
 *   const { result } = await tower.call("status");
 */
import { Database } from "bun:sqlite";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { compile } from "../../build/compile.ts";
import { tryLock } from "../../src/daemon/lock.ts";
import { check } from "../contract/responses.ts";
import { until } from "../support/until.ts";

/** Answers are waited for this long, unless a test names another limit. */
const PATIENCE_MS = 10_000;

export type Outcome = { code: number; stdout: string; stderr: string };
export type RunOptions = {
  /** Added to the tower's environment; `undefined` takes a variable away. */
  env?: Record<string, string | undefined>;
  cwd?: string;
  input?: string;
  umask?: number;
};
// biome-ignore lint/suspicious/noExplicitAny: tests look at answers whose shape is what they check
export type Envelope = any;
export type LogLine = { at: string; level: string; event: string; fields: Record<string, string> };

/** A kept raw connection: what is sent is sent as it is, answers come line by line. */
export type Connection = {
  send(bytes: string | Uint8Array): void;
  /** The next line, without its `\n`; rejects when the connection ends first. */
  line(timeoutMs?: number): Promise<string>;
  /** Sends a kept request and reads its answer. */
  call(method: string, params?: unknown): Promise<Envelope>;
  /** Ends our side only. */
  end(): void;
  /** Resolves once the other side has closed. */
  readonly closed: Promise<void>;
  close(): void;
};

/** A kept connection that said `app.hello`; the token goes into every call, except those of `raw`. */
export type Session = Connection & { token: string; hello: Envelope; raw: Connection };

export type Foreground = {
  readonly pid: number;
  readonly exited: Promise<number>;
  /** All output so far. */
  stdout(): string;
  stderr(): string;
  /** Resolves with the first line on standard output. */
  firstLine(timeoutMs?: number): Promise<string>;
  /** Closes its standard input. */
  closeInput(): void;
  kill(signal: NodeJS.Signals): void;
};

let compiled: Promise<string> | undefined;

/** Path of the executable, compiled once per test process. */
export function executable(): Promise<string> {
  compiled ??= compile();
  return compiled;
}

/** Reads an answer; every one of the whole run is held against the published schema (06 §10 check 17). */
function judged(method: string, line: string): Envelope {
  const answer = JSON.parse(line);
  check(method, answer);
  return answer;
}

/** Opens a raw connection to any Unix socket. Long paths are reached through the directory (108-byte limit). */
async function connectTo(socketPath: string): Promise<Connection> {
  const short = socketPath.length < 100 ? socketPath : shortcut(socketPath);
  const socket = createConnection(short);
  const lines: string[] = [];
  let rest = Buffer.alloc(0);
  let ended = false;
  let wake = Promise.withResolvers<void>();
  const poke = () => {
    wake.resolve();
    wake = Promise.withResolvers();
  };
  const closed = Promise.withResolvers<void>();
  socket.on("data", (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk]);
    for (let at = rest.indexOf(10); at >= 0; at = rest.indexOf(10)) {
      lines.push(rest.subarray(0, at).toString("utf8"));
      rest = rest.subarray(at + 1);
    }
    poke();
  });
  const finish = () => {
    ended = true;
    closed.resolve();
    poke();
  };
  socket.on("end", finish);
  socket.on("close", finish);
  await new Promise<void>((resolve, reject) => {
    socket.once("connect", resolve);
    socket.once("error", reject);
  });
  // A connection that breaks later shows as its end.
  socket.on("error", finish);
  const connection: Connection = {
    send: (bytes) => void socket.write(bytes),
    async line(timeoutMs = PATIENCE_MS) {
      const deadline = performance.now() + timeoutMs;
      for (;;) {
        const next = lines.shift();
        if (next !== undefined) return next;
        if (ended) throw new Error(`connection ended without a line; left over: ${JSON.stringify(rest.toString())}`);
        const leftMs = deadline - performance.now();
        if (leftMs <= 0) throw new Error(`no answer in ${timeoutMs} ms`);
        await Promise.race([wake.promise, Bun.sleep(leftMs)]);
      }
    },
    async call(method, params = {}) {
      socket.write(`${JSON.stringify({ method, params, keep_alive: true })}\n`);
      return judged(method, await connection.line());
    },
    end: () => void socket.end(),
    closed: closed.promise,
    close: () => void socket.destroy(),
  };
  return connection;
}

function shortcut(socketPath: string): string {
  const link = join(mkdtempSync(join(tmpdir(), "at-s-")), "d");
  symlinkSync(dirname(socketPath), link);
  return join(link, socketPath.slice(dirname(socketPath).length + 1));
}

export type TowerOptions = {
  /** Where the tower lives; a new directory under the system's temporary one by default. */
  dir?: string;
  env?: Record<string, string>;
  /** `DOCKER_HOST`; by default a socket that does not exist. */
  dockerHost?: string;
  /** Content of the configuration file; by default what `config init` writes. */
  config?: string;
  /** Program to run instead of the compiled one (a copy of it, say). */
  program?: string;
};

export type Tower = Awaited<ReturnType<typeof createTower>>;

export async function createTower(options: TowerOptions = {}) {
  const program = options.program ?? (await executable());
  const dir = options.dir ?? mkdtempSync(join(tmpdir(), "at-e2e-"));
  const home = join(dir, "home");
  const bin = join(dir, "bin");
  mkdirSync(home, { recursive: true, mode: 0o700 });
  mkdirSync(bin, { recursive: true });
  symlinkSync(program, join(bin, "agenttower"));
  symlinkSync(program, join(bin, "agenttowerd"));

  const env: Record<string, string> = {
    PATH: process.env["PATH"] ?? "/usr/bin:/bin",
    HOME: home,
    LANG: "C.UTF-8",
    USER: "operator",
    DOCKER_HOST: options.dockerHost ?? `unix://${dir}/no-engine.sock`,
    ...options.env,
  };
  const base = (variable: string, fallback: string) =>
    join(env[variable] || join(home, fallback), "opensoft/agenttower");
  const stateDir = base("XDG_STATE_HOME", ".local/state");
  const configDir = base("XDG_CONFIG_HOME", ".config");
  const paths = {
    dir,
    home,
    bin,
    env,
    program,
    stateDir,
    configFile: join(configDir, "config.toml"),
    cacheDir: base("XDG_CACHE_HOME", ".cache"),
    database: join(stateDir, "agenttower.sqlite3"),
    eventsFile: join(stateDir, "events.jsonl"),
    socket: join(stateDir, "agenttowerd.sock"),
    pidFile: join(stateDir, "agenttowerd.pid"),
    lockFile: join(stateDir, "agenttowerd.lock"),
    logsDir: join(stateDir, "logs"),
    logFile: join(stateDir, "logs/agenttowerd.log"),
  };
  const foregrounds: Foreground[] = [];
  const connections: Connection[] = [];

  /** The program and the words after it; `agenttowerd …` runs the other command. */
  const argvOf = (words: readonly string[]): string[] =>
    words[0] === "agenttowerd" ? [join(bin, "agenttowerd"), ...words.slice(1)] : [join(bin, "agenttower"), ...words];
  const envOf = (more: RunOptions["env"]): Record<string, string> => {
    const all: Record<string, string | undefined> = { ...env, ...more };
    return Object.fromEntries(Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== undefined));
  };
  const withUmask = (argv: string[], umask: number | undefined): string[] =>
    umask === undefined ? argv : ["sh", "-c", `umask ${umask.toString(8).padStart(3, "0")}; exec "$@"`, "sh", ...argv];

  const tower = {
    ...paths,
    until,

    /** Runs a command to its end: `run(["config", "init"])`, `run(["agenttowerd", "--version"])`. */
    async run(words: readonly string[], { env: more, cwd, input, umask }: RunOptions = {}): Promise<Outcome> {
      const child = Bun.spawn(withUmask(argvOf(words), umask), {
        env: envOf(more),
        cwd: cwd ?? dir,
        stdin: input === undefined ? "ignore" : new Blob([input]),
        stdout: "pipe",
        stderr: "pipe",
      });
      const [stdout, stderr, code] = await Promise.all([
        new Response(child.stdout).text(),
        new Response(child.stderr).text(),
        child.exited,
      ]);
      return { code, stdout, stderr };
    },

    /** Runs a command with `--json` and returns its parsed standard output; throws when it fails. */
    async json(words: readonly string[], more: RunOptions = {}): Promise<Envelope> {
      const { code, stdout, stderr } = await tower.run([...words, "--json"], more);
      if (code !== 0) throw new Error(`${words.join(" ")} exited ${code}: ${stdout}${stderr}`);
      return JSON.parse(stdout);
    },

    /** Starts a command that stays, such as `["daemon", "--json"]` or `["agenttowerd", "run"]`. */
    foreground(words: readonly string[], { env: more, cwd }: RunOptions = {}): Foreground {
      const child = Bun.spawn(argvOf(words), {
        env: envOf(more),
        cwd: cwd ?? dir,
        stdin: "pipe",
        stdout: "pipe",
        stderr: "pipe",
      });
      let stdout = "";
      let stderr = "";
      const collect = async (from: ReadableStream<Uint8Array>, put: (text: string) => void) => {
        const decoder = new TextDecoder();
        for await (const chunk of from) put(decoder.decode(chunk, { stream: true }));
      };
      const drained = Promise.all([
        collect(child.stdout, (text) => {
          stdout += text;
        }),
        collect(child.stderr, (text) => {
          stderr += text;
        }),
      ]);
      const foreground: Foreground = {
        pid: child.pid,
        exited: Promise.all([child.exited, drained]).then(([code]) => code),
        stdout: () => stdout,
        stderr: () => stderr,
        firstLine: (timeoutMs = PATIENCE_MS) =>
          until(
            () => {
              if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}: ${stderr}`);
              return stdout.includes("\n") ? stdout.slice(0, stdout.indexOf("\n")) : null;
            },
            "first line",
            timeoutMs,
          ),
        closeInput: () => void child.stdin.end(),
        kill: (signal) => child.kill(signal),
      };
      foregrounds.push(foreground);
      return foreground;
    },

    /** `config init`; with a configuration of the test's own if it named one. */
    async init(): Promise<void> {
      if (options.config !== undefined) tower.configure(options.config);
      const { code, stderr } = await tower.run(["config", "init"]);
      if (code !== 0) throw new Error(`config init: ${stderr}`);
    },

    /** Writes the configuration file. */
    configure(toml: string): void {
      mkdirSync(configDir, { recursive: true, mode: 0o700 });
      writeFileSync(paths.configFile, toml, { mode: 0o600 });
    },

    /** Initializes what is missing and starts the daemon detached. @returns its pid */
    async start(more: RunOptions = {}): Promise<number> {
      if (!existsSync(paths.database)) await tower.init();
      const answer = await tower.json(["ensure-daemon"], more);
      return answer.pid;
    },

    async stop(): Promise<void> {
      const { code, stderr } = await tower.run(["stop-daemon"]);
      if (code !== 0) throw new Error(`stop-daemon exited ${code}: ${stderr}`);
      // The socket goes first; the registry is closed when the lock is free.
      await until(() => tower.daemonPid() === null, "the end of the daemon");
    },

    /** One raw request on a connection of its own. */
    async call(method: string, params: unknown = {}): Promise<Envelope> {
      const connection = await connectTo(paths.socket);
      try {
        connection.send(`${JSON.stringify({ method, params })}\n`);
        return judged(method, await connection.line());
      } finally {
        connection.close();
      }
    },

    /** A kept raw connection, closed with the tower. */
    async connect(): Promise<Connection> {
      const connection = await connectTo(paths.socket);
      connections.push(connection);
      return connection;
    },

    /** A kept connection with a session of its own. */
    async session(hello: Record<string, unknown> = { client_id: "e2e" }): Promise<Session> {
      const connection = await tower.connect();
      const answer = await connection.call("app.hello", hello);
      if (!answer.ok) throw new Error(`app.hello: ${JSON.stringify(answer)}`);
      const token: string = answer.result.app_session_token;
      return {
        ...connection,
        token,
        hello: answer.result,
        raw: connection,
        call: (method, params = {}) => connection.call(method, { ...(params as object), app_session_token: token }),
      };
    },

    /** Lines of the daemon log, in order, of one event if named. */
    log(event?: string): LogLine[] {
      if (!existsSync(paths.logFile)) return [];
      const lines = readFileSync(paths.logFile, "utf8").split("\n");
      return lines
        .filter((line) => line.includes("\tlevel="))
        .map((line) => {
          const [at = "", ...pairs] = line.split("\t");
          const {
            level = "",
            event: name = "",
            ...fields
          } = Object.fromEntries(
            pairs.map((pair) => [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)]),
          );
          return { at, level, event: name, fields };
        })
        .filter((line) => event === undefined || line.event === event);
    },

    /** Lines of the events file. */
    events(): Envelope[] {
      if (!existsSync(paths.eventsFile)) return [];
      return readFileSync(paths.eventsFile, "utf8")
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => JSON.parse(line));
    },

    /** Rows of the registry, read only. */
    rows(sql: string, ...values: (string | number | null)[]): Envelope[] {
      const database = new Database(paths.database, { readonly: true });
      try {
        database.run("PRAGMA busy_timeout = 5000");
        return database.query(sql).all(...values);
      } finally {
        database.close();
      }
    },

    /** Pid of the daemon that holds the lock now. */
    daemonPid(): number | null {
      if (!existsSync(paths.lockFile)) return null;
      const attempt = tryLock(paths.lockFile);
      if (!attempt.held) return attempt.holderPid;
      attempt.release();
      return null;
    },

    /** Stops what runs here and removes the directory. */
    async [Symbol.asyncDispose](): Promise<void> {
      for (const connection of connections) connection.close();
      const running = (): number | null => {
        try {
          return tower.daemonPid();
        } catch {
          // A test left the lock file unusable on purpose; then no daemon runs on it.
          return null;
        }
      };
      const pid = running();
      if (pid !== null) {
        process.kill(pid, "SIGTERM");
        await until(() => running() === null, "end of the daemon").catch(() => process.kill(pid, "SIGKILL"));
      }
      for (const foreground of foregrounds) {
        foreground.kill("SIGKILL");
        await foreground.exited;
      }
      rmSync(dir, { recursive: true, force: true });
    },
  };
  return tower;
}
