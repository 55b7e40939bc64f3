/** The daemon's life on the compiled executable: acceptance checks of 01 §18, and 00 §1, §2. */
import { afterAll, describe, expect, test } from "bun:test";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until } from "../support/until.ts";
import { createTower, executable, type Tower } from "./tower.ts";

const mode = (path: string): string => (lstatSync(path).mode & 0o7777).toString(8);
const sha256 = (path: string): string => new Bun.SHA256().update(readFileSync(path)).digest("hex");

/** Every path below a directory, relative. */
const everything = (dir: string): string[] => readdirSync(dir, { recursive: true, encoding: "utf8" }).sort();

const scratch: string[] = [];
function temporary(name: string): string {
  const dir = mkdtempSync(join(tmpdir(), name));
  scratch.push(dir);
  return dir;
}
afterAll(() => {
  for (const dir of scratch) rmSync(dir, { recursive: true, force: true });
});

/** Pid of the process that holds the lock, from the kernel's list, without touching the lock. */
function lockHolder(tower: Tower): number | null {
  if (!existsSync(tower.lockFile)) return null;
  const inode = String(statSync(tower.lockFile).ino);
  for (const line of readFileSync("/proc/locks", "utf8").split("\n")) {
    const [, kind, , , pid, place] = line.trim().split(/\s+/);
    if (kind === "FLOCK" && place?.split(":")[2] === inode) return Number(pid);
  }
  return null;
}

const isAlive = (pid: number): boolean =>
  existsSync(`/proc/${pid}`) && !/^State:\tZ/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));

describe("before anything is set up", () => {
  test("both commands tell the same version and touch no file", async () => {
    await using tower = await createTower();
    const one = await tower.run(["--version"]);
    const other = await tower.run(["agenttowerd", "--version"]);
    expect(one).toEqual({ code: 0, stdout: expect.stringMatching(/^agenttower \d+\.\d+\.\d+\n$/), stderr: "" });
    expect(other.stdout).toBe(one.stdout.replace("agenttower", "agenttowerd"));
    expect(other.code).toBe(0);
    expect(everything(tower.home)).toEqual([]);
  });

  test("the words of agenttowerd: usage, and nothing else", async () => {
    await using tower = await createTower();
    for (const words of [[], ["--help"]]) {
      const { code, stdout, stderr } = await tower.run(["agenttowerd", ...words]);
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      expect(stdout).toContain("agenttowerd");
    }
    for (const words of [["bogus"], ["run", "extra"], ["--bogus"], ["run", "--json"]]) {
      const { code, stdout, stderr } = await tower.run(["agenttowerd", ...words]);
      expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
      expect(stderr).toContain("usage");
    }
    expect(everything(tower.home)).toEqual([]);
  });

  test("run, ensure-daemon, status and stop-daemon refuse, and start neither docker nor tmux", async () => {
    await using tower = await createTower();
    const traps = join(tower.dir, "traps");
    const touched = join(tower.dir, "touched");
    mkdirSync(traps);
    for (const name of ["docker", "tmux"]) {
      writeFileSync(join(traps, name), `#!/bin/sh\necho ${name} >>${touched}\n`, { mode: 0o755 });
    }
    const env = { PATH: `${traps}:${tower.env["PATH"]}` };
    const run = (...words: string[]) => tower.run(words, { env });
    expect(await run("agenttowerd", "run")).toEqual({
      code: 1,
      stdout: "",
      stderr: `error: agenttower is not initialized: state db missing at ${tower.database}\n`,
    });
    expect(await run("ensure-daemon")).toEqual({
      code: 1,
      stdout: "",
      stderr: "error: agenttower is not initialized: run `agenttower config init`\n",
    });
    const status = await run("status");
    expect(status).toMatchObject({ code: 2, stdout: "" });
    expect(status.stderr).toStartWith(
      "error: daemon is not running or socket is unreachable: try `agenttower ensure-daemon`\n",
    );
    const stop = await run("stop-daemon");
    expect(stop).toMatchObject({ code: 2, stdout: "" });
    expect(stop.stderr).toStartWith("error: no reachable daemon to stop\n");
    expect(existsSync(touched)).toBe(false);
    expect(everything(tower.home)).toEqual([]);
  });

  test("without HOME: one line, exit 1", async () => {
    await using tower = await createTower();
    for (const words of [["agenttowerd", "run"], ["daemon"]]) {
      const { code, stdout, stderr } = await tower.run(words, { env: { HOME: undefined } });
      expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
      expect(stderr).toMatch(/^error: [^\n]*HOME[^\n]*\n$/);
    }
  });
});

