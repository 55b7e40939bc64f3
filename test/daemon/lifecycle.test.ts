import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../src/base/clock.ts";
import type { DaemonFiles } from "../../src/daemon/artifacts.ts";
import { type LifecycleDeps, type LifecycleLog, runLifecycle } from "../../src/daemon/lifecycle.ts";
import { tryLock } from "../../src/daemon/lock.ts";
import { stopRequest } from "../../src/daemon/stop-request.ts";

let dir = "";
let files: DaemonFiles;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "at-life-"));
  const stateDir = join(dir, "state");
  mkdirSync(join(stateDir, "logs"), { recursive: true });
  chmodSync(stateDir, 0o700);
  chmodSync(join(stateDir, "logs"), 0o700);
  files = {
    stateDir,
    logsDir: join(stateDir, "logs"),
    lock: join(stateDir, "agenttowerd.lock"),
    pid: join(stateDir, "agenttowerd.pid"),
    socket: join(stateDir, "agenttowerd.sock"),
    log: join(stateDir, "logs/agenttowerd.log"),
  };
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

/** The lock can be had again. */
function lockIsFree(): boolean {
  const attempt = tryLock(files.lock);
  if (attempt.held) attempt.release();
  return attempt.held;
}

/** What happened, in order: log events and the steps of a daemon whose only service is a real socket. */
function daemon(change: Partial<LifecycleDeps<LifecycleLog, "base">> & { at?: (step: string) => void } = {}) {
  const happened: string[] = [];
  const complaints: string[] = [];
  const stop = stopRequest();
  const server = createServer((socket) => socket.end());
  const step = (name: string) => {
    happened.push(name);
    change.at?.(name);
  };
  const deps: LifecycleDeps<LifecycleLog, "base"> = {
    files,
    clock: systemClock(),
    pid: process.pid,
    stop,
    precheck: () => step("precheck"),
    openLog: () => ({
      write: (event, fields) => {
        const detail = fields["reason"] ?? fields["trigger"] ?? fields["exit_code"] ?? "";
        happened.push(`${event} ${detail}`.trim());
      },
      close: () => step("log closed"),
    }),
    openBase: () => {
      step("base");
      return "base";
    },
    closeBase: () => step("base closed"),
    build: async () => {
      step("built");
      return {
        serve: async () => {
          await new Promise<void>((resolve, reject) => {
            server.once("error", reject);
            server.listen(files.socket, resolve);
          });
          step("bound");
        },
        stopServing: async () => {
          server.close();
          step("unbound");
        },
        close: async () => step("workers ended"),
      };
    },
    ready: () => step("ready"),
    complain: (line) => complaints.push(line),
    ...change,
  };
  return { run: () => runLifecycle(deps), happened, complaints, stop };
}

const START = ["precheck", "base", "daemon_starting", "built", "bound", "daemon_ready", "ready"];

test("starts and stops in order, and leaves only the lock file", async () => {
  const it = daemon({
    at: (step) => {
      if (step !== "ready") return;
      expect(readFileSync(files.pid, "utf8")).toBe(`${process.pid}\n`);
      expect(statSync(files.pid).mode & 0o7777).toBe(0o600);
      expect(lockIsFree()).toBe(false);
      it.stop.request({ trigger: "sigterm" });
      it.stop.request({ trigger: "api", peer_pid: 7 });
    },
  });
  expect(await it.run()).toBe(0);
  expect(it.happened).toEqual([
    ...START,
    "daemon_shutdown sigterm",
    "unbound",
    "workers ended",
    "base closed",
    "daemon_exited 0",
    "log closed",
  ]);
  expect(existsSync(files.pid)).toBe(false);
  expect(existsSync(files.socket)).toBe(false);
  expect(lockIsFree()).toBe(true);
});

describe("a stop that comes during the start unwinds what is there", () => {
  for (const moment of ["precheck", "base", "built", "bound"]) {
    test(`after ${moment}`, async () => {
      const it = daemon({
        at: (step) => {
          if (step === moment) it.stop.request({ trigger: "sigint" });
        },
      });
      expect(await it.run()).toBe(0);
      expect(it.happened).not.toContain("daemon_ready");
      if (it.happened.includes("built")) expect(it.happened).toContain("workers ended");
      if (it.happened.includes("base"))
        expect(it.happened.slice(-3)).toEqual(["base closed", "daemon_exited 0", "log closed"]);
      expect(existsSync(files.socket) || existsSync(files.pid)).toBe(false);
      expect(lockIsFree()).toBe(true);
      expect(it.complaints).toEqual([]);
    });
  }
});

