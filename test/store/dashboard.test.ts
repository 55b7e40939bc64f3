import { afterEach, beforeEach, expect, test } from "bun:test";
import { readCounts, readDashboard } from "../../src/store/dashboard.ts";
import type { Store } from "../../src/store/open.ts";
import { addAgent, addContainer, addEvent, addMessage, addPane, type Folder, folder, freshStore } from "./registry.ts";

let at: Folder;
let store: Store;
beforeEach(() => {
  at = folder();
  store = freshStore(at.path);
});
afterEach(() => {
  store.close();
  at.remove();
});

test("an empty registry has every key", () => {
  expect(store.read((tx) => readDashboard(tx, 10))).toEqual({
    counts: {
      containers: { active: 0, inactive: 0, degraded_scan: 0 },
      panes: { total: 0, registered: 0, unregistered: 0 },
      agents: { total: 0, by_role: { master: 0, slave: 0, swarm: 0, "test-runner": 0, shell: 0, unknown: 0 } },
      log_attachments: { active: 0, degraded: 0, none: 0 },
      events: { total: 0 },
      queue: { queued: 0, blocked: 0, delivered: 0, canceled: 0, failed: 0 },
      routes: { enabled: 0, disabled: 0 },
    },
    activeAgents: 0,
    recent: { events: [], queue: [], routes: [] },
  });
});

test("panes count active rows, agents all rows, events the classifier's, degraded benches no other bucket", () => {
  store.write((tx) => {
    for (const [n, active] of [1, 1, 1, 0, 0].entries()) addContainer(tx, `c${n}`, `n${n}`, active === 1 ? 1 : 0);
    // c4 is inactive: nothing is scanned there any more. c9 has no row at all.
    tx.db.run("INSERT INTO degraded_scan VALUES ('c1'), ('c4'), ('c9')");
    addPane(tx, { paneId: "%0" });
    addPane(tx, { paneId: "%1" });
    addPane(tx, { paneId: "%2", active: 0 });
    addAgent(tx, "agt_0", { paneId: "%0" }, "master");
    addAgent(tx, "agt_1", { paneId: "%1" }, "slave", 0);
    addAgent(tx, "agt_2", { paneId: "%2" }, "test-runner");
    for (const type of ["error", "activity", "queue_message_enqueued"]) addEvent(tx, type);
    for (const [n, state] of ["queued", "delivered", "delivered", "failed"].entries()) addMessage(tx, `m${n}`, state);
    for (const n of [0, 1, 2]) {
      tx.db.run(
        `INSERT INTO routes VALUES ('r${n}','error','any',NULL,'source',NULL,'auto',NULL,'t',${n % 2},0,'t${n}','t','h')`,
      );
    }
  });
  expect(store.read(readCounts)).toEqual({
    containers: { active: 2, inactive: 2, degraded_scan: 1 },
    panes: { total: 2, registered: 1, unregistered: 1 },
    agents: { total: 3, by_role: { master: 1, slave: 1, swarm: 0, "test-runner": 1, shell: 0, unknown: 0 } },
    log_attachments: { active: 0, degraded: 0, none: 2 },
    events: { total: 2 },
    queue: { queued: 1, blocked: 0, delivered: 2, canceled: 0, failed: 1 },
    routes: { enabled: 1, disabled: 2 },
  });
  expect(store.read((tx) => readDashboard(tx, 10)).activeAgents).toBe(2);
});

test("recent rows are newest first and no more than asked for; bodies come only by their head", () => {
  store.write((tx) => {
    for (const type of ["error", "activity", "routing_toggled"]) addEvent(tx, type);
    for (const n of [2, 3, 1]) addMessage(tx, `m${n}`, "queued", n);
    tx.db.run("UPDATE message_queue SET envelope_body = zeroblob(60000) WHERE message_id = 'm3'");
    for (const n of [1, 2, 3]) {
      tx.db.run(
        `INSERT INTO routes VALUES ('r${n}','error','any',NULL,'source',NULL,'auto',NULL,'t',1,0,'t${n}','t','h')`,
      );
    }
  });
  const { recent } = store.read((tx) => readDashboard(tx, 2));
  expect(recent.events.map((row) => [row.event_id, row.event_type])).toEqual([
    [3, "routing_toggled"],
    [2, "activity"],
  ]);
  expect(recent.queue.map((row) => [row.message_id, row.envelope_head.length])).toEqual([
    ["m3", 2048],
    ["m2", 2],
  ]);
  expect(recent.routes.map((row) => row.route_id)).toEqual(["r3", "r2"]);
});