describe("config init", () => {
  test("umask 000: directories 0700, files 0600, two lines; ten more runs change nothing", async () => {
    await using tower = await createTower();
    expect(await tower.run(["config", "init"], { umask: 0 })).toEqual({
      code: 0,
      stdout: `created config: ${tower.configFile}\ncreated registry: ${tower.database}\n`,
      stderr: "",
    });
    for (const path of everything(tower.home)) {
      const full = join(tower.home, path);
      expect([path, mode(full)]).toEqual([path, statSync(full).isDirectory() ? "700" : "600"]);
    }
    for (const path of [tower.eventsFile, tower.socket]) expect(existsSync(path)).toBe(false);
    for (const path of [tower.logsDir, tower.cacheDir]) expect(statSync(path).isDirectory()).toBe(true);
    const before = sha256(tower.configFile);
    for (let again = 0; again < 10; again++) {
      const { code, stdout } = await tower.run(["config", "init"]);
      expect({ code, stdout }).toEqual({
        code: 0,
        stdout: `already initialized: ${tower.configFile}\nalready initialized: ${tower.database}\n`,
      });
    }
    expect(sha256(tower.configFile)).toBe(before);
    expect(tower.rows("SELECT version FROM schema_version")).toEqual([{ version: 9 }]);
  });

  test("files that others may read are refused and stay as they are", async () => {
    await using tower = await createTower();
    await tower.init();
    for (const path of [tower.configFile, tower.database]) {
      chmodSync(path, 0o644);
      const before = sha256(path);
      const { code, stderr } = await tower.run(["config", "init"]);
      expect(code).toBe(1);
      expect(stderr).toMatch(/^error: [^\n]*\n$/);
      expect(stderr).toContain(path);
      expect([mode(path), sha256(path)]).toEqual(["644", before]);
      chmodSync(path, 0o600);
    }
  });

  test("a broken or newer registry is refused, byte for byte", async () => {
    await using tower = await createTower();
    await tower.init();
    writeFileSync(tower.database, "this is no database, however long one looks at it. ".repeat(100));
    let before = sha256(tower.database);
    for (const words of [
      ["config", "init"],
      ["agenttowerd", "run"],
    ]) {
      const { code, stderr } = await tower.run(words);
      expect(code).toBe(1);
      expect(stderr).toStartWith(`error: open registry: ${tower.database}: `);
      expect(stderr.trimEnd().split("\n")).toHaveLength(1);
      expect(sha256(tower.database)).toBe(before);
    }

    rmSync(tower.database);
    for (const companion of ["-wal", "-shm"]) rmSync(tower.database + companion, { force: true });
    await tower.init();
    await Bun.$`${process.execPath} -e ${`
      const { Database } = require("bun:sqlite");
      const db = new Database(${JSON.stringify(tower.database)});
      db.run("UPDATE schema_version SET version = 10");
      db.run("PRAGMA wal_checkpoint(TRUNCATE)");
      db.close();
    `}`.quiet();
    before = sha256(tower.database);
    for (const words of [
      ["config", "init"],
      ["agenttowerd", "run"],
    ]) {
      const { code, stderr } = await tower.run(words);
      expect(code).toBe(1);
      expect(stderr).toContain("on-disk schema_version=10 is newer than this build supports (9); refusing to open");
      expect(sha256(tower.database)).toBe(before);
    }
  });

  test("a state directory that cannot be made: exit 1, path named, no database left", async () => {
    await using tower = await createTower({ env: { XDG_STATE_HOME: "/proc" } });
    const { code, stderr } = await tower.run(["config", "init"]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^error: initialize: \/proc\/opensoft[^\n]*\n$/);
    expect(everything(tower.home).filter((path) => path.includes("sqlite"))).toEqual([]);
  });
});

