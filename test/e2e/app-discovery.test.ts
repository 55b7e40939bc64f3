/** What a panel sees of real benches: 06 §10 checks 10, 21, 22, 26, 31 and 02 §15 checks 39 and 40, on the compiled executable. */

import { Database } from "bun:sqlite";
import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { methods } from "../../src/contract/methods.ts";
import { methodsHit } from "../contract/responses.ts";
import { testEngine } from "../support/engine.ts";
import { createFaultyEngine } from "../support/faulty-engine.ts";
import { createTower, type Envelope, type Session, type Tower } from "./tower.ts";

const engine = await testEngine();
const manual = "[containers]\nscan_interval_seconds = 0\n";

beforeEach(() => engine.clear());
afterAll(() => engine.clear());

async function towerOn(dockerHost = engine.dockerHost, config = manual): Promise<Tower> {
  const tower = await createTower({ dockerHost, config });
  await tower.start();
  return tower;
}

/** A call that must succeed. */
async function good(session: Session, method: string, params: object = {}): Promise<Envelope> {
  const answer = await session.call(method, params);
  if (!answer.ok) throw new Error(`${method}: ${JSON.stringify(answer.error)}`);
  return answer.result;
}

const hintCodes = (result: Envelope): string[] => result.hints.map((hint: Envelope) => hint.code);

test("scan, lists, details: one story, told the same way everywhere", async () => {
  await using bench = await engine.bench({ name: "py-bench", user: "dev" });
  await bench.pane("claude");
  await bench.tmux(["split-window", "-t", "claude", "sh"]);
  await using tower = await towerOn();
  const session = await tower.session();

  await tower.until(async () => hintCodes(await good(session, "app.dashboard")).includes("start_bench_container"));
  const scan = await good(session, "app.scan.containers");
  expect(scan).toMatchObject({
    state: "completed",
    result: { status: "ok", matched_count: 1, containers: [{ container_id: bench.id, change: "added" }] },
  });
  const paneScan = await good(session, "app.scan.panes");
  expect(paneScan).toMatchObject({
    state: "completed",
    result: { status: "ok", panes_seen: 2, panes_newly_active: 2, panes_reconciled_inactive: 0 },
  });
  expect(await good(session, "app.scan.status", { scan_id: paneScan.scan_id })).toMatchObject({
    state: "completed",
    scan_kind: "panes",
    result: paneScan.result,
  });
  expect(tower.rows("SELECT scan_id FROM pane_scans")).toEqual([{ scan_id: paneScan.scan_id }]);

  const dashboard = await good(session, "app.dashboard");
  expect(dashboard.counts).toMatchObject({
    containers: { active: 1, inactive: 0, degraded_scan: 0 },
    panes: { total: 2, registered: 0, unregistered: 2 },
  });
  expect(hintCodes(dashboard)).toEqual(["register_first_agent"]);
  expect(await good(session, "app.readiness")).toMatchObject({ state: "ready", hints: dashboard.hints });

  const containers = await good(session, "app.container.list");
  expect(containers).toMatchObject({
    total: 1,
    total_estimate: null,
    cursor_next: null,
    ordering: "name:asc",
    rows: [
      {
        container_id: bench.id,
        name: "py-bench",
        state: "active",
        kind: "docker",
        pane_count: 2,
        registered_agent_count: 0,
      },
    ],
  });
  expect(await good(session, "app.container.detail", { container_id: bench.id })).toEqual({ row: containers.rows[0] });

  const panes = await good(session, "app.pane.list");
  expect(panes.rows.map((row: Envelope) => [row.pane_id, row.pane_index, row.session_name, row.registered])).toEqual([
    ["%0", 0, "claude", false],
    ["%1", 1, "claude", false],
  ]);
  for (const row of panes.rows) {
    expect(await good(session, "app.pane.detail", { pane_key: row.pane_key })).toEqual({ row });
    expect(await good(session, "app.pane.detail", { pane_id: row.pane_id })).toEqual({ row });
  }
  expect((await session.call("app.container.detail", { container_id: "f".repeat(64) })).error).toMatchObject({
    code: "not_found",
    details: {},
  });
  expect((await session.call("app.pane.detail", { pane_id: "%77" })).error).toMatchObject({
    code: "pane_not_found",
    details: { pane_id: "%77" },
  });
});

