/** Acceptance checks 16–38 of 02 §15: real containers, real tmux servers, the compiled executable. */

import { Database } from "bun:sqlite";
import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestBench, testEngine } from "../support/engine.ts";
import { createFaultyEngine } from "../support/faulty-engine.ts";
import { createTower, type Envelope, type Tower } from "./tower.ts";

const engine = await testEngine();
const manual = "[containers]\nscan_interval_seconds = 0\n";

beforeEach(() => engine.clear());
afterAll(() => engine.clear());

/** A tower that knows the containers that run now. */
async function towerOn(dockerHost = engine.dockerHost): Promise<Tower> {
  const tower = await createTower({ dockerHost, config: manual });
  await tower.start();
  await tower.json(["scan", "--containers"]);
  return tower;
}

async function scanPanes(tower: Tower, container: string | null = null): Promise<Envelope> {
  const answer = await tower.call("scan_panes", { container });
  if (!answer.ok) throw new Error(JSON.stringify(answer));
  return answer.result;
}

const panes = (tower: Tower): Envelope[] =>
  tower.rows(
    "SELECT * FROM panes ORDER BY container_name, tmux_socket_path, tmux_session_name, tmux_pane_index, tmux_pane_id",
  );
const active = (tower: Tower): Envelope[] => panes(tower).filter((row) => row.active === 1);
const scans = (tower: Tower): Envelope[] => tower.rows("SELECT * FROM pane_scans ORDER BY started_at");
const sockets = async (bench: TestBench, user: string, ...names: string[]): Promise<string[]> => {
  const uid = (await bench.must(["id", "-u"], { user })).trim();
  return names.map((name) => `/tmp/tmux-${uid}/${name}`);
};

test("16: three panes, then nothing new", async () => {
  await using bench = await engine.bench({ name: "py-bench" });
  await bench.pane("main");
  await bench.tmux(["split-window", "-t", "main", "sh"]);
  await bench.tmux(["split-window", "-t", "main", "sh"]);
  await using tower = await towerOn();
  const { code, stdout, stderr } = await tower.run(["scan", "--panes"]);
  expect([code, stderr]).toEqual([0, ""]);
  expect(stdout.split("\n").map((line) => line.split("=")[0])).toEqual([
    "scan_id",
    "status",
    "containers_scanned",
    "sockets_scanned",
    "panes_seen",
    "panes_newly_active",
    "panes_reconciled_inactive",
    "containers_skipped_inactive",
    "containers_tmux_unavailable",
    "duration_ms",
    "",
  ]);
  expect(stdout).toContain("panes_seen=3\npanes_newly_active=3\n");
  expect((await tower.run(["scan", "--panes"])).stdout).toContain("panes_newly_active=0\n");
  expect(scans(tower)).toHaveLength(2);
  expect(panes(tower)).toHaveLength(3);
});

test("17: two servers; a third one that a foreign exec starts while links are open is seen", async () => {
  await using bench = await engine.bench({ name: "py-bench", user: "dev" });
  await bench.pane("one");
  await bench.tmux(["split-window", "-t", "one", "sh"]);
  await bench.tmux(["split-window", "-t", "one", "sh"]);
  await bench.pane("two", { socket: "work" });
  await bench.tmux(["split-window", "-t", "two", "sh"], { socket: "work" });
  await using tower = await towerOn();
  const first = await scanPanes(tower);
  expect(first).toMatchObject({ status: "ok", sockets_scanned: 2, panes_seen: 5 });
  const [main, work, late] = await sockets(bench, "dev", "default", "work", "late");
  expect(active(tower).map((row) => row.tmux_socket_path)).toEqual([main, main, main, work, work]);
  expect(active(tower)[0]).toMatchObject({
    container_user: "dev",
    tmux_pane_id: "%0",
    pane_active: expect.any(Number),
  });

  await scanPanes(tower);
  await bench.pane("three", { socket: "late" });
  const third = await scanPanes(tower);
  expect(third).toMatchObject({ status: "ok", sockets_scanned: 3, panes_seen: 6, panes_newly_active: 1 });
  expect(active(tower).map((row) => row.tmux_socket_path)).toContain(late);
});