describe("ensure-daemon", () => {
  test("starts one within two seconds, all files 0600; twenty more find it", async () => {
    await using tower = await createTower();
    await tower.init();
    const began = performance.now();
    const first = await tower.json(["ensure-daemon"]);
    expect(performance.now() - began).toBeLessThan(2_000);
    expect(first).toEqual({
      ok: true,
      started: true,
      pid: expect.any(Number),
      socket_path: tower.socket,
      state_path: tower.stateDir,
    });
    for (const path of [tower.socket, tower.pidFile, tower.lockFile, tower.logFile]) {
      expect([path, mode(path)]).toEqual([path, "600"]);
    }
    expect(readFileSync(tower.pidFile, "utf8")).toBe(`${first.pid}\n`);
    // Its first look at the Engine may be in the log as well.
    const life = tower.log().filter((line) => line.event.startsWith("daemon_"));
    expect(life.map((line) => line.event)).toEqual(["daemon_starting", "daemon_ready"]);
    for (let again = 0; again < 20; again++) {
      const next = await tower.json(["ensure-daemon"]);
      expect([next.pid, next.started]).toEqual([first.pid, false]);
    }
    const text = await tower.run(["ensure-daemon"]);
    expect(text.stdout).toBe(`agenttowerd ready: pid=${first.pid} socket=${tower.socket} state=${tower.stateDir}\n`);
  });

  test("five at once start one daemon, also when it needs its time to bind", async () => {
    await using tower = await createTower();
    await tower.init();
    const five = () => Promise.all(Array.from({ length: 5 }, () => tower.json(["ensure-daemon"])));
    const together = await five();
    expect(new Set(together.map((answer) => answer.pid)).size).toBe(1);
    expect(together.filter((answer) => answer.started)).toHaveLength(1);

    // The daemon is stopped between taking the lock and binding; where that moment was missed, once more.
    for (let attempt = 0; ; attempt++) {
      await tower.stop();
      await until(() => lockHolder(tower) === null, "end of the daemon");
      const answers = five();
      const pid = await until(() => lockHolder(tower), "a holder of the lock");
      process.kill(pid, "SIGSTOP");
      const caught = !existsSync(tower.socket) && readlinkSync(`/proc/${pid}/exe`) === tower.program;
      await Bun.sleep(1_200);
      process.kill(pid, "SIGCONT");
      const pids = (await answers).map((answer) => answer.pid);
      expect(new Set(pids).size).toBe(1);
      if (caught || attempt === 10) break;
    }
  });

  test("after SIGKILL a new one is up within three seconds and says what it removed", async () => {
    await using tower = await createTower();
    const first = await tower.start();
    process.kill(first, "SIGKILL");
    await until(() => !isAlive(first), "end of the daemon");
    expect(existsSync(tower.socket) && existsSync(tower.pidFile)).toBe(true);
    const began = performance.now();
    const second = await tower.start();
    expect(performance.now() - began).toBeLessThan(3_000);
    expect(second).not.toBe(first);
    expect(tower.log("daemon_recovering").map((line) => line.fields)).toEqual([
      { unlinked: tower.socket, reason: "stale_socket" },
      { unlinked: tower.pidFile, reason: "stale_pid" },
    ]);
  });

  test("an open or symbolic state directory is refused, nothing is bound", async () => {
    await using tower = await createTower();
    await tower.init();
    chmodSync(tower.stateDir, 0o755);
    const open = await tower.run(["ensure-daemon"]);
    expect(open.code).toBe(1);
    expect(open.stderr).toStartWith(`error: unsafe permissions on ${tower.stateDir}: `);
    const run = await tower.run(["agenttowerd", "run"]);
    expect(run).toMatchObject({ code: 1, stdout: "" });
    expect(run.stderr).toStartWith(`error: unsafe path ${tower.stateDir}: `);
    expect(existsSync(tower.socket)).toBe(false);

    chmodSync(tower.stateDir, 0o700);
    const elsewhere = join(tower.dir, "elsewhere");
    await Bun.$`mv ${tower.stateDir} ${elsewhere}`.quiet();
    symlinkSync(elsewhere, tower.stateDir);
    expect((await tower.run(["ensure-daemon"])).code).toBe(1);
    expect((await tower.run(["agenttowerd", "run"])).code).toBe(1);
    expect(existsSync(tower.socket)).toBe(false);
  });

  test("a lock file that cannot be used: exit 1; a daemon that holds it but answers nobody: exit 2 with its pid", async () => {
    await using tower = await createTower();
    await tower.init();
    writeFileSync(tower.lockFile, "");
    chmodSync(tower.lockFile, 0o644);
    const unusable = await tower.run(["ensure-daemon"]);
    expect(unusable.code).toBe(1);
    expect(unusable.stderr).toStartWith(`error: acquire lock: ${tower.lockFile}: `);
    chmodSync(tower.lockFile, 0o600);

    const pid = await tower.start();
    process.kill(pid, "SIGSTOP");
    rmSync(tower.socket);
    const wedged = await tower.run(["ensure-daemon"]);
    process.kill(pid, "SIGCONT");
    expect(wedged.code).toBe(2);
    expect(wedged.stderr).toContain(String(pid));
    process.kill(pid, "SIGKILL");
  });

  for (const [kind, put] of Object.entries({
    file: (path: string) => writeFileSync(path, "mine"),
    directory: (path: string) => mkdirSync(path),
    symlink: (path: string) => symlinkSync("/nowhere/at/all", path),
  })) {
    test(`a ${kind} at the socket path is not removed: exit 2`, async () => {
      await using tower = await createTower();
      await tower.init();
      put(tower.socket);
      const before = lstatSync(tower.socket);
      const { code, stderr } = await tower.run(["ensure-daemon"]);
      expect(code).toBe(2);
      expect(stderr).toContain(`refusing to remove ${kind}`);
      const after = lstatSync(tower.socket);
      expect([after.ino, after.mtimeMs]).toEqual([before.ino, before.mtimeMs]);
      const run = await tower.run(["agenttowerd", "run"]);
      expect(run).toEqual({
        code: 1,
        stdout: "",
        stderr: `error: socket path is not a unix socket: ${tower.socket}: refusing to remove ${kind}\n`,
      });
    });
  }
});

