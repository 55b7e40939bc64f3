/**
 * Counters that never look at history (06 §5): kept by triggers in temporary tables, so they follow every statement and every
 * rollback, are never on disk, and are counted afresh when the store opens.
 *
 * `tally` holds `<prefix>.<value>` → number of rows, and `events.total` for the classifier's events; `pane_tally` holds panes by bench, state and registration, with the bench
 * `''` for all of them. A pane is registered when an active agent has its key.
 */
import type { Database } from "bun:sqlite";
import type { Tx } from "./open.ts";

/** The types that the classifier gives; `events` holds audit rows of other types too (04 §1). */
export const CLASSIFIER_TYPES = [
  "activity",
  "waiting_for_input",
  "completed",
  "error",
  "test_failed",
  "test_passed",
  "manual_review_needed",
  "long_running",
  "pane_exited",
  "swarm_member_reported",
] as const;

/** One counter per value of `column`. */
type Counted = { prefix: string; table: string; column: string };

const COUNTED: readonly Counted[] = [
  { prefix: "containers", table: "containers", column: "active" },
  { prefix: "agents", table: "agents", column: "role" },
  { prefix: "agents_active", table: "agents", column: "active" },
  { prefix: "queue", table: "message_queue", column: "state" },
  { prefix: "routes", table: "routes", column: "enabled" },
];

/** Name of the tally row that gets a new value whenever an agent's log may have come, gone or changed. */
export const LOGS_EPOCH = "logs_epoch";

const PANE_KEY = [
  "container_id",
  "tmux_socket_path",
  "tmux_session_name",
  "tmux_window_index",
  "tmux_pane_index",
  "tmux_pane_id",
] as const;

/** Creates and fills the counters of this connection. */
export function installTally(db: Database): void {
  db.run("CREATE TEMP TABLE tally (name TEXT PRIMARY KEY, n INTEGER NOT NULL) WITHOUT ROWID");
  for (const counted of COUNTED) installCounter(db, counted);
  installEventCounter(db);
  installLogsEpoch(db);
  installPaneTally(db);
}

/** Rows per value under `prefix`; values without rows may be absent or 0. */
export function tallyOf(tx: Tx, prefix: string): Record<string, number> {
  const rows = tx.db
    .query<{ name: string; n: number }, [string, string]>("SELECT name, n FROM tally WHERE name >= ? AND name < ?")
    .all(`${prefix}.`, `${prefix}/`);
  return Object.fromEntries(rows.map((row) => [row.name.slice(prefix.length + 1), row.n]));
}

/** Which panes to count; what is left out does not matter. */
export type PaneCountFilter = {
  containerId?: string | undefined;
  active?: boolean | undefined;
  registered?: boolean | undefined;
};

/** How many panes there are, at the same cost for any number of them. */
export function countPanes(tx: Tx, filter: PaneCountFilter): number {
  const rows = tx.db
    .query<{ active: number; registered: number; n: number }, [string]>(
      "SELECT active, registered, n FROM pane_tally WHERE container_id = ?",
    )
    .all(filter.containerId ?? "");
  return rows
    .filter((row) => filter.active === undefined || row.active === Number(filter.active))
    .filter((row) => filter.registered === undefined || row.registered === Number(filter.registered))
    .reduce((sum, row) => sum + row.n, 0);
}

function installCounter(db: Database, { prefix, table, column }: Counted): void {
  const add = (row: "new" | "old", by: 1 | -1): string =>
    `INSERT INTO tally (name, n) VALUES ('${prefix}.' || ${row}.${column}, ${by})
     ON CONFLICT (name) DO UPDATE SET n = n + excluded.n;`;
  trigger(db, `${prefix}_in`, `AFTER INSERT ON main.${table}`, add("new", 1));
  trigger(db, `${prefix}_out`, `AFTER DELETE ON main.${table}`, add("old", -1));
  const changed = `AFTER UPDATE OF ${column} ON main.${table} WHEN old.${column} IS NOT new.${column}`;
  trigger(db, `${prefix}_move`, changed, add("old", -1) + add("new", 1));
  db.run(
    `INSERT INTO tally (name, n) SELECT '${prefix}.' || ${column}, count(*) FROM main.${table} GROUP BY ${column}`,
  );
}

/** Counted by the smallest index there is: a million events have to be counted within a start (00 §5). */
function installEventCounter(db: Database): void {
  const types = CLASSIFIER_TYPES.map((type) => `'${type}'`).join(", ");
  const add = (by: 1 | -1): string => `UPDATE tally SET n = n + ${by} WHERE name = 'events.total';`;
  trigger(db, "events_in", `AFTER INSERT ON main.events WHEN new.event_type IN (${types})`, add(1));
  trigger(db, "events_out", `AFTER DELETE ON main.events WHEN old.event_type IN (${types})`, add(-1));
  db.run(
    `INSERT INTO tally (name, n)
     SELECT 'events.total', count(*) FROM main.events INDEXED BY events_classified_by_id WHERE event_type IN (${types})`,
  );
}