test("18: one pane killed goes inactive, with its agent and its log attachment, and one line says so", async () => {
  await using bench = await engine.bench({ name: "py-bench" });
  await bench.pane("main");
  const doomed = (await bench.tmux(["split-window", "-t", "main", "-P", "-F", "#{pane_id}", "sh"])).trim();
  await using tower = await towerOn();
  await scanPanes(tower);
  await tower.stop();
  const pane = panes(tower).find((row) => row.tmux_pane_id === doomed);
  withAgent(tower, pane);
  await tower.start();
  await bench.tmux(["kill-pane", "-t", doomed]);
  const scan = await scanPanes(tower);
  expect(scan).toMatchObject({ status: "ok", panes_reconciled_to_inactive: 1, panes_seen: 1 });
  expect(active(tower).map((row) => row.tmux_pane_id)).toEqual(["%0"]);
  expect(tower.rows("SELECT active FROM agents")).toEqual([{ active: 0 }]);
  expect(tower.rows("SELECT status, last_status_at FROM log_attachments")).toEqual([
    { status: "stale", last_status_at: scan.started_at },
  ]);
  expect(tower.events()).toMatchObject([
    { type: "log_attachment_change", payload: { prior_status: "active", new_status: "stale" } },
  ]);
});

test("19: a server that is gone but left its socket: kept once, inactive the second time", async () => {
  await using bench = await engine.bench({ name: "py-bench" });
  await bench.pane("main");
  await bench.pane("two", { socket: "work" });
  await using tower = await towerOn();
  await scanPanes(tower);
  await bench.tmux(["kill-server"], { socket: "work" });
  const [work] = await sockets(bench, "root", "work");
  if ((await bench.exec(["test", "-S", work as string])).exitCode !== 0) {
    // This tmux takes its socket along; a socket nobody listens on stands in for the one others leave behind.
    await bench.must([
      "sh",
      "-c",
      `cp -a /tmp/tmux-0/default /tmp/none 2>/dev/null; tmux -f /dev/null -L work new-session -d; kill -9 $(tmux -L work display-message -p '#{pid}')`,
    ]);
  }
  const first = await tower.run(["scan", "--panes", "--json"]);
  expect(first.code).toBe(5);
  const { result } = JSON.parse(first.stdout);
  expect(result.error_details).toMatchObject([{ error_code: "tmux_no_server", tmux_socket_path: work }]);
  expect(active(tower)).toHaveLength(2);
  expect(active(tower).map((row) => row.last_scanned_at)).toEqual([result.started_at, result.started_at]);

  // The second look counts once it is at least 5 s after the first (02 §14).
  const later = await tower.until(
    async () => {
      const scan = await scanPanes(tower);
      return scan.status === "ok" && scan;
    },
    "the dead server's panes to go",
    15_000,
  );
  expect(Date.parse(later.started_at) - Date.parse(result.started_at)).toBeGreaterThanOrEqual(5000);
  expect(active(tower).map((row) => row.tmux_session_name)).toEqual(["main"]);
}, 30_000);

test("20: all servers gone and the directory empty: all panes inactive, healthy", async () => {
  await using bench = await engine.bench({ name: "py-bench" });
  await bench.pane("main");
  await using tower = await towerOn();
  await scanPanes(tower);
  await bench.tmux(["kill-server"]);
  await bench.must(["sh", "-c", "rm -f /tmp/tmux-0/*"]);
  const scan = await tower.until(async () => {
    const result = await scanPanes(tower);
    return result.panes_reconciled_to_inactive === 1 && result;
  });
  expect(scan.status).toBe("ok");
  expect(active(tower)).toEqual([]);
});