describe("the end", () => {
  for (const how of ["SIGTERM", "SIGINT", "stop-daemon"] as const) {
    test(`${how}: socket and pid gone, exit 0, the next start works`, async () => {
      await using tower = await createTower();
      await tower.init();
      const daemon = tower.foreground(["agenttowerd", "run"]);
      await until(() => existsSync(tower.pidFile), "pid file");
      const began = performance.now();
      if (how === "stop-daemon") {
        const { code, stdout } = await tower.run(["stop-daemon"]);
        expect({ code, stdout }).toEqual({
          code: 0,
          stdout: `agenttowerd stopped: socket=${tower.socket} state=${tower.stateDir}\n`,
        });
      } else daemon.kill(how);
      expect(await daemon.exited).toBe(0);
      expect(performance.now() - began).toBeLessThan(1_000);
      expect(daemon.stdout()).toBe("");
      expect(existsSync(tower.socket) || existsSync(tower.pidFile)).toBe(false);
      const [shutdown] = tower.log("daemon_shutdown");
      expect(shutdown?.fields["trigger"]).toBe(how === "stop-daemon" ? "api" : how.toLowerCase());
      if (how === "stop-daemon") expect(Number(shutdown?.fields["peer_pid"])).toBeGreaterThan(0);
      expect(tower.log("daemon_exited").map((line) => line.fields)).toEqual([{ exit_code: "0" }]);
      expect(await tower.start()).not.toBe(daemon.pid);
    });
  }

  test("an idle daemon is gone within 100 ms", async () => {
    await using tower = await createTower();
    const took: number[] = [];
    for (let round = 0; round < 3; round++) {
      const pid = await tower.start();
      const began = performance.now();
      process.kill(pid, "SIGTERM");
      await until(() => !isAlive(pid), "end of the daemon");
      took.push(performance.now() - began);
    }
    expect(Math.min(...took)).toBeLessThan(100);
  });

  test("a signal during the start unwinds cleanly", async () => {
    await using tower = await createTower();
    await tower.init();
    for (let round = 0; round < 8; round++) {
      const daemon = tower.foreground(["agenttowerd", "run"]);
      await until(() => lockHolder(tower) === daemon.pid, "the lock");
      daemon.kill("SIGTERM");
      expect(await daemon.exited).toBe(0);
      expect(existsSync(tower.socket) || existsSync(tower.pidFile)).toBe(false);
    }
    expect(tower.log("error_fatal")).toEqual([]);
  });

  test("a long wait is answered when the daemon stops, and the listener is gone before it", async () => {
    const dir = temporary("at-hang-");
    const engine = createServer(() => undefined);
    await new Promise<void>((resolve) => engine.listen(join(dir, "engine.sock"), resolve));
    try {
      await using tower = await createTower({ dockerHost: `unix://${dir}/engine.sock` });
      const pid = await tower.start();
      const waiting = await tower.session();
      const idle = await tower.session();
      // This one keeps the daemon busy for as long as it is patient; nobody can make a hanging Engine answer.
      const busy = await tower.connect();
      busy.send('{"method":"scan_containers"}\n');
      await until(() => tower.log("scan_started").length > 0, "a running scan");
      const answer = waiting.call("app.scan.containers", { wait: true });
      await tower.call("ping");

      const began = performance.now();
      process.kill(pid, "SIGTERM");
      await until(() => !existsSync(tower.socket), "listener");
      expect(await idle.call("app.readiness")).toMatchObject({
        ok: false,
        error: { code: "internal_error", details: { reason: "shutting_down" } },
      });
      expect(await idle.call("app.preflight")).toMatchObject({ ok: true, result: { code: "daemon_unavailable" } });
      expect(await idle.raw.call("status")).toMatchObject({ ok: false, error: { code: "daemon_shutting_down" } });
      expect(await answer).toMatchObject({ ok: true, result: { state: "running" } });
      expect(isAlive(pid)).toBe(true);
      await until(() => !isAlive(pid), "end of the daemon");
      expect(performance.now() - began).toBeLessThan(3_000);
      expect(tower.log("daemon_exited").map((line) => line.fields)).toEqual([{ exit_code: "0" }]);
    } finally {
      engine.close();
    }
  });
});