test("a part that fails to stop does not keep the others up, and the exit code says so", async () => {
  const it = daemon({
    at: (step) => {
      if (step === "ready") it.stop.request({ trigger: "sigterm" });
      if (step === "workers ended") throw new Error("stuck");
    },
  });
  expect(await it.run()).toBe(1);
  expect(it.happened).toContain("base closed");
  expect(it.happened).toContain("daemon_exited 1");
  expect(lockIsFree()).toBe(true);
});

test("leftovers of a killed daemon are removed, one line each", async () => {
  const child = Bun.spawn(
    [
      process.execPath,
      "-e",
      `require("net").createServer().listen(${JSON.stringify(files.socket)}, () => console.log(1))`,
    ],
    { stdout: "pipe" },
  );
  await child.stdout.getReader().read();
  child.kill("SIGKILL");
  await child.exited;
  writeFileSync(files.pid, "999999\n", { mode: 0o600 });
  const it = daemon({ at: (step) => step === "ready" && it.stop.request({ trigger: "sigterm" }) });
  expect(await it.run()).toBe(0);
  expect(it.happened.filter((line) => line.startsWith("daemon_recovering"))).toEqual([
    "daemon_recovering stale_socket",
    "daemon_recovering stale_pid",
  ]);
});

describe("what is at the socket path but no socket is never removed", () => {
  const put: Record<string, () => void> = {
    file: () => writeFileSync(files.socket, "mine"),
    directory: () => mkdirSync(files.socket),
    symlink: () => symlinkSync("/nowhere/at/all", files.socket),
    FIFO: () => void Bun.spawnSync(["mkfifo", files.socket]),
  };
  for (const [kind, make] of Object.entries(put)) {
    test(kind, async () => {
      make();
      const it = daemon();
      expect(await it.run()).toBe(1);
      const line = `socket path is not a unix socket: ${files.socket}: refusing to remove ${kind}`;
      expect(it.complaints).toEqual([line]);
      expect(it.happened).toContain(`error_fatal ${line}`);
      expect(it.happened).not.toContain("built");
      rmSync(files.socket, { recursive: true });
    });
  }
});

test("unsafe paths are refused before anything is opened, and stay as they are", async () => {
  const refused = async (): Promise<string | undefined> => {
    const it = daemon();
    expect(await it.run()).toBe(1);
    expect(it.happened).toEqual(["precheck"]);
    return it.complaints[0];
  };
  chmodSync(files.stateDir, 0o755);
  expect(await refused()).toBe(`unsafe path ${files.stateDir}: mode is 0755, must be 0700`);
  expect(statSync(files.stateDir).mode & 0o7777).toBe(0o755);
  chmodSync(files.stateDir, 0o700);
  for (const path of [files.lock, files.pid, files.log]) {
    writeFileSync(path, "");
    chmodSync(path, 0o640);
    expect(await refused()).toBe(`unsafe path ${path}: mode is 0640, must be 0600`);
    rmSync(path);
    symlinkSync("/dev/null", path);
    expect(await refused()).toBe(`unsafe path ${path}: is a symlink, must be a file`);
    rmSync(path);
  }
  const real = join(dir, "elsewhere");
  mkdirSync(real, { mode: 0o700 });
  rmSync(files.logsDir, { recursive: true });
  symlinkSync(real, files.logsDir);
  expect(await refused()).toBe(`unsafe path ${files.logsDir}: is a symlink, must be a directory`);
});

test("a lock that is held is exit 2 and writes nothing; one held for an instant is waited for", async () => {
  const lock = tryLock(files.lock);
  const second = daemon();
  expect(await second.run()).toBe(2);
  expect(second.complaints).toEqual(["another agenttowerd is already running for this state directory"]);
  expect(second.happened).toEqual(["precheck"]);

  const third = daemon({ at: (step) => step === "ready" && third.stop.request({ trigger: "sigterm" }) });
  const running = third.run();
  if (lock.held) lock.release();
  expect(await running).toBe(0);
});

test("whatever a part throws before ready is one line and exit 1, and nothing stays behind", async () => {
  for (const moment of ["base", "built", "bound"]) {
    const it = daemon({
      at: (step) => {
        if (step === moment) throw new Error("first line\nsecond line");
      },
    });
    expect(await it.run()).toBe(1);
    expect(it.complaints).toHaveLength(1);
    expect(it.complaints[0]).toContain("first line second line");
    expect(it.happened.some((line) => line.startsWith("error_fatal"))).toBe(true);
    expect(existsSync(files.socket) || existsSync(files.pid)).toBe(false);
    expect(lockIsFree()).toBe(true);
  }
});