describe("21 and 22: what a container lacks", () => {
  test("no tmux in the image, a socket file there: tmux_unavailable", async () => {
    // Their directory is one of ours, so that a real socket can be put there.
    const dir = mkdtempSync(join(tmpdir(), "at-sockets-"));
    using _socket = Bun.listen({ unix: join(dir, "default"), socket: { data: (client) => void client.end() } });
    await using _bench = await engine.bench({ name: "py-bench", image: "no-tmux", mounts: [`${dir}:/tmp/tmux-0`] });
    await using tower = await towerOn();
    const { code, stdout } = await tower.run(["scan", "--panes", "--json"]);
    expect(code).toBe(5);
    expect(JSON.parse(stdout).result).toMatchObject({ error_code: "tmux_unavailable", containers_tmux_unavailable: 1 });
    expect((await tower.run(["status"])).code).toBe(0);
  });

  test("no directory, one that cannot be read, a user the image lacks, and root at last", async () => {
    await using none = await engine.bench({ name: "a-bench" });
    await using closed = await engine.bench({ name: "b-bench", user: "dev" });
    await using stranger = await engine.bench({ name: "c-bench" });
    await closed.must(["sh", "-c", "mkdir /tmp/tmux-1000 && chmod 000 /tmp/tmux-1000 && chown 0:0 /tmp/tmux-1000"], {
      user: "root",
    });
    await stranger.pane("main", { user: "root" });
    await using tower = await towerOn();
    const scan = await scanPanes(tower);
    expect(codes(scan)).toEqual({ [none.id]: "socket_dir_missing", [closed.id]: "socket_unreadable" });
    // The tower's own user is not in the image: root is tried last.
    expect(active(tower)).toMatchObject([{ container_name: "c-bench", container_user: "root" }]);
  });

  test("a configured user that the image lacks is docker_exec_failed", async () => {
    await using proxy = await createFaultyEngine(engine.socketPath);
    await using bench = await engine.bench({ name: "py-bench" });
    await using tower = await towerOn(proxy.dockerHost);
    await tower.stop();
    const database = new Database(tower.database);
    database.run("UPDATE containers SET config_user = 'brett'");
    database.close();
    await tower.start();
    const scan = await scanPanes(tower);
    expect(codes(scan)).toEqual({ [bench.id]: "docker_exec_failed" });
    expect(scan.error_message).toContain("brett");
  });
});

test("23: what is no socket of that user is left out without an error", async () => {
  await using bench = await engine.bench({ name: "py-bench", user: "dev" });
  await bench.pane("main");
  await bench.must([
    "sh",
    "-c",
    "cd /tmp/tmux-1000 && touch plain && mkdir folder && ln -s /nowhere dangling && ln -s /tmp/elsewhere outward",
  ]);
  await bench.pane("foreign", { user: "ops" });
  await bench.must(["sh", "-c", "mv /tmp/tmux-1001/default /tmp/tmux-1000/foreign"], { user: "root" });
  await using tower = await towerOn();
  const scan = await scanPanes(tower);
  expect(scan).toMatchObject({ status: "ok", sockets_scanned: 1, panes_seen: 1 });
});

test("24: a paused container is named as such, the others are scanned", async () => {
  await using paused = await engine.bench({ name: "a-bench" });
  await using running = await engine.bench({ name: "b-bench" });
  await paused.pane("main");
  await running.pane("main");
  await using tower = await towerOn();
  await scanPanes(tower);
  await paused.pause();
  const scan = await scanPanes(tower);
  await paused.unpause();
  expect(codes(scan)).toEqual({ [paused.id]: "docker_exec_failed" });
  expect(scan.error_message).toMatch(/paus/i);
  expect(active(tower)).toHaveLength(2);
});

test("25: an id that hangs costs its own container 5 s, and is not started twice", async () => {
  await using stuck = await engine.bench({ name: "a-bench", user: "dev" });
  await using fine = await engine.bench({ name: "b-bench" });
  await fine.pane("main");
  await stuck.must(
    ["sh", "-c", "rm /usr/bin/id && printf '#!/bin/sh\\nsleep 60\\n' > /usr/bin/id && chmod 755 /usr/bin/id"],
    {
      user: "root",
    },
  );
  await using tower = await towerOn();
  const before = performance.now();
  const scan = await scanPanes(tower);
  expect(performance.now() - before).toBeLessThan(8000);
  expect(codes(scan)).toEqual({ [stuck.id]: "docker_exec_timeout" });
  expect(active(tower)).toMatchObject([{ container_name: "b-bench" }]);
  const running = async () => (await stuck.must(["sh", "-c", "ps | grep -c '[s]leep 60'"])).trim();
  const count = await running();
  const again = performance.now();
  expect(codes(await scanPanes(tower))).toEqual({ [stuck.id]: "docker_exec_timeout" });
  expect(performance.now() - again).toBeLessThan(4000);
  expect(await running()).toBe(count);
}, 40_000);