describe("a running daemon", () => {
  test("listens on exactly one Unix socket and no network, and has no BUN_ variable", async () => {
    await using tower = await createTower();
    const pid = await tower.start({ env: { BUN_CONFIG_VERBOSE_FETCH: "1", BUN_ANYTHING: "1" } });
    await tower.call("ping");
    const own = new Set<string>();
    for (const fd of readdirSync(`/proc/${pid}/fd`)) {
      try {
        const inode = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1];
        if (inode) own.add(inode);
      } catch (error) {
        // Closed between the two calls.
        if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
      }
    }
    const table = (name: string) => {
      const path = `/proc/${pid}/net/${name}`;
      return existsSync(path) ? readFileSync(path, "utf8").trim().split("\n").slice(1) : [];
    };
    // Num RefCount Protocol Flags Type St Inode Path; flag 0x10000 = listening.
    const listening = table("unix")
      .map((line) => line.trim().split(/\s+/))
      .filter((words) => own.has(words[6] ?? "") && (Number.parseInt(words[3] ?? "0", 16) & 0x10000) !== 0);
    expect(listening).toHaveLength(1);
    for (const family of ["tcp", "tcp6", "udp", "udp6", "raw", "raw6", "packet"]) {
      const column = family === "packet" ? 8 : 9;
      expect(table(family).filter((line) => own.has(line.trim().split(/\s+/)[column] ?? ""))).toEqual([]);
    }
    const names = readFileSync(`/proc/${pid}/environ`, "utf8")
      .split("\0")
      .map((pair) => pair.split("=")[0] ?? "");
    expect(names).toContain("HOME");
    expect(names.filter((name) => name.startsWith("BUN_"))).toEqual([]);
  });

  test("takes a legacy line of 65,536 bytes, refuses one more, and answers the first of two", async () => {
    await using tower = await createTower();
    await tower.start();
    const padded = (bytes: number) => {
      const line = `{"method":"ping","params":{"pad":""}}\n`;
      return line.replace('""', `"${"x".repeat(bytes - line.length)}"`);
    };
    const ask = async (bytes: string) => {
      const connection = await tower.connect();
      connection.send(bytes);
      return JSON.parse(await connection.line());
    };
    expect(padded(65_536)).toHaveLength(65_536);
    expect(await ask(padded(65_536))).toEqual({ ok: true, result: {} });
    expect(await ask(padded(65_537))).toMatchObject({ ok: false, error: { code: "request_too_large" } });
    expect(await ask('{"method":"ping"}\n{"method":"status"}\n')).toEqual({ ok: true, result: {} });
    expect(await tower.call("ping")).toEqual({ ok: true, result: {} });
  });

  test("answers within 100 ms while 200 clients stall in the middle of a line", async () => {
    await using tower = await createTower();
    await tower.start();
    const stalled = await Promise.all(Array.from({ length: 200 }, () => tower.connect()));
    for (const connection of stalled) connection.send('{"method":"pi');
    const took: number[] = [];
    for (let round = 0; round < 10; round++) {
      const began = performance.now();
      expect(await tower.call("ping")).toEqual({ ok: true, result: {} });
      took.push(performance.now() - began);
    }
    expect(took.sort((a, b) => a - b)[5]).toBeLessThan(100);
  });

  test.if(process.getuid?.() === 0 && Bun.which("setpriv") !== null)(
    "refuses another uid with one log line",
    async () => {
      const alone = temporary("at-uid-");
      chmodSync(alone, 0o755);
      const program = join(alone, "agenttower");
      copyFileSync(await executable(), program);
      chmodSync(program, 0o755);
      await using tower = await createTower();
      await tower.start();
      // The daemon wanted it closed at its start; the door is opened behind its back.
      for (let dir = tower.stateDir; dir.startsWith(tower.dir); dir = join(dir, "..")) chmodSync(dir, 0o755);
      chmodSync(tower.socket, 0o666);
      const foreign = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", program];
      const call = async (method: string) => {
        const child = Bun.spawn([...foreign, "app", "call", method], {
          env: { HOME: alone, AGENTTOWER_SOCKET: tower.socket },
          stdout: "pipe",
        });
        return JSON.parse(await new Response(child.stdout).text());
      };
      expect(await call("ping")).toEqual({
        ok: false,
        error: { code: "internal_error", message: "request refused: peer credential check failed" },
      });
      expect(await call("shutdown")).toMatchObject({ ok: false, error: { code: "internal_error" } });
      expect(await call("app.preflight")).toMatchObject({
        ok: false,
        error: { code: "permission_denied", details: {} },
      });
      const uid = String(process.getuid?.());
      const lines = tower.log("socket_peer_uid_mismatch");
      expect(lines).toHaveLength(3);
      for (const line of lines) {
        expect(line).toMatchObject({ level: "error", fields: { observed_uid: "65534", expected_uid: uid } });
      }
      expect(await tower.call("ping")).toEqual({ ok: true, result: {} });
    },
  );

  test("a socket path and a working directory of 250 bytes", async () => {
    const root = temporary("at-long-");
    const long = (dir: string, bytes: number) => {
      const path = join(dir, "d".repeat(120));
      return join(path, "e".repeat(bytes - path.length - 1));
    };
    const suffix = "/opensoft/agenttower/agenttowerd.sock".length;
    const stateHome = long(root, 250 - suffix);
    const cwd = long(root, 250);
    mkdirSync(stateHome, { recursive: true });
    mkdirSync(cwd, { recursive: true });
    await using tower = await createTower({ env: { XDG_STATE_HOME: stateHome } });
    expect(tower.socket).toHaveLength(250);
    await tower.start({ cwd });
    const status = await tower.json(["status"], { cwd });
    expect(status.result.socket_path).toBe(tower.socket);
    expect((await tower.run(["stop-daemon"], { cwd })).code).toBe(0);
    expect(existsSync(tower.socket)).toBe(false);
  });
});

