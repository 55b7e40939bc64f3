import { expect, test } from "bun:test";
import { join } from "node:path";
import { openEventsFile } from "../../src/journal/events-file.ts";
import { type CoreDeps, coreHandlers } from "../../src/legacy/core.ts";
import { check } from "../contract/responses.ts";
import { testCall } from "../support/call-context.ts";
import { manualClock } from "../support/manual-clock.ts";
import { type TestRegistry, testRegistry } from "../support/registry.ts";

function house(registry: TestRegistry, clock = manualClock(), requestStop: CoreDeps["requestStop"] = () => undefined) {
  const eventsFile = openEventsFile(join(registry.folder, "events.jsonl"), clock);
  const daemon = {
    pid: 4711,
    startedAt: clock.now(),
    startedMonotonic: clock.monotonic(),
    socketPath: join(registry.folder, "agenttowerd.sock"),
    statePath: registry.path,
    schemaVersion: 9,
    version: "0.1.0",
  };
  return { eventsFile, handlers: coreHandlers({ clock, store: registry.store, eventsFile, daemon, requestStop }) };
}

test("status has its twelve keys on a fresh registry", async () => {
  const clock = manualClock();
  using registry = testRegistry(clock);
  const { handlers } = house(registry, clock);
  await clock.advance(61_500);
  const status = handlers.status();
  check("status", { ok: true, result: status });
  expect(Object.keys(status).length).toBe(12);
  expect(status).toMatchObject({ alive: true, pid: 4711, uptime_seconds: 61, schema_version: 9 });
  expect(status.start_time_utc).toBe("2026-01-01T00:00:00.000000+00:00");
  expect(status.routing).toMatchObject({ value: "enabled", last_updated_by: "(daemon-init)", routes_total: 0 });
});

test("status counts routes and tells of lines that wait", () => {
  const clock = manualClock();
  using registry = testRegistry(clock);
  registry.store.write(({ db }) => {
    const insert = db.query(
      `INSERT INTO routes (route_id, event_type, source_scope_kind, target_rule, master_rule, template, enabled, created_at, updated_at)
       VALUES (?, 'error', 'any', 'source', 'auto', 't', ?, '', '')`,
    );
    for (const [id, enabled] of [
      ["a", 1],
      ["b", 0],
      ["c", 0],
    ] as const)
      insert.run(id, enabled);
    db.run("INSERT INTO audit_outbox (family, payload, created_at) VALUES ('route', '{}', '')");
  });
  const status = house(registry, clock).handlers.status();
  check("status", { ok: true, result: status });
  expect(status.routing).toMatchObject({ routes_total: 3, routes_enabled: 1, routes_disabled: 2 });
  expect(status.queue_audit).toMatchObject({ degraded: true, pending_rows: 1 });
});

test("status says since when the events file cannot be written, and that it is well again", async () => {
  const clock = manualClock();
  using registry = testRegistry(clock);
  const { eventsFile, handlers } = house(registry, clock);
  // A folder where the file should be: no permission stops root.
  const path = join(registry.folder, "events.jsonl");
  await Bun.$`mkdir ${path}`.quiet();
  await clock.advance(1_000);
  await expect(eventsFile.append({ a: 1 })).rejects.toThrow();
  const status = handlers.status();
  check("status", { ok: true, result: status });
  expect(status.events_persistence.degraded_jsonl?.since).toBe("2026-01-01T00:00:01.000000+00:00");

  await Bun.$`rmdir ${path}`.quiet();
  await eventsFile.append({ a: 1 });
  expect(handlers.status().events_persistence.degraded_jsonl).toBeNull();
});

test("shutdown asks to stop only when its answer is out, with the caller's pid", () => {
  const clock = manualClock();
  using registry = testRegistry(clock);
  const asked: number[] = [];
  const { handlers } = house(registry, clock, (pid) => void asked.push(pid));
  const call = testCall({ peer: { pid: 99 } });
  expect(handlers.shutdown(call)).toEqual({ shutting_down: true });
  expect(asked).toEqual([]);
  call.answered();
  expect(asked).toEqual([99]);
});

test("ping touches nothing", () => {
  using registry = testRegistry(manualClock());
  registry.store.close();
  expect(house(registry).handlers.ping()).toEqual({});
});
