import { expect, test } from "bun:test";
import { mkdirSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import type { EngineState } from "../../src/app/engine-probe.ts";
import { overviewHandlers } from "../../src/app/overview.ts";
import { openEventsFile } from "../../src/journal/events-file.ts";
import { upsertContainers } from "../../src/store/containers.ts";
import { upsertPanes } from "../../src/store/panes.ts";
import { setDegradedScan } from "../../src/store/scans.ts";
import { check } from "../contract/responses.ts";
import { testCall } from "../support/call-context.ts";
import { manualClock } from "../support/manual-clock.ts";
import { type TestRegistry, testRegistry } from "../support/registry.ts";
import { containerId, containerRow, paneRow } from "../support/rows.ts";

const UP: EngineState = { up: true, reason: "" };
const DOWN: EngineState = { up: false, reason: "connection refused" };

function house(registry: TestRegistry, engine: EngineState = UP, ignoredNames = 0) {
  const clock = manualClock();
  const events = join(registry.folder, "events.jsonl");
  const eventsFile = openEventsFile(events, clock);
  const handlers = overviewHandlers({
    store: registry.store,
    engine: { state: () => engine },
    discovery: { ignoredNames: () => ignoredNames },
    eventsFile,
    paths: { registry: registry.path, events },
  });
  return {
    eventsFile,
    events,
    async readiness() {
      const result = await handlers["app.readiness"]();
      check("app.readiness", { ok: true, app_contract_version: "1.0", result });
      return result;
    },
    async dashboard(recent_limit = 10) {
      const result = await handlers["app.dashboard"](testCall(), { recent_limit });
      check("app.dashboard", { ok: true, app_contract_version: "1.0", result });
      return result;
    },
  };
}

test("an empty tower is ready, and says where to start", async () => {
  using registry = testRegistry(manualClock());
  const tower = house(registry, UP, 2);
  const readiness = await tower.readiness();
  expect(readiness.state).toBe("ready");
  expect(readiness.hints.map(({ code }) => code)).toEqual(["start_bench_container", "check_container_filter"]);
  const dashboard = await tower.dashboard();
  expect(dashboard.hints).toEqual(readiness.hints);
  expect(dashboard.counts.containers).toEqual({ active: 0, inactive: 0, degraded_scan: 0 });
  expect(dashboard.recent).toEqual({ events: [], queue: [], routes: [] });
});

test("counts tell active, inactive and degraded benches apart, and count active panes", async () => {
  using registry = testRegistry(manualClock());
  const [a, b, c] = [containerId("a"), containerId("b"), containerId("c")];
  registry.store.write((tx) => {
    upsertContainers(tx, [
      containerRow({ container_id: a }),
      containerRow({ container_id: b }),
      containerRow({ container_id: c, active: 0 }),
    ]);
    upsertPanes(tx, [paneRow({ container_id: a }), paneRow({ container_id: a, tmux_pane_index: 1, active: 0 })]);
    setDegradedScan(tx, [b], true);
  });
  const tower = house(registry);
  const { counts, hints } = await tower.dashboard();
  expect(counts.containers).toEqual({ active: 1, inactive: 1, degraded_scan: 1 });
  expect(counts.panes).toEqual({ total: 1, registered: 0, unregistered: 1 });
  expect(hints.map(({ code }) => code)).toEqual(["register_first_agent"]);
  const readiness = await tower.readiness();
  expect(readiness.state).toBe("degraded");
  expect(readiness.subsystems[1]).toMatchObject({ name: "tmux_discovery", status: "degraded" });

  registry.store.write((tx) => setDegradedScan(tx, [b], false));
  expect((await tower.dashboard()).counts.containers.degraded_scan).toBe(0);
  expect((await tower.readiness()).state).toBe("ready");
});

test("without an Engine the host bench alone is enough", async () => {
  using registry = testRegistry(manualClock());
  const host = containerRow({
    container_id: containerId("f"),
    name: "host",
    image: "",
    labels_json: '{"agenttower.kind":"host"}',
  });
  const tower = house(registry, DOWN);
  const codes = async () => (await tower.dashboard()).hints.map(({ code }) => code);
  expect(await codes()).toEqual(["docker_unavailable_hint"]);
  registry.store.write((tx) => upsertContainers(tx, [host]));
  expect(await codes()).toEqual([]);
  // A container cannot pass for the host by a label.
  const pretender = containerRow({ container_id: containerId("e"), labels_json: host.labels_json });
  registry.store.write((tx) => upsertContainers(tx, [pretender]));
  expect(await codes()).toEqual(["docker_unavailable_hint"]);
  expect((await tower.readiness()).subsystems[0]).toMatchObject({
    status: "unavailable",
    reason: "connection refused",
  });
});

test("jsonl: writable folder is ok, a failed append is degraded until one succeeds, no file at all is unavailable", async () => {
  using registry = testRegistry(manualClock());
  const tower = house(registry);
  const jsonl = async () => (await tower.readiness()).subsystems[3]?.status;
  expect(await jsonl()).toBe("ok");
  mkdirSync(tower.events);
  await expect(tower.eventsFile.append({ n: 1 })).rejects.toThrow();
  expect(await jsonl()).toBe("unavailable");
  rmdirSync(tower.events);
  expect(await jsonl()).toBe("degraded");
  await tower.eventsFile.append({ n: 2 });
  expect(await jsonl()).toBe("ok");
});

test("a registry that is gone is told, not thrown", async () => {
  using registry = testRegistry(manualClock());
  const tower = house(registry);
  await Bun.$`rm ${registry.path}`.quiet();
  expect((await tower.readiness()).subsystems[2]).toMatchObject({ name: "sqlite", status: "unavailable" });
  registry.store.write((tx) => tx.db.run("DROP TABLE temp.tally"));
  const readiness = await tower.readiness();
  expect(readiness.subsystems[4]).toMatchObject({ status: "unavailable", reason: "the registry cannot be read" });
  expect(readiness.hints).toEqual([]);
});

test("a registry on a full disk is degraded from the write that failed to the next that does not", async () => {
  using registry = testRegistry(manualClock());
  const tower = house(registry);
  const fill = () =>
    registry.store.write((tx) =>
      upsertContainers(tx, [containerRow({ container_id: containerId("a"), image: "x".repeat(1_000_000) })]),
    );
  // The largest size stands in for the disk.
  registry.store.read(({ db }) => db.run("PRAGMA max_page_count = 1"));
  expect(fill).toThrow("SQLITE_FULL");
  expect((await tower.readiness()).subsystems[2]).toMatchObject({
    status: "degraded",
    reason: "last write to the registry failed: SQLITE_FULL",
  });
  registry.store.read(({ db }) => db.run("PRAGMA max_page_count = 1000000"));
  fill();
  expect((await tower.readiness()).subsystems[2]).toMatchObject({ status: "ok" });
});

test("recent rows are newest first, at most as many as asked for, with every field filled", async () => {
  using registry = testRegistry(manualClock());
  registry.store.write(({ db }) => {
    const event = db.query("INSERT INTO events (event_type, agent_id, observed_at, excerpt) VALUES (?, 'agt_1', ?, ?)");
    event.run("error", "2026-01-01T00:00:01.000000+00:00", `red\u001b[31m\n${"x".repeat(400)}`);
    event.run("queue_message_enqueued", "2026-01-01T00:00:02.000Z", "hello");
    event.run("pane_exited", "2026-01-01T00:00:03.000000+00:00", "");
    const message = db.query(
      `INSERT INTO message_queue (message_id, state, sender_agent_id, sender_label, sender_role, target_agent_id,
         target_label, target_role, target_container_id, target_pane_id, envelope_body, envelope_body_sha256,
         envelope_size_bytes, enqueued_at, last_updated_at)
       VALUES (?, 'queued', 'host-operator', '', 'master', 'agt_1', '', 'slave', '', '%0', ?, '', 1, ?, ?)`,
    );
    for (const n of [1, 2]) {
      const at = `2026-01-01T00:00:0${n}.000Z`;
      message.run(`m${n}`, Buffer.from("export TOKEN=sk-secret"), at, at);
    }
    db.run(
      `INSERT INTO routes (route_id, event_type, source_scope_kind, source_scope_value, target_rule, target_value,
         master_rule, template, created_at, updated_at)
       VALUES ('r1', 'error', 'role', 'slave', 'source', NULL, 'auto', 't', '2026-01-01T00:00:01.000Z', '2026-01-01T00:00:01.000Z')`,
    );
  });
  const tower = house(registry);
  const { recent, counts } = await tower.dashboard(2);
  expect(recent.events.map(({ id, origin }) => [id, origin])).toEqual([
    [3, ""],
    [2, "queue"],
  ]);
  expect(recent.events[0]?.summary).toBe("pane_exited");
  expect(recent.queue.map(({ id }) => id)).toEqual(["m2", "m1"]);
  expect(recent.queue[0]).toMatchObject({ type: "direct", state_priority: 1, summary: "host-operator → agt_1" });
  expect(JSON.stringify(recent)).not.toContain("secret");
  expect(recent.routes).toEqual([
    expect.objectContaining({ type: "route", enabled: true, summary: "error of role slave → source" }),
  ]);
  expect(counts.events.total).toBe(2);
  const all = (await tower.dashboard(50)).recent.events;
  expect(all.length).toBe(3);
  expect(all[2]?.summary).toMatch(/^red\[31m x+$/);
  expect([...(all[2]?.summary ?? "")].length).toBe(256);
});