/** A random value, not a count: after a rollback the same count could stand for other rows. */
function installLogsEpoch(db: Database): void {
  db.run(`INSERT INTO tally (name, n) VALUES ('${LOGS_EPOCH}', random())`);
  const renew = `UPDATE tally SET n = random() WHERE name = '${LOGS_EPOCH}';`;
  for (const table of ["agents", "log_attachments"]) {
    trigger(db, `logs_${table}_in`, `AFTER INSERT ON main.${table}`, renew);
    trigger(db, `logs_${table}_out`, `AFTER DELETE ON main.${table}`, renew);
  }
  trigger(db, "logs_agents_move", "AFTER UPDATE OF active, agent_id ON main.agents", renew);
  const columns = "agent_id, status, last_status_at";
  trigger(db, "logs_attachments_move", `AFTER UPDATE OF ${columns} ON main.log_attachments`, renew);
}

function installPaneTally(db: Database): void {
  db.run(`CREATE TEMP TABLE pane_tally (
    container_id TEXT, active INTEGER, registered INTEGER, n INTEGER NOT NULL,
    PRIMARY KEY (container_id, active, registered)
  ) WITHOUT ROWID`);

  const sameKey = (left: string, right: string): string =>
    PANE_KEY.map((column) => `${left}.${column} = ${right}.${column}`).join(" AND ");
  const changed = PANE_KEY.map((column) => `old.${column} <> new.${column}`).join(" OR ");
  const keyAndActive = `${PANE_KEY.join(", ")}, active`;

  const count = (row: "new" | "old", by: 1 | -1): string => {
    const registered = `EXISTS (SELECT 1 FROM main.agents AS a WHERE a.active = 1 AND ${sameKey("a", row)})`;
    return [`''`, `${row}.container_id`].map((bench) => bump(bench, `${row}.active`, registered, by)).join("");
  };
  trigger(db, "panes_in", "AFTER INSERT ON main.panes", count("new", 1));
  trigger(db, "panes_out", "AFTER DELETE ON main.panes", count("old", -1));
  const paneMoved = `AFTER UPDATE OF ${keyAndActive} ON main.panes WHEN old.active <> new.active OR ${changed}`;
  trigger(db, "panes_move", paneMoved, count("old", -1) + count("new", 1));

  /** The pane of an agent, if there is one, changes sides. */
  const register = (row: "new" | "old", to: 0 | 1): string =>
    [`''`, "p.container_id"]
      .flatMap((bench) => [
        bumpFrom(bench, 1 - to, -1, sameKey("p", row), row),
        bumpFrom(bench, to, 1, sameKey("p", row), row),
      ])
      .join("");
  trigger(db, "agents_pane_in", "AFTER INSERT ON main.agents", register("new", 1));
  trigger(db, "agents_pane_out", "AFTER DELETE ON main.agents", register("old", 0));
  const agentMoved = `AFTER UPDATE OF ${keyAndActive} ON main.agents WHEN old.active <> new.active OR ${changed}`;
  trigger(db, "agents_pane_move", agentMoved, register("old", 0) + register("new", 1));

  fillPaneTally(db, sameKey("a", "p"));
}

function bump(bench: string, active: string, registered: string, by: 1 | -1): string {
  return `INSERT INTO pane_tally (container_id, active, registered, n) VALUES (${bench}, ${active}, ${registered}, ${by})
    ON CONFLICT DO UPDATE SET n = n + excluded.n;`;
}

/** As `bump`, for the pane that the agent `row` stands on; nothing when the agent is inactive or has no pane row. */
function bumpFrom(bench: string, registered: number, by: 1 | -1, key: string, row: "new" | "old"): string {
  return `INSERT INTO pane_tally (container_id, active, registered, n)
    SELECT ${bench}, p.active, ${registered}, ${by} FROM main.panes AS p WHERE ${row}.active = 1 AND ${key}
    ON CONFLICT DO UPDATE SET n = n + excluded.n;`;
}

/** Panes first as if none were registered, then the few that are: one index scan and one look-up per agent. */
function fillPaneTally(db: Database, sameKey: string): void {
  const upsert = "ON CONFLICT DO UPDATE SET n = n + excluded.n";
  db.run(
    `INSERT INTO pane_tally SELECT container_id, active, 0, count(*) FROM main.panes GROUP BY container_id, active`,
  );
  db.run(
    `INSERT INTO pane_tally
     SELECT p.container_id, p.active, side.column1, sum(side.column2)
     FROM main.agents AS a CROSS JOIN main.panes AS p CROSS JOIN (VALUES (0, -1), (1, 1)) AS side
     WHERE a.active = 1 AND ${sameKey} GROUP BY 1, 2, 3 ${upsert}`,
  );
  db.run(
    `INSERT INTO pane_tally SELECT '', active, registered, sum(n) FROM pane_tally WHERE true GROUP BY 2, 3 ${upsert}`,
  );
}

function trigger(db: Database, name: string, when: string, statements: string): void {
  db.run(`CREATE TEMP TRIGGER tally_${name} ${when} BEGIN ${statements} END`);
}