describe("AGENTTOWER_SOCKET", () => {
  test("each bad value has its own reason; a link to the socket works", async () => {
    await using tower = await createTower();
    await tower.start();
    const at = (name: string) => join(tower.dir, name);
    writeFileSync(at("file"), "");
    symlinkSync(tower.socket, at("link"));
    symlinkSync(at("link"), at("link-to-link"));
    symlinkSync(at("nowhere"), at("dangling"));
    for (const [value, reason] of [
      ["", "value is empty"],
      ["   ", "value is empty"],
      ["relative/agenttowerd.sock", "value is not absolute"],
      [at("missing"), "value does not exist"],
      [at("dangling"), "value does not exist"],
      [at("file"), "value is not a Unix socket"],
      [tower.dir, "value is not a Unix socket"],
      [at("link-to-link"), "value is not a Unix socket"],
    ] as const) {
      for (const words of [["status"], ["status", "--json"], ["ensure-daemon"], ["config", "paths"]]) {
        expect(await tower.run(words, { env: { AGENTTOWER_SOCKET: value } })).toEqual({
          code: 1,
          stdout: "",
          stderr: `error: AGENTTOWER_SOCKET must be an absolute path to a Unix socket: ${reason}\n`,
        });
      }
    }
    const env = { AGENTTOWER_SOCKET: at("link") };
    expect((await tower.run(["status"], { env })).code).toBe(0);
    const paths = await tower.run(["config", "paths"], { env });
    expect(paths.stdout).toContain(`SOCKET=${at("link")}\n`);
    expect(paths.stdout).toContain("SOCKET_SOURCE=env_override\n");
  });

  test("naming the default socket before it exists is no error for ensure-daemon", async () => {
    await using tower = await createTower();
    await tower.init();
    const { code } = await tower.run(["ensure-daemon"], { env: { AGENTTOWER_SOCKET: tower.socket } });
    expect(code).toBe(0);
  });
});

