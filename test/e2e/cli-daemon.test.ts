/** `agenttower daemon` and what belongs to it (00 §2): the outputs; the daemon's life itself is in daemon-life.test.ts. */
import { describe, expect, test } from "bun:test";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { createTower, type Tower } from "./tower.ts";

const QUIET = "[containers]\nscan_interval_seconds = 0\n";
/** Size at which the daemon log is rotated (01 §17). */
const ROTATE_BYTES = 10 * 1024 * 1024;

const versionOf = async (tower: Tower): Promise<string> =>
  (await tower.run(["--version"])).stdout.trim().replace("agenttower ", "");

describe("in the foreground", () => {
  test("--json: exactly one line once ready, on an empty home; a second one exits 2; shutdown ends it", async () => {
    await using tower = await createTower();
    const daemon = tower.foreground(["daemon", "--json"]);
    const line = JSON.parse(await daemon.firstLine());
    expect(Object.keys(line)).toEqual([
      "ready",
      "pid",
      "socket_path",
      "state_path",
      "daemon_version",
      "app_contract_version",
    ]);
    expect(line).toEqual({
      ready: true,
      pid: daemon.pid,
      socket_path: tower.socket,
      state_path: tower.stateDir,
      daemon_version: await versionOf(tower),
      app_contract_version: "1.0",
    });
    // Ready means ready.
    expect(await tower.call("ping")).toEqual({ ok: true, result: {} });
    expect(existsSync(tower.configFile)).toBe(true);

    for (const words of [["daemon"], ["daemon", "--json"], ["agenttowerd", "run"]]) {
      const second = await tower.run(words);
      expect({ words, code: second.code, stdout: second.stdout }).toEqual({ words, code: 2, stdout: "" });
      expect(second.stderr).toBe("error: another agenttowerd is already running for this state directory\n");
    }
    expect((await tower.call("status")).result.pid).toBe(daemon.pid);
    await tower.call("shutdown");
    expect(await daemon.exited).toBe(0);
    expect(daemon.stdout().trimEnd()).not.toContain("\n");
    expect(readdirSync(tower.stateDir)).not.toContain("agenttowerd.sock");
  });

  test("without --json stdout stays empty, one line for people on stderr", async () => {
    await using tower = await createTower();
    const daemon = tower.foreground(["daemon"]);
    await tower.until(() => daemon.stderr().includes("\n"), "the line");
    daemon.kill("SIGTERM");
    expect(await daemon.exited).toBe(0);
    expect(daemon.stdout()).toBe("");
    expect(daemon.stderr().trimEnd().split("\n")).toHaveLength(1);
  });

  test("--exit-with-parent: the end of standard input is a clean stop; without it, it is nothing", async () => {
    await using tower = await createTower();
    const owned = tower.foreground(["daemon", "--json", "--exit-with-parent"]);
    await owned.firstLine();
    owned.closeInput();
    expect(await owned.exited).toBe(0);
    expect(existsSync(tower.socket)).toBe(false);
    expect(tower.log("daemon_shutdown").map((line) => line.fields["trigger"])).toEqual(["parent_gone"]);

    const free = tower.foreground(["daemon", "--json"]);
    await free.firstLine();
    free.closeInput();
    expect((await tower.call("status")).result.pid).toBe(free.pid);
    free.kill("SIGINT");
    expect(await free.exited).toBe(0);
  });

  test("lives on when nobody reads its output any more, and stops as ever", async () => {
    await using tower = await createTower({ config: QUIET });
    const { env } = tower;
    const daemon = Bun.spawn([join(tower.bin, "agenttower"), "daemon", "--json"], {
      env,
      stdout: "pipe",
      stderr: "pipe",
    });
    try {
      await Promise.all([daemon.stdout.cancel(), daemon.stderr.cancel()]);
      await tower.until(async () => (await tower.call("ping")).ok, "the answer");
      // A log that cannot be written is told on standard error.
      const log = join(tower.logsDir, "agenttowerd.log");
      renameSync(log, `${log}.away`);
      mkdirSync(log);
      expect((await tower.call("scan_panes")).ok).toBe(false);
      rmdirSync(log);
      renameSync(`${log}.away`, log);
      expect((await tower.call("status")).result.pid).toBe(daemon.pid);
      await tower.call("shutdown");
      expect(await daemon.exited).toBe(0);
      expect(existsSync(tower.socket)).toBe(false);
      expect(tower.log("daemon_exited").map((line) => line.fields["exit_code"])).toEqual(["0"]);
    } finally {
      daemon.kill("SIGKILL");
    }
  });

  test("a configuration that cannot be: one line, exit 1", async () => {
    await using tower = await createTower({ config: "[events]\nbogus = 1\n" });
    tower.configure("[events]\nbogus = 1\n");
    const { code, stdout, stderr } = await tower.run(["daemon", "--json"]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toStartWith(`error: config invalid: ${tower.configFile}: `);
    expect(stderr.trimEnd().split("\n")).toHaveLength(1);
  });
});

describe("in the background", () => {
  test("start creates what is missing and is idempotent; stop and status speak as the older commands", async () => {
    await using tower = await createTower();
    const first = await tower.run(["daemon", "start"]);
    const pid = tower.daemonPid();
    expect(first).toEqual({
      code: 0,
      stdout: `agenttowerd ready: pid=${pid} socket=${tower.socket} state=${tower.stateDir}\n`,
      stderr: "",
    });
    expect(existsSync(tower.configFile)).toBe(true);
    const answer = { ok: true, pid, socket_path: tower.socket, state_path: tower.stateDir };
    expect(await tower.json(["daemon", "start"])).toEqual({ ...answer, started: false });
    expect(await tower.json(["ensure-daemon"])).toEqual({ ...answer, started: false });

    const newer = await tower.run(["daemon", "status"]);
    const older = await tower.run(["status"]);
    const steady = (text: string) => text.replace(/uptime_seconds=\d+/, "uptime_seconds=N");
    expect(steady(newer.stdout)).toBe(steady(older.stdout));
    expect(Object.keys((await tower.json(["daemon", "status"])).result)).toHaveLength(12);

    expect(await tower.run(["daemon", "stop"])).toEqual({
      code: 0,
      stdout: `agenttowerd stopped: socket=${tower.socket} state=${tower.stateDir}\n`,
      stderr: "",
    });
    const again = await tower.run(["daemon", "start", "--json"]);
    expect(JSON.parse(again.stdout)).toMatchObject({ ok: true, started: true });
    expect(await tower.json(["daemon", "stop"])).toEqual({
      ok: true,
      stopped: true,
      socket_path: tower.socket,
      state_path: tower.stateDir,
    });
  });

  test("five starts at once on an empty home: one daemon, all exit 0", async () => {
    await using tower = await createTower();
    const all = await Promise.all(Array.from({ length: 5 }, () => tower.json(["daemon", "start"])));
    expect(new Set(all.map(({ pid }) => pid))).toEqual(new Set([tower.daemonPid()]));
    expect(all.filter(({ started }) => started)).toHaveLength(1);
  });

  test("restart: one that runs is replaced, where none runs one is started; it prints as start", async () => {
    await using tower = await createTower();
    const first = await tower.json(["daemon", "restart"]);
    expect(first).toEqual({
      ok: true,
      started: true,
      pid: tower.daemonPid(),
      socket_path: tower.socket,
      state_path: tower.stateDir,
    });
    const { code, stdout } = await tower.run(["daemon", "restart"]);
    const pid = tower.daemonPid();
    expect(code).toBe(0);
    expect(stdout).toBe(`agenttowerd ready: pid=${pid} socket=${tower.socket} state=${tower.stateDir}\n`);
    expect(pid).not.toBe(first.pid);
    // After a crash as well.
    process.kill(pid ?? 0, "SIGKILL");
    await tower.until(() => tower.daemonPid() === null, "end of the daemon");
    expect((await tower.json(["daemon", "restart"])).started).toBe(true);
  });
});

describe("logs", () => {
  /** Lines as an earlier life would have written them. */
  const oldLine = (n: number) => `2026-01-01T00:00:00.000000+00:00\tlevel=info\tevent=scan_started\tscan_id=old-${n}\n`;
  const ids = (text: string) => [...text.matchAll(/scan_id=(\S+)/g)].map(([, id]) => id);

  function writeLog(tower: Tower, text: string): void {
    mkdirSync(tower.logsDir, { recursive: true, mode: 0o700 });
    writeFileSync(tower.logFile, text, { mode: 0o600 });
  }

  test("no log: exit 1, one line with the path", async () => {
    await using tower = await createTower();
    for (const words of [
      ["daemon", "logs"],
      ["daemon", "logs", "-f"],
    ]) {
      const { code, stdout, stderr } = await tower.run(words);
      expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
      expect(stderr).toMatch(/^error: [^\n]*\n$/);
      expect(stderr).toContain(tower.logFile);
    }
  });

  test("the last 100 lines, or N; without a daemon too; nothing raw", async () => {
    await using tower = await createTower();
    await tower.init();
    const lines = Array.from({ length: 250 }, (_, index) => oldLine(index));
    writeLog(tower, `${lines.join("")}odd \u001b[2J\u0007 end\n`);
    const all = (await tower.run(["daemon", "logs"])).stdout.split("\n");
    expect(all).toHaveLength(101);
    expect(all[0]).toBe(oldLine(151).trimEnd());
    expect(all[99]).toBe("odd [2J end");
    expect((await tower.run(["daemon", "logs", "-n", "2"])).stdout).toBe(`${oldLine(249)}odd [2J end\n`);
    expect((await tower.run(["daemon", "logs", "-n0"])).stdout).toBe("");
    expect((await tower.run(["daemon", "logs", "--lines=1000"])).stdout.trimEnd().split("\n")).toHaveLength(251);
  });

  test("-f goes on with what is written, and ends with Ctrl-C, exit 0", async () => {
    await using tower = await createTower({ config: QUIET });
    await tower.start();
    const follower = tower.foreground(["daemon", "logs", "-f", "-n", "1"]);
    expect(await follower.firstLine()).toContain("event=daemon_ready");
    await tower.call("scan_containers");
    await tower.until(() => follower.stdout().includes("event=scan_completed"), "the new lines");
    follower.kill("SIGINT");
    expect(await follower.exited).toBe(0);
    expect(ids(follower.stdout())).toHaveLength(2);
  });

  test("-f across the rotation: no line lost, none twice, also when many came between two looks", async () => {
    await using tower = await createTower({ config: QUIET });
    await tower.init();
    // Room for the lines of the start and of one scan, not of the next.
    const filler = oldLine(0);
    writeLog(tower, filler.repeat(Math.floor((ROTATE_BYTES - 1500) / filler.length)));
    await tower.start();
    const follower = tower.foreground(["daemon", "logs", "-f", "-n", "1"]);
    expect(await follower.firstLine()).toContain("event=daemon_ready");
    follower.kill("SIGSTOP");
    const rotated = `${tower.logFile}.1`;
    for (let round = 0; round < 50 && !existsSync(rotated); round++) await tower.call("scan_containers");
    expect(existsSync(rotated)).toBe(true);
    await tower.call("scan_containers");
    follower.kill("SIGCONT");
    const written = [rotated, tower.logFile]
      .flatMap((file) => ids(readFileSync(file, "utf8")))
      .filter((id) => !id?.startsWith("old-"));
    expect(written.length).toBeGreaterThan(4);
    await tower.until(() => follower.stdout().includes(`${written.at(-1)}\tstatus=`), "the last line");
    expect(ids(follower.stdout())).toEqual(written);

    // And on, in the new file.
    await tower.call("scan_containers");
    await tower.until(() => ids(follower.stdout()).length === written.length + 2, "what came after");
    expect(statSync(rotated).mode & 0o777).toBe(0o600);
    follower.kill("SIGINT");
    expect(await follower.exited).toBe(0);
  });

  test("-f outlives a log that was taken away and begun anew", async () => {
    await using tower = await createTower({ config: QUIET });
    await tower.start();
    const follower = tower.foreground(["daemon", "logs", "-f"]);
    await follower.firstLine();
    unlinkSync(tower.logFile);
    await tower.call("scan_containers");
    await tower.until(() => follower.stdout().includes("event=scan_completed"), "lines of the new file");
    follower.kill("SIGINT");
    expect(await follower.exited).toBe(0);
  });
});
