import { afterEach, beforeEach, expect, test } from "bun:test";
import fc from "fast-check";
import { logAttachmentCounts, readCounts } from "../../src/store/dashboard.ts";
import type { Store, Tx } from "../../src/store/open.ts";
import { CLASSIFIER_TYPES, countPanes, tallyOf } from "../../src/store/tally.ts";
import {
  addAgent,
  addContainer,
  addEvent,
  addMessage,
  addPane,
  type Folder,
  folder,
  type PaneSeed,
  quickStore,
} from "./registry.ts";

let at: Folder;
let store: Store;
beforeEach(() => {
  at = folder();
  store = quickStore(at.path);
});
afterEach(() => {
  store.close();
  at.remove();
});

/** What the counters must say, counted the long way. */
function counted(tx: Tx): unknown {
  const group = (sql: string): Record<string, number> =>
    Object.fromEntries(
      tx.db
        .query<{ k: string; n: number }, []>(sql)
        .all()
        .map((row) => [`${row.k}`, row.n]),
    );
  return {
    containers: group("SELECT active AS k, count(*) AS n FROM containers GROUP BY 1"),
    agents: group("SELECT role AS k, count(*) AS n FROM agents GROUP BY 1"),
    agents_active: group("SELECT active AS k, count(*) AS n FROM agents GROUP BY 1"),
    queue: group("SELECT state AS k, count(*) AS n FROM message_queue GROUP BY 1"),
    events: group(
      `SELECT 'total' AS k, count(*) AS n FROM events WHERE event_type IN (${CLASSIFIER_TYPES.map((t) => `'${t}'`).join()}) HAVING n > 0`,
    ),
    panes: group(
      `SELECT container_id || active || registered AS k, count(*) AS n FROM (
         SELECT container_id, active, EXISTS (
           SELECT 1 FROM agents AS a WHERE a.active = 1 AND a.container_id = p.container_id
             AND a.tmux_session_name = p.tmux_session_name AND a.tmux_pane_id = p.tmux_pane_id
             AND a.tmux_window_index = p.tmux_window_index AND a.tmux_pane_index = p.tmux_pane_index
         ) AS registered FROM panes AS p
       ) GROUP BY 1`,
    ),
    all: group("SELECT active AS k, count(*) AS n FROM panes GROUP BY 1"),
  };
}

function kept(tx: Tx): unknown {
  const alive = (counts: Record<string, number>): Record<string, number> =>
    Object.fromEntries(Object.entries(counts).filter(([, n]) => n !== 0));
  const panes: Record<string, number> = {};
  for (const container of ["c1", "c2"]) {
    for (const active of [true, false]) {
      for (const registered of [true, false]) {
        const key = `${container}${Number(active)}${Number(registered)}`;
        panes[key] = countPanes(tx, { containerId: container, active, registered });
      }
    }
  }
  return {
    containers: alive(tallyOf(tx, "containers")),
    agents: alive(tallyOf(tx, "agents")),
    agents_active: alive(tallyOf(tx, "agents_active")),
    queue: alive(tallyOf(tx, "queue")),
    events: alive(tallyOf(tx, "events")),
    panes: alive(panes),
    all: alive({ 0: countPanes(tx, { active: false }), 1: countPanes(tx, { active: true }) }),
  };
}

const seedOf = (n: number): PaneSeed => ({ container: n % 2 === 0 ? "c1" : "c2", paneId: `%${n}`, session: "s" });

type Act = (tx: Tx, a: number, bit: 0 | 1, b: number) => void;

const run = (tx: Tx, sql: string, ...values: (string | number)[]): void => void tx.db.query(sql).run(...values);