describe("configuration", () => {
  for (const [what, toml] of [
    ["a page size over its limit", "[events]\ndefault_page_size = 51\n"],
    ["an unknown [events] key", "[events]\nbogus = 1\n"],
    ["broken TOML", "[events\n"],
  ] as const) {
    test(`${what}: one line, exit 1, for config paths and run; a running daemon is not hurt`, async () => {
      await using tower = await createTower();
      const pid = await tower.start();
      tower.configure(toml);
      expect((await tower.call("status")).result.pid).toBe(pid);
      if (what === "broken TOML") {
        expect(await tower.call("scan_containers")).toMatchObject({ ok: false, error: { code: "config_invalid" } });
      }
      await tower.stop();
      for (const words of [
        ["config", "paths"],
        ["agenttowerd", "run"],
      ]) {
        const { code, stdout, stderr } = await tower.run(words);
        expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
        expect(stderr).toStartWith(`error: config invalid: ${tower.configFile}: `);
        expect(stderr.trimEnd().split("\n")).toHaveLength(1);
      }
      expect(tower.log("error_fatal").at(-1)?.fields["reason"]).toContain("config invalid");
    });
  }

  test("unknown keys are one warning each; an enabled host bench is one warning at every start, also on stderr", async () => {
    await using tower = await createTower({
      config: "[containers]\nsurprise = 1\n[strange]\na = 1\n[host]\nenabled = true\nsockets = ['at-none']\n",
    });
    await tower.init();
    for (let life = 1; life <= 2; life++) {
      const daemon = tower.foreground(["agenttowerd", "run"]);
      await until(() => existsSync(tower.pidFile), "pid file");
      daemon.kill("SIGTERM");
      expect(await daemon.exited).toBe(0);
      expect(daemon.stdout()).toBe("");
      expect(daemon.stderr()).toContain("host");
      const keys = tower.log("config_warning").map((line) => line.fields["key"]);
      expect(keys.filter((key) => key === "host.enabled")).toHaveLength(life);
      expect(keys.filter((key) => key?.includes("surprise"))).toHaveLength(life);
      expect(keys.filter((key) => key?.includes("strange"))).toHaveLength(life);
    }
    for (const line of tower.log("config_warning")) expect(line.fields["path"]).toBe(tower.configFile);
  });
});

describe("agenttower daemon", () => {
  test("creates what is missing, says it is ready on one line, stops with shutdown; a second one exits 2", async () => {
    await using tower = await createTower();
    const daemon = tower.foreground(["daemon", "--json"]);
    const ready = JSON.parse(await daemon.firstLine());
    const status = (await tower.call("status")).result;
    expect(ready).toEqual({
      ready: true,
      pid: daemon.pid,
      socket_path: tower.socket,
      state_path: tower.stateDir,
      daemon_version: status.daemon_version,
      app_contract_version: "1.0",
    });
    expect(mode(tower.configFile)).toBe("600");
    const second = await tower.run(["daemon", "--json"]);
    expect(second.code).toBe(2);
    expect(second.stderr).toBe("error: another agenttowerd is already running for this state directory\n");
    expect(await tower.call("shutdown")).toEqual({ ok: true, result: { shutting_down: true } });
    expect(await daemon.exited).toBe(0);
    expect(daemon.stdout().trimEnd().split("\n")).toHaveLength(1);
  });

  test("without --json: stdout empty, one line on stderr", async () => {
    await using tower = await createTower();
    const daemon = tower.foreground(["daemon"]);
    await until(() => daemon.stderr().includes("\n"), "the line for people");
    daemon.kill("SIGINT");
    expect(await daemon.exited).toBe(0);
    expect(daemon.stdout()).toBe("");
    expect(daemon.stderr().trimEnd().split("\n")).toHaveLength(1);
  });

  test("--exit-with-parent: ends when its standard input closes", async () => {
    await using tower = await createTower();
    const daemon = tower.foreground(["daemon", "--json", "--exit-with-parent"]);
    await daemon.firstLine();
    daemon.closeInput();
    expect(await daemon.exited).toBe(0);
    expect(tower.log("daemon_shutdown").map((line) => line.fields)).toEqual([{ trigger: "parent_gone" }]);
    expect(existsSync(tower.socket)).toBe(false);
  });

  test("--exit-with-parent: ends when its parent dies and somebody else keeps its input open", async () => {
    await using tower = await createTower();
    const fifo = join(tower.dir, "input");
    await Bun.$`mkfifo ${fifo}`.quiet();
    const keeper = Bun.spawn(["sh", "-c", `exec 3<>${fifo}; exec sleep 60`]);
    const parent = Bun.spawn(["sh", "-c", `${tower.bin}/agenttower daemon --exit-with-parent <${fifo} & wait`], {
      env: tower.env,
      cwd: tower.dir,
    });
    try {
      await until(() => existsSync(tower.pidFile), "pid file");
      const pid = Number(readFileSync(tower.pidFile, "utf8"));
      parent.kill("SIGKILL");
      await until(() => !isAlive(pid), "end of the daemon");
      expect(tower.log("daemon_shutdown").map((line) => line.fields)).toEqual([{ trigger: "parent_gone" }]);
    } finally {
      keeper.kill("SIGKILL");
    }
  });

  test("start, status, restart, logs, stop", async () => {
    await using tower = await createTower();
    const started = await tower.json(["daemon", "start"]);
    expect(started).toMatchObject({ ok: true, started: true, socket_path: tower.socket });
    expect(await tower.json(["daemon", "start"])).toMatchObject({ started: false, pid: started.pid });
    expect((await tower.json(["daemon", "status"])).result.pid).toBe(started.pid);
    for (let round = 0; round < 5; round++) {
      const before = (await tower.call("status")).result.pid;
      const restarted = await tower.json(["daemon", "restart"]);
      expect(restarted).toMatchObject({ ok: true, started: true });
      expect(restarted.pid).not.toBe(before);
    }
    const logs = await tower.run(["daemon", "logs", "-n", "2"]);
    expect(logs.stdout.trimEnd().split("\n")).toHaveLength(2);
    expect(logs.stdout).toContain("event=daemon_ready");
    expect((await tower.run(["daemon", "stop"])).code).toBe(0);
    expect((await tower.run(["daemon", "stop"])).code).toBe(2);
  });
});