test("%0 in three containers is ambiguous until one is named", async () => {
  const benches = await Promise.all(["a", "b", "c"].map((name) => engine.bench({ name: `${name}-bench` })));
  for (const bench of benches) await bench.pane("main");
  await using tower = await towerOn();
  const session = await tower.session();
  await good(session, "app.scan.containers");
  await good(session, "app.scan.panes");
  expect((await session.call("app.pane.detail", { pane_id: "%0" })).error.details).toEqual({
    field: "container_id",
    reason: "ambiguous pane_id",
  });
  for (const bench of benches) {
    const { row } = await good(session, "app.pane.detail", { pane_id: "%0", container_id: bench.id });
    expect(row.container_id).toBe(bench.id);
  }
});

describe("26: degraded_scan", () => {
  test("comes with a failed exec, in dashboard, list and filter, survives a restart, goes with the next good scan", async () => {
    await using bad = await engine.bench({ name: "a-bench" });
    await using fine = await engine.bench({ name: "b-bench" });
    await bad.pane("main");
    await fine.pane("main");
    await using tower = await towerOn();
    let session = await tower.session();
    await good(session, "app.scan.containers");
    await good(session, "app.scan.panes");
    await bad.pause();
    const scan = await good(session, "app.scan.panes");
    expect(scan).toMatchObject({ state: "completed", result: { status: "degraded" } });
    const isSeen = async () => {
      expect((await good(session, "app.dashboard")).counts.containers).toEqual({
        active: 1,
        inactive: 0,
        degraded_scan: 1,
      });
      const list = await good(session, "app.container.list", { filters: { state: "degraded_scan" } });
      expect(list.rows.map((row: Envelope) => [row.container_id, row.state])).toEqual([[bad.id, "degraded_scan"]]);
      const active = await good(session, "app.container.list", { filters: { state: "active" } });
      expect(active.rows.map((row: Envelope) => row.container_id)).toEqual([fine.id]);
      const readiness = await good(session, "app.readiness");
      expect(readiness.subsystems[1]).toMatchObject({ name: "tmux_discovery", status: "degraded" });
    };
    await isSeen();
    await tower.stop();
    await tower.start();
    session = await tower.session();
    await isSeen();
    await bad.unpause();
    await good(session, "app.scan.panes");
    expect((await good(session, "app.dashboard")).counts.containers).toEqual({
      active: 2,
      inactive: 0,
      degraded_scan: 0,
    });
    expect((await good(session, "app.container.list", { filters: { state: "degraded_scan" } })).rows).toEqual([]);
  });
});

describe("21: app scans", () => {
  test("two at once share one id; wait false answers at once; 101 records forget the first", async () => {
    await using _bench = await engine.bench({ name: "py-bench" });
    await using proxy = await createFaultyEngine(engine.socketPath);
    await using tower = await towerOn(proxy.dockerHost);
    proxy.fault(/GET .*\/containers\/json/, { kind: "late", ms: 500 });
    const session = await tower.session();
    const second = await tower.session();
    const started = await good(session, "app.scan.containers", { wait: false });
    expect(started).toEqual({ scan_id: expect.any(String), state: "running" });
    expect(await good(session, "app.scan.status", { scan_id: started.scan_id })).toMatchObject({
      state: "running",
      completed_at: null,
      result: null,
    });
    const [one, two] = await Promise.all([good(session, "app.scan.containers"), good(second, "app.scan.containers")]);
    expect([one.scan_id, two.scan_id]).toEqual([started.scan_id, started.scan_id]);
    expect(one).toEqual(two);
    proxy.heal();
    for (let i = 0; i < 100; i++) await good(session, "app.scan.containers");
    expect((await session.call("app.scan.status", { scan_id: started.scan_id })).error).toMatchObject({
      code: "scan_not_found",
      details: { scan_id: started.scan_id },
    });
    expect((await session.call("app.scan.containers", { wait: "yes" })).error.details.field).toBe("wait");
    expect((await session.call("app.scan.containers", { wait: null })).error.details.field).toBe("wait");
  });

  test("without an Engine a scan ends failed, its error in the result", async () => {
    await using tower = await towerOn("unix:///nonexistent/docker.sock");
    const session = await tower.session();
    expect(await good(session, "app.scan.containers")).toMatchObject({
      state: "failed",
      result: { error: "docker_unavailable" },
    });
  });

  test("behind a scan that takes longer than 30 s it answers scan_timeout, and the scan goes on", async () => {
    await using _bench = await engine.bench({ name: "py-bench" });
    await using proxy = await createFaultyEngine(engine.socketPath);
    await using tower = await towerOn(proxy.dockerHost);
    // Each scan gives up on a silent list after 5 s; seven of them in the queue are more than 30 s.
    proxy.fault(/GET .*\/containers\/json/, { kind: "hang" });
    const queue = Array.from({ length: 7 }, () => tower.connect());
    for (const connection of await Promise.all(queue)) connection.send('{"method":"scan_containers"}\n');
    await tower.until(() => proxy.requests.some((request) => request.endsWith("/containers/json")));
    const session = await tower.session();
    const before = performance.now();
    session.send(
      `${JSON.stringify({ method: "app.scan.containers", params: { app_session_token: session.token }, keep_alive: true })}\n`,
    );
    const answer = JSON.parse(await session.line(40_000));
    const took = performance.now() - before;
    expect(answer.error.code).toBe("scan_timeout");
    // 30 s ± 0.5 s is the contract's own bound (06 §10 check 21).
    expect(took).toBeGreaterThan(29_500);
    expect(took).toBeLessThan(30_500);
    const { scan_id } = answer.error.details;
    const ended = await tower.until(
      async () => {
        const status = await good(session, "app.scan.status", { scan_id });
        return status.state !== "running" && status;
      },
      "the end of the scan",
      30_000,
    );
    expect(ended.completed_at).toBeGreaterThan(ended.started_at);
  }, 90_000);
});