test("27: a stopped bench is skipped without an exec, its panes go, and it stays healthy", async () => {
  await using bench = await engine.bench({ name: "py-bench" });
  await bench.pane("main");
  await using proxy = await createFaultyEngine(engine.socketPath);
  await using tower = await towerOn(proxy.dockerHost);
  await scanPanes(tower);
  await bench.stop();
  await tower.json(["scan", "--containers"]);
  proxy.requests.length = 0;
  const scan = await scanPanes(tower);
  expect(scan).toMatchObject({ status: "ok", containers_skipped_inactive: 1, panes_reconciled_to_inactive: 1 });
  expect(proxy.requests.filter((request) => request.includes("/exec"))).toEqual([]);
  expect(await scanPanes(tower)).toMatchObject({
    status: "ok",
    containers_skipped_inactive: 1,
    panes_reconciled_to_inactive: 0,
  });
});

test("28: Engine down with active containers, and without any", async () => {
  await using bench = await engine.bench({ name: "py-bench" });
  await bench.pane("main");
  await using proxy = await createFaultyEngine(engine.socketPath);
  await using tower = await towerOn(proxy.dockerHost);
  await scanPanes(tower);
  const before = panes(tower);
  await tower.stop();
  tower.env["DOCKER_HOST"] = "unix:///nonexistent/docker.sock";
  await tower.start();
  const { code, stderr } = await tower.run(["scan", "--panes"]);
  expect(code).toBe(3);
  expect(stderr).toContain("code: docker_unavailable");
  expect(panes(tower)).toEqual(before);
  expect(scans(tower).at(-1)).toMatchObject({
    status: "degraded",
    error_code: "docker_unavailable",
    containers_scanned: 0,
    error_details_json: null,
  });
  expect(tower.events()).toHaveLength(1);

  await using empty = await createTower({ config: manual });
  await empty.start();
  expect((await empty.run(["scan", "--panes"])).code).toBe(0);
});

describe("29, 30, 31: hostile names", () => {
  const path = (name: string) => `$(printf '${name}')`;

  test("tab, newline, escape, U+2028 and a bad byte in a directory: one row, one line, nothing raw", async () => {
    await using bench = await engine.bench({ name: "py-bench" });
    await bench.must([
      "sh",
      "-c",
      `d=/tmp/"${path("a\\tb\\nc\\033[31md\\342\\200\\250e\\377f")}"; mkdir "$d" && cd "$d" && LANG=C.UTF-8 tmux -f /dev/null new-session -d -s main sh`,
    ]);
    await using tower = await towerOn();
    const scan = await scanPanes(tower);
    expect(scan).toMatchObject({ status: "ok", panes_seen: 1 });
    const [row] = panes(tower);
    expect(row.pane_current_path).toBe("/tmp/a b c[31md\u2028e\ufffdf");
    const { stdout } = await tower.run(["list-panes"]);
    expect(stdout.split("\n")).toHaveLength(3);
    expect(stdout).not.toMatch(/[\x00-\x08\x0b-\x1f\x7f]/);
  });

  test("a directory that imitates a row makes no pane", async () => {
    await using bench = await engine.bench({ name: "py-bench" });
    await bench.must([
      "sh",
      "-c",
      `d=/tmp/"${path("x\\nmain\\t0\\t1\\t%%9\\t77\\t@dev@\\tsh\\t@\\tt\\t1")}"; mkdir "$d" && cd "$d" && tmux -f /dev/null new-session -d -s main sh`,
    ]);
    await using tower = await towerOn();
    expect(await scanPanes(tower)).toMatchObject({ status: "ok", panes_seen: 1 });
    expect(panes(tower).map((row) => row.tmux_pane_id)).toEqual(["%0"]);
  });

  test("a title of 3,000 characters is cut and said, a path of 4,000 is not", async () => {
    await using bench = await engine.bench({ name: "py-bench" });
    await bench.must([
      "sh",
      "-c",
      'd=/tmp; for i in $(seq 20); do d="$d/$(printf "%0199d" $i)"; done; mkdir -p "$d" && cd "$d" && tmux -f /dev/null new-session -d -s main sh',
    ]);
    await bench.tmux(["select-pane", "-t", "main", "-T", "é".repeat(3000)]);
    await using tower = await towerOn();
    const { code, stdout } = await tower.run(["scan", "--panes", "--json"]);
    expect(code).toBe(5);
    expect(JSON.parse(stdout).result).toMatchObject({
      error_code: "output_malformed",
      error_details: [{ pane_truncations: [{ tmux_pane_id: "%0", field: "pane_title", original_len: 3000 }] }],
    });
    const [row] = panes(tower);
    expect([...row.pane_title]).toHaveLength(2048);
    expect(row.pane_current_path).toHaveLength("/tmp".length + 20 * 200);
  });
});