describe("wherever it is started", () => {
  test("a hostile bunfig.toml and .env in the folder change nothing", async () => {
    await using tower = await createTower();
    const folder = join(tower.dir, "hostile");
    const marker = join(tower.dir, "preloaded");
    mkdirSync(folder);
    writeFileSync(join(folder, "evil.ts"), `require("node:fs").writeFileSync(${JSON.stringify(marker)}, "");`);
    writeFileSync(join(folder, "bunfig.toml"), 'preload = ["./evil.ts"]\n[run]\npreload = ["./evil.ts"]\n');
    const evil = `HOME=${folder}\nXDG_STATE_HOME=${folder}\nAGENTTOWER_SOCKET=/nowhere\nNO_COLOR=1\n`;
    for (const name of [".env", ".env.local", ".env.production", ".env.development"])
      writeFileSync(join(folder, name), evil);
    const before = everything(folder);
    const cwd = folder;
    expect((await tower.run(["--version"], { cwd })).code).toBe(0);
    expect((await tower.run(["config", "init"], { cwd })).stdout).toContain(tower.database);
    await tower.start({ cwd });
    expect((await tower.json(["status"], { cwd })).result.state_path).toBe(tower.stateDir);
    await tower.run(["scan", "--containers"], { cwd });
    const daemon = (await tower.run(["agenttowerd", "run"], { cwd })).code;
    expect(daemon).toBe(2);
    expect(existsSync(marker)).toBe(false);
    expect(everything(folder)).toEqual(before);
  });

  test("copied alone to an empty folder it does all its work", async () => {
    const folder = temporary("at-alone-");
    const program = join(folder, "agenttower");
    copyFileSync(await executable(), program);
    chmodSync(program, 0o755);
    await using tower = await createTower({ program });
    const cwd = folder;
    expect((await tower.run(["--help"], { cwd })).code).toBe(0);
    await tower.start({ cwd });
    // The Engine client is loaded only now; a missing part would be an internal error.
    expect(await tower.call("scan_containers")).toMatchObject({ ok: false, error: { code: "docker_unavailable" } });
    const line = await tower.run(["app", "call", "app.dashboard"], { cwd });
    expect(line.code).toBe(0);
    expect(JSON.parse(line.stdout)).toMatchObject({ ok: true, result: { counts: { containers: { active: 0 } } } });
    expect((await tower.run(["stop-daemon"], { cwd })).code).toBe(0);
    expect(readdirSync(folder)).toEqual(["agenttower"]);
  });

  test("AGENTTOWER_TEST_ variables change nothing", async () => {
    await using tower = await createTower();
    const env = {
      AGENTTOWER_TEST_DOCKER_FAKE: "/dev/null",
      AGENTTOWER_TEST_TMUX_FAKE: "/dev/null",
      AGENTTOWER_TEST_FORCE_HOST_PEER: "1",
      AGENTTOWER_TEST_NOW: "2000-01-01T00:00:00.000000+00:00",
      AGENTTOWER_TEST_PROC_ROOT: "/nonexistent",
    };
    await tower.start({ env });
    const status = await tower.json(["status"], { env });
    expect(Math.abs(Date.parse(status.result.start_time_utc) - Date.now())).toBeLessThan(60_000);
    expect(await tower.call("scan_containers")).toMatchObject({ ok: false, error: { code: "docker_unavailable" } });
  });
});