describe("10: paging while rows appear", () => {
  test("250 panes in fives, tens and two hundreds, both directions: no gap, no repeat", async () => {
    await using tower = await towerOn();
    await tower.stop();
    seedPanes(tower, 250);
    await tower.start();
    const session = await tower.session();
    for (const order_by of [
      "default",
      "default:desc",
      "discovered_at:asc",
      "discovered_at:desc",
      "last_seen_at:asc",
      "last_seen_at:desc",
    ]) {
      for (const limit of [5, 10, 200]) {
        const seen: string[] = [];
        let cursor_next: string | null = null;
        do {
          const page: Envelope = await good(session, "app.pane.list", {
            limit,
            order_by,
            ...(cursor_next && { cursor_next }),
          });
          seen.push(...page.rows.map((row: Envelope) => row.pane_key));
          cursor_next = page.cursor_next;
          if (cursor_next) {
            const foreign = await session.call("app.pane.list", {
              limit,
              order_by: order_by === "default" ? "default:desc" : "default",
              cursor_next,
            });
            expect(foreign.error.details.field).toBe("cursor_next");
            const flipped = `${cursor_next[0] === "A" ? "B" : "A"}${cursor_next.slice(1)}`;
            const tampered = await session.call("app.pane.list", { limit, order_by, cursor_next: flipped });
            expect(tampered.error.details.field).toBe("cursor_next");
          }
        } while (cursor_next);
        expect(seen).toHaveLength(250);
        expect(new Set(seen).size).toBe(250);
      }
    }
  });
});

test("31: requests on a kept connection while the daemon stops", async () => {
  await using tower = await towerOn();
  await using bench = await engine.bench({ name: "py-bench" });
  await using proxy = await createFaultyEngine(engine.socketPath);
  await tower.stop();
  tower.env["DOCKER_HOST"] = proxy.dockerHost;
  await tower.start();
  proxy.fault(/GET .*\/containers\/json/, { kind: "late", ms: 1500 });
  expect(bench.name).toBe("py-bench");
  const session = await tower.session();
  const scanning = await tower.connect();
  scanning.send('{"method":"scan_containers"}\n');
  await tower.until(() => proxy.requests.some((request) => request.endsWith("/containers/json")));
  expect((await tower.call("shutdown")).result).toEqual({ shutting_down: true });
  expect((await session.call("app.dashboard")).error).toMatchObject({
    code: "internal_error",
    details: { reason: "shutting_down" },
  });
  expect((await session.call("app.preflight")).result).toEqual({
    socket_reachable: true,
    daemon_reachable: false,
    code: "daemon_unavailable",
  });
  expect((await session.call("ping")).error.code).toBe("daemon_shutting_down");
  // What ran when the stop came is finished (01 §17).
  expect(JSON.parse(await scanning.line()).ok).toBe(true);
  await session.closed;
});