describe("32, 33, 34: moves, groups, users", () => {
  test("a renamed session and a swapped window keep agent and log", async () => {
    await using bench = await engine.bench({ name: "py-bench" });
    await bench.pane("main");
    await bench.tmux(["new-window", "-t", "main", "sh"]);
    await using tower = await towerOn();
    await scanPanes(tower);
    await tower.stop();
    const [first] = panes(tower);
    withAgent(tower, first);
    await tower.start();
    await bench.tmux(["rename-session", "-t", "main", "renamed"]);
    expect(await scanPanes(tower)).toMatchObject({ panes_newly_active: 0, panes_reconciled_to_inactive: 0 });
    await bench.tmux(["swap-window", "-s", "renamed:0", "-t", "renamed:1"]);
    expect(await scanPanes(tower)).toMatchObject({ panes_newly_active: 0, panes_reconciled_to_inactive: 0 });
    expect(tower.rows("SELECT active, tmux_session_name, tmux_window_index, tmux_pane_id FROM agents")).toEqual([
      { active: 1, tmux_session_name: "renamed", tmux_window_index: 1, tmux_pane_id: first.tmux_pane_id },
    ]);
    expect(tower.rows("SELECT status FROM log_attachments")).toEqual([{ status: "active" }]);
    expect(panes(tower).map((row) => row.first_seen_at)).toEqual([first.first_seen_at, first.first_seen_at]);
  });

  test("a tmux server that restarted with the same layout: the row stays, its agent does not", async () => {
    await using bench = await engine.bench({ name: "py-bench" });
    await bench.pane("main");
    await using tower = await towerOn();
    await scanPanes(tower);
    await tower.stop();
    const [first] = panes(tower);
    withAgent(tower, first);
    await tower.start();
    await bench.tmux(["kill-server"]);
    await tower.until(async () => {
      await bench.pane("main");
      return true;
    });
    await scanPanes(tower);
    const [again] = active(tower);
    expect(again.pane_pid).not.toBe(first.pane_pid);
    expect(again.first_seen_at).toBe(first.first_seen_at);
    expect(tower.rows("SELECT active FROM agents")).toEqual([{ active: 0 }]);
    expect(tower.rows("SELECT status FROM log_attachments")).toEqual([{ status: "stale" }]);
  });

  test("grouped sessions show the shared pane once each", async () => {
    await using bench = await engine.bench({ name: "py-bench" });
    await bench.pane("main");
    await bench.tmux(["new-session", "-d", "-t", "main", "-s", "second"]);
    await using tower = await towerOn();
    expect(await scanPanes(tower)).toMatchObject({ status: "ok", panes_seen: 2 });
    expect(panes(tower).map((row) => [row.tmux_session_name, row.tmux_pane_id])).toEqual([
      ["main", "%0"],
      ["second", "%0"],
    ]);
  });

  test("each form of a container's user", async () => {
    const forms: [user: string, uid: string, stored: string][] = [
      ["1000:1000", "1000", "1000"],
      ["dev:1001", "1000", "dev"],
      ["dev", "1000", "dev"],
      ["", "0", "root"],
    ];
    const benches = await Promise.all(forms.map(([user], index) => engine.bench({ name: `${index}-bench`, user })));
    for (const bench of benches) await bench.pane("main");
    await using tower = await towerOn();
    await scanPanes(tower);
    expect(active(tower).map((row) => [row.container_name, row.container_user, row.tmux_socket_path])).toEqual(
      forms.map(([, uid, stored], index) => [`${index}-bench`, stored, `/tmp/tmux-${uid}/default`]),
    );
  });
});

test("35: the filter of list-panes takes an id or a name", async () => {
  await using bench = await engine.bench({ name: "py-bench" });
  await bench.pane("main");
  await using tower = await towerOn();
  await scanPanes(tower);
  const lines = async (container: string) =>
    (await tower.run(["list-panes", "--container", container])).stdout.trimEnd().split("\n");
  expect(await lines(bench.id)).toHaveLength(2);
  expect(await lines("py-bench")).toHaveLength(2);
  expect(await lines("nope")).toEqual([
    "ACTIVE\tFOCUSED\tCONTAINER\tSOCKET\tSESSION\tW\tP\tPANE_ID\tPID\tTTY\tCOMMAND\tCWD\tLAST_SCANNED",
  ]);
  expect((await tower.call("list_panes", { active_only: "yes" })).error.code).toBe("bad_request");
  expect((await tower.call("list_panes", { container: 5 })).error.code).toBe("bad_request");
  expect((await scanPanes(tower, "py-bench")).containers_scanned).toBe(1);
  expect((await scanPanes(tower, bench.id.toUpperCase())).containers_scanned).toBe(1);
  expect(await scanPanes(tower, "nope")).toMatchObject({
    status: "ok",
    containers_scanned: 0,
    container_filter: "nope",
  });
});