/** Things that can happen; some break a constraint, which is part of the game. */
const ACTS: Record<string, Act> = {
  pane: (tx, a, bit) => addPane(tx, { ...seedOf(a), active: bit }),
  "pane active": (tx, a, bit) =>
    run(tx, "UPDATE panes SET active = ?, last_scanned_at = 'x' WHERE tmux_pane_id = ?", bit, `%${a}`),
  "pane moves": (tx, a, bit) =>
    run(tx, "UPDATE panes SET tmux_session_name = ? WHERE tmux_pane_id = ?", bit ? "s1" : "s", `%${a}`),
  "pane replaced": (tx, a, bit) =>
    run(
      tx,
      `INSERT OR REPLACE INTO panes SELECT container_id, tmux_socket_path, tmux_session_name, tmux_window_index,
         tmux_pane_index, tmux_pane_id, 'n', 'u', 2, 't', 'sh', '/', '', 0, ?, 'x', 'y' FROM panes WHERE tmux_pane_id = ?`,
      bit,
      `%${a}`,
    ),
  "pane gone": (tx, a) => run(tx, "DELETE FROM panes WHERE tmux_pane_id = ?", `%${a}`),
  "all panes": (tx, _a, bit) => run(tx, "UPDATE panes SET active = ?", bit),
  agent: (tx, a, bit, b) => addAgent(tx, `agt_${a}`, seedOf(a), ["master", "slave", "shell"][b % 3], bit),
  "agent active": (tx, a, bit) => run(tx, "UPDATE agents SET active = ? WHERE agent_id = ?", bit, `agt_${a}`),
  "agent moves": (tx, a, bit) =>
    run(tx, "UPDATE agents SET tmux_session_name = ? WHERE agent_id = ?", bit ? "s1" : "s", `agt_${a}`),
  "agent role": (tx, a, bit) =>
    run(tx, "UPDATE agents SET role = 'swarm', active = ? WHERE agent_id = ?", bit, `agt_${a}`),
  "agent gone": (tx, a) => run(tx, "DELETE FROM agents WHERE agent_id = ?", `agt_${a}`),
  container: (tx, a, bit) => addContainer(tx, `c${a}`, "n", bit),
  containers: (tx, _a, bit) => run(tx, "UPDATE containers SET active = ?", bit),
  event: (tx, a, bit) => addEvent(tx, bit ? "routing_toggled" : (CLASSIFIER_TYPES[a] ?? "error")),
  message: (tx, a, bit) => addMessage(tx, `m${a}`, bit ? "queued" : "delivered"),
  "message state": (tx, a, _bit, b) =>
    run(
      tx,
      "UPDATE message_queue SET state = ? WHERE message_id = ?",
      ["queued", "blocked", "failed"][b % 3] ?? "",
      `m${a}`,
    ),
};

test("counters equal counts after any changes, broken ones and rollbacks included, and after a new opening", () => {
  const change = fc.record({
    act: fc.constantFrom(...Object.values(ACTS)),
    a: fc.nat(5),
    b: fc.nat(5),
    fail: fc.nat(9),
  });
  fc.assert(
    fc.property(fc.array(change, { maxLength: 30 }), (changes) => {
      for (const one of changes) {
        try {
          store.write((tx) => {
            one.act(tx, one.a, one.b % 2 === 0 ? 0 : 1, one.b);
            if (one.fail === 0) throw new RangeError("rolled back");
          });
        } catch (error) {
          if (!(error instanceof RangeError) && !`${error}`.includes("SQLITE_CONSTRAINT")) throw error;
        }
      }
      expect(store.read(kept)).toEqual(store.read(counted));
      store.close();
      store = quickStore(at.path);
      expect(store.read(kept)).toEqual(store.read(counted));
      store.write(({ db }) => {
        for (const table of ["panes", "agents", "containers", "events", "message_queue"])
          db.run(`DELETE FROM ${table}`);
      });
    }),
    { numRuns: 50 },
  );
});

test("counters are never on disk", () => {
  const names = store.read(({ db }) => db.query("SELECT name FROM main.sqlite_schema WHERE name LIKE '%tally%'").all());
  expect(names).toEqual([]);
});

test("log counts of active agents follow every change", () => {
  const attach = (id: string, agent: string, status: string, when: string): void =>
    store.write(({ db }) => {
      db.query(
        `INSERT INTO log_attachments SELECT ?, agent_id, container_id, tmux_socket_path, tmux_session_name, tmux_window_index,
           tmux_pane_index, tmux_pane_id, ?, ?, 'explicit', 'x', NULL, ?, ?, NULL, NULL, ? FROM agents WHERE agent_id = ?`,
      ).run(id, `/l/${id}`, status, when, when, when, agent);
    });
  const counts = (): unknown => store.read(logAttachmentCounts);
  store.write((tx) => {
    for (const n of [0, 1, 2]) addAgent(tx, `agt_${n}`, seedOf(n));
    addAgent(tx, "agt_3", seedOf(3), "slave", 0);
  });
  expect(counts()).toEqual({ active: 0, degraded: 0, none: 3 });
  attach("l0", "agt_0", "active", "t1");
  attach("l1", "agt_1", "stale", "t1");
  attach("l3", "agt_3", "active", "t1");
  expect(counts()).toEqual({ active: 1, degraded: 1, none: 1 });
  attach("l4", "agt_1", "detached", "t2");
  expect(counts()).toEqual({ active: 1, degraded: 0, none: 2 });
  attach("l5", "agt_0", "stale", "t3");
  expect(counts()).toEqual({ active: 1, degraded: 0, none: 2 });
  store.write(({ db }) => db.run("UPDATE log_attachments SET status = 'superseded' WHERE attachment_id = 'l0'"));
  expect(counts()).toEqual({ active: 0, degraded: 1, none: 2 });
  store.write(({ db }) => db.run("UPDATE agents SET active = 1 WHERE agent_id = 'agt_3'"));
  expect(counts()).toEqual({ active: 1, degraded: 1, none: 2 });
  expect(store.read(readCounts).log_attachments).toEqual({ active: 1, degraded: 1, none: 2 });
});