describe("39 and 40: background discovery", () => {
  test("rows follow the Engine by themselves, and an idle tower writes nothing", async () => {
    await using proxy = await createFaultyEngine(engine.socketPath);
    await using tower = await towerOn(proxy.dockerHost, "[containers]\nscan_interval_seconds = 1\n");
    const bench = await engine.bench({ name: "py-bench" });
    await tower.until(
      () => tower.rows("SELECT 1 FROM containers WHERE active = 1").length === 1,
      "the new bench",
      2000,
    );
    await bench.pane("main");
    const session = await tower.session();
    await good(session, "app.scan.panes");
    await bench.tmux(["split-window", "-t", "main", "sh"]);
    await tower.until(
      () => tower.rows("SELECT 1 FROM panes WHERE active = 1").length === 2,
      "the new pane by its link",
    );

    // The light pass asks the Engine once a second. Many of them, and nothing is written once the last change is in.
    const passes = () => proxy.requests.filter((request) => request.endsWith("/containers/json")).length;
    const morePasses = async (count: number) => {
      const until = passes() + count;
      await tower.until(() => passes() >= until, `${count} light passes`, 20_000);
    };
    const state = () => ({
      scans: tower.rows("SELECT count(*) AS n FROM container_scans"),
      paneScans: tower.rows("SELECT count(*) AS n FROM pane_scans"),
      log: tower.log().length,
      events: tower.events().length,
    });
    await morePasses(2);
    const before = state();
    await morePasses(4);
    expect(state()).toEqual(before);

    await bench.stop();
    await tower.until(() => tower.rows("SELECT 1 FROM containers WHERE active = 1").length === 0, "the stop", 2000);
    await tower.until(() => tower.rows("SELECT 1 FROM panes WHERE active = 1").length === 0, "its panes to go");
    await bench.remove();
  }, 60_000);

  test("the daemon starts no docker and no tmux on the host", async () => {
    await using bench = await engine.bench({ name: "py-bench" });
    await bench.pane("main");
    await using tower = await createTower({ dockerHost: engine.dockerHost, config: manual });
    // Programs of those names, first on the daemon's PATH, that tell of every start.
    const told = join(tower.dir, "told");
    for (const name of ["docker", "tmux"]) {
      writeFileSync(join(tower.bin, name), `#!/bin/sh\necho "${name} $*" >> ${told}\n`, { mode: 0o755 });
    }
    tower.env["PATH"] = `${tower.bin}:${tower.env["PATH"]}`;
    expect((await tower.run(["daemon", "start"])).code).toBe(0);
    expect(Bun.spawnSync([join(tower.bin, "tmux"), "proof"], { env: tower.env }).exitCode).toBe(0);
    const session = await tower.session();
    await good(session, "app.scan.containers");
    await good(session, "app.scan.panes");
    await good(session, "app.scan.panes");
    await good(session, "app.readiness");
    await bench.stop();
    await good(session, "app.scan.containers");
    await tower.stop();
    expect(readFileSync(told, "utf8")).toBe("tmux proof\n");
  });
});

test("17: every method of the table answers, and as the published schema says", async () => {
  await using bench = await engine.bench({ name: "py-bench" });
  await bench.pane("main");
  await using tower = await towerOn();
  const session = await tower.session();
  const scan = await good(session, "app.scan.containers");
  await good(session, "app.scan.panes");
  const params: Partial<Record<string, object>> = {
    "app.scan.status": { scan_id: scan.scan_id },
    "app.container.detail": { container_id: bench.id },
    "app.pane.detail": { pane_id: "%0" },
  };
  const names = Object.keys(methods).filter((name) => name !== "shutdown");
  for (const name of names) await good(session, name, params[name] ?? {});
  expect((await tower.call("shutdown")).ok).toBe(true);
  // Judged are all answers of the run that went through the tower (see `tower.ts`).
  expect(Object.keys(methods).filter((name) => !methodsHit().has(name))).toEqual([]);
});

/** Panes of one container, as a long history would leave them. */
function seedPanes(tower: Tower, count: number): void {
  const database = new Database(tower.database);
  const at = (n: number) => `2026-01-01T00:00:${String(n % 60).padStart(2, "0")}.000000+00:00`;
  const id = "a".repeat(64);
  database.transaction(() => {
    database.run(
      "INSERT INTO containers (container_id, name, image, status, active, first_seen_at, last_scanned_at) VALUES (?, 'a-bench', '', 'running', 1, ?, ?)",
      [id, at(0), at(0)],
    );
    const insert = database.query(
      `INSERT INTO panes (container_id, tmux_socket_path, tmux_session_name, tmux_window_index, tmux_pane_index, tmux_pane_id,
         container_name, container_user, pane_pid, pane_tty, pane_current_command, pane_current_path, pane_title, pane_active,
         active, first_seen_at, last_scanned_at) VALUES (?, '/tmp/tmux-0/default', ?, ?, 0, ?, 'a-bench', 'root', 1, '', 'sh', '/', '', 1, 1, ?, ?)`,
    );
    for (let n = 0; n < count; n++) insert.run(id, `s${n % 7}`, n, `%${n}`, at(n), at(n * 7));
  })();
  database.close();
}