test("37: ten SIGKILLs during scans: each start recovers, rows are those of a commit, the next scan converges", async () => {
  await using bench = await engine.bench({ name: "py-bench" });
  await bench.pane("main");
  await bench.tmux(["split-window", "-t", "main", "sh"]);
  await using tower = await towerOn();
  for (let round = 0; round < 10; round++) {
    const doomed = tower.daemonPid() as number;
    const started = tower.log("pane_scan_started").length;
    const connection = await tower.connect();
    connection.send('{"method":"scan_panes"}\n{"method":"scan_containers"}\n');
    const other = await tower.connect();
    other.send('{"method":"scan_containers"}\n');
    await tower.until(() => tower.log("pane_scan_started").length > started);
    process.kill(doomed, "SIGKILL");
    await connection.closed;
    const pid = await tower.start();
    expect(pid).not.toBe(doomed);
    const seen = active(tower).length;
    expect([0, 2]).toContain(seen);
    for (const row of scans(tower)) expect(row.completed_at).not.toBeNull();
  }
  expect(tower.log("daemon_recovering").length).toBeGreaterThanOrEqual(20);
  expect(await scanPanes(tower)).toMatchObject({ status: "ok", panes_seen: 2 });
  expect(active(tower)).toHaveLength(2);
}, 60_000);

test("38: both scans in one run; Engine down ends it after the first; no target is its own error", async () => {
  await using bench = await engine.bench({ name: "py-bench" });
  await bench.pane("main");
  await using tower = await towerOn();
  const both = await tower.run(["scan", "--containers", "--panes", "--json"]);
  expect(both.code).toBe(0);
  expect(
    both.stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line).ok),
  ).toEqual([true, true]);
  expect((await tower.run(["scan"])).stderr).toBe("error: scan requires a target flag (e.g. --containers, --panes)\n");
  expect((await tower.run(["scan"])).code).toBe(1);
  await using down = await createTower({ config: manual });
  await down.start();
  const failed = await down.run(["scan", "--containers", "--panes", "--json"]);
  expect(failed.code).toBe(3);
  expect(failed.stdout.trimEnd().split("\n")).toHaveLength(1);
});

/** Codes by container. */
function codes(scan: Envelope): Record<string, string> {
  return Object.fromEntries(scan.error_details.map((entry: Envelope) => [entry.container_id, entry.error_code]));
}

/** An agent with an attached log on a pane, as later generations of rows have them. */
function withAgent(tower: Tower, pane: Envelope): void {
  const database = new Database(tower.database);
  const key = [
    pane.container_id,
    pane.tmux_socket_path,
    pane.tmux_session_name,
    pane.tmux_window_index,
    pane.tmux_pane_index,
    pane.tmux_pane_id,
  ];
  const now = "2026-01-01T00:00:00.000000+00:00";
  database.run(
    `INSERT INTO agents (container_id, tmux_socket_path, tmux_session_name, tmux_window_index, tmux_pane_index, tmux_pane_id,
       agent_id, role, capability, label, project_path, effective_permissions, created_at, last_registered_at, active)
     VALUES (?, ?, ?, ?, ?, ?, 'agt_0123456789ab', 'slave', 'claude', '', '', '{}', ?, ?, 1)`,
    [...key, now, now],
  );
  database.run(
    `INSERT INTO log_attachments (container_id, tmux_socket_path, tmux_session_name, tmux_window_index, tmux_pane_index, tmux_pane_id,
       attachment_id, agent_id, log_path, status, source, pipe_pane_command, attached_at, last_status_at, created_at)
     VALUES (?, ?, ?, ?, ?, ?, 'lat_0123456789ab', 'agt_0123456789ab', '/nowhere/log', 'active', 'explicit', 'cat', ?, ?, ?)`,
    [...key, now, now, now],
  );
  database.close();
}
