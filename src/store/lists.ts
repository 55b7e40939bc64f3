/** The lists of benches and panes (06 §6): every order with its index, totals from the tally. */
import { CURSOR_REFUSED, type CursorRefused, type Direction, type PageQuery, readPage } from "./keyset.ts";
import type { Tx } from "./open.ts";
import { countPanes, tallyOf } from "./tally.ts";

export type ContainerOrder = "name" | "first_seen_at" | "last_scanned_at";
/** `degraded_scan`: active, and its last pane scan failed; such a bench is not in `active`. */
export type ContainerState = "active" | "inactive" | "degraded_scan";

export type ListPaging<Order> = { order: Order; direction: Direction; limit: number; cursor?: string | undefined };
export type ListPage<Row> = { rows: Row[]; total: number; cursorNext: string | null };

export type ContainerListRow = {
  container_id: string;
  name: string;
  image: string;
  labels_json: string;
  active: 0 | 1;
  degraded_scan: 0 | 1;
  /** Form A. */
  first_seen_at: string;
  last_scanned_at: string;
  /** Active panes. */
  pane_count: number;
  /** Active agents. */
  registered_agent_count: number;
};

const CONTAINER_COLUMNS = `c.container_id, c.name, c.image, c.labels_json, c.active, c.first_seen_at, c.last_scanned_at,
  (c.active = 1 AND EXISTS (SELECT 1 FROM degraded_scan AS d WHERE d.container_id = c.container_id)) AS degraded_scan,
  (SELECT coalesce(sum(n), 0) FROM pane_tally AS t WHERE t.container_id = c.container_id AND t.active = 1) AS pane_count,
  (SELECT count(*) FROM agents AS a WHERE a.active = 1 AND a.container_id = c.container_id) AS registered_agent_count`;

const CONTAINER_INDEX: Record<ContainerOrder, string> = {
  name: "by_name",
  first_seen_at: "by_first_seen",
  last_scanned_at: "by_last_scanned",
};

/** One page of benches, of one state or all. */
export function listContainerPage(
  tx: Tx,
  filter: { state?: ContainerState | undefined },
  paging: ListPaging<ContainerOrder>,
): ListPage<ContainerListRow> | CursorRefused {
  const page = readPage<ContainerListRow>(tx, {
    list: "container",
    ...paging,
    keys: [`c.${paging.order}`, "c.container_id"],
    columns: CONTAINER_COLUMNS,
    table: "containers AS c",
    ...containersOf(filter.state, CONTAINER_INDEX[paging.order]),
    filters: filter,
  });
  return page === CURSOR_REFUSED ? page : { ...page, total: countContainers(tx, filter.state) };
}

/** One bench as the list shows it. */
export function containerListRow(tx: Tx, containerId: string): ContainerListRow | null {
  return tx.db
    .query<ContainerListRow, [string]>(`SELECT ${CONTAINER_COLUMNS} FROM containers AS c WHERE c.container_id = ?`)
    .get(containerId);
}

function containersOf(
  state: ContainerState | undefined,
  index: string,
): Pick<PageQuery, "from" | "where" | "unindexed"> {
  switch (state) {
    case undefined:
      return { from: `containers AS c INDEXED BY containers_${index}`, where: [] };
    case "inactive":
      return { from: `containers AS c INDEXED BY containers_active_${index}`, where: [{ sql: "c.active = 0" }] };
    case "active":
      return {
        from: `containers AS c INDEXED BY containers_active_${index}`,
        where: [{ sql: "c.active = 1" }, { sql: "c.container_id NOT IN (SELECT container_id FROM degraded_scan)" }],
      };
    case "degraded_scan":
      // Few: found one by one, then sorted.
      return {
        from: "degraded_scan AS d CROSS JOIN containers AS c ON c.container_id = d.container_id",
        where: [{ sql: "c.active = 1" }],
        unindexed: true,
      };
  }
}

function countContainers(tx: Tx, state: ContainerState | undefined): number {
  const tally = tallyOf(tx, "containers");
  const [active, inactive] = [tally["1"] ?? 0, tally["0"] ?? 0];
  if (state === undefined) return active + inactive;
  if (state === "inactive") return inactive;
  const degraded = countDegraded(tx);
  return state === "active" ? active - degraded : degraded;
}

/** Benches that are active and whose last pane scan failed. */
export function countDegraded(tx: Tx): number {
  return (
    tx.db
      .query<{ n: number }, []>(
        `SELECT count(*) AS n FROM degraded_scan AS d CROSS JOIN containers AS c ON c.container_id = d.container_id
         WHERE c.active = 1`,
      )
      .get()?.n ?? 0
  );
}

export type PaneOrder = "default" | "discovered_at" | "last_seen_at";

export type PaneListRow = {
  /** SQLite's number of the row; part of its `pane_key`. */
  pane_rowid: number;
  container_id: string;
  container_name: string;
  tmux_socket_path: string;
  tmux_session_name: string;
  tmux_window_index: number;
  tmux_pane_index: number;
  tmux_pane_id: string;
  pane_current_command: string;
  pane_current_path: string;
  pane_title: string;
  active: 0 | 1;
  /** Form A. */
  first_seen_at: string;
  last_scanned_at: string;
  /** The active agent on this pane, which makes it registered. */
  agent_id: string | null;
};

export type PaneFilter = {
  container_id?: string | undefined;
  registered?: boolean | undefined;
  include_inactive?: boolean | undefined;
};

const SAME_PANE = `a.container_id = p.container_id AND a.tmux_socket_path = p.tmux_socket_path
  AND a.tmux_session_name = p.tmux_session_name AND a.tmux_window_index = p.tmux_window_index
  AND a.tmux_pane_index = p.tmux_pane_index AND a.tmux_pane_id = p.tmux_pane_id`;

/** @param agentId SQL of the active agent on the pane */
const paneColumns = (
  agentId: string,
): string => `p.rowid AS pane_rowid, p.container_id, p.container_name, p.tmux_socket_path, p.tmux_session_name,
  p.tmux_window_index, p.tmux_pane_index, p.tmux_pane_id, p.pane_current_command, p.pane_current_path, p.pane_title,
  p.active, p.first_seen_at, p.last_scanned_at,
  ${agentId} AS agent_id`;

const PANE_COLUMNS = paneColumns(`(SELECT a.agent_id FROM agents AS a WHERE ${SAME_PANE} AND a.active = 1)`);

const PANE_ORDERS: Record<PaneOrder, { keys: readonly string[]; index: string }> = {
  default: {
    keys: ["p.container_name", "p.tmux_session_name", "p.tmux_window_index", "p.tmux_pane_index", "p.rowid"],
    index: "by_place",
  },
  discovered_at: { keys: ["p.first_seen_at", "p.rowid"], index: "by_first_seen" },
  last_seen_at: { keys: ["p.last_scanned_at", "p.rowid"], index: "by_last_scanned" },
};

/** One page of panes: active ones, or all of them with `include_inactive`. */
export function listPanePage(
  tx: Tx,
  filter: PaneFilter,
  paging: ListPaging<PaneOrder>,
): ListPage<PaneListRow> | CursorRefused {
  const { keys, index } = PANE_ORDERS[paging.order];
  const onlyActive = !filter.include_inactive;
  const page = readPage<PaneListRow>(tx, {
    list: "pane",
    ...paging,
    keys,
    table: "panes AS p",
    ...panesOf(filter.container_id, onlyActive, filter.registered, index),
    filters: { ...filter, include_inactive: !onlyActive },
  });
  if (page === CURSOR_REFUSED) return page;
  const active = onlyActive ? true : undefined;
  const total = countPanes(tx, { containerId: filter.container_id, registered: filter.registered, active });
  return { ...page, total };
}

/** Panes for `app.pane.detail`: those of a row number, or of a tmux pane id. */
export function panesMatching(
  tx: Tx,
  match:
    | { pane_rowid: number }
    | { tmux_pane_id: string; container_id?: string; tmux_socket_path?: string; active: 0 | 1 },
  limit: number,
): PaneListRow[] {
  if ("pane_rowid" in match) {
    return tx.db
      .query<PaneListRow, [number]>(`SELECT ${PANE_COLUMNS} FROM panes AS p WHERE p.rowid = ?`)
      .all(match.pane_rowid);
  }
  const wanted: [string, string | number | undefined][] = [
    ["tmux_pane_id", match.tmux_pane_id],
    ["active", match.active],
    ["container_id", match.container_id],
    ["tmux_socket_path", match.tmux_socket_path],
  ];
  const given = wanted.filter((entry): entry is [string, string | number] => entry[1] !== undefined);
  return tx.db
    .query<PaneListRow, (string | number)[]>(
      `SELECT ${PANE_COLUMNS} FROM panes AS p WHERE ${given.map(([column]) => `p.${column} = ?`).join(" AND ")}
       ORDER BY p.last_scanned_at DESC, p.rowid DESC LIMIT ?`,
    )
    .all(...given.map(([, value]) => value), limit);
}

function panesOf(
  containerId: string | undefined,
  onlyActive: boolean,
  registered: boolean | undefined,
  order: string,
): Pick<PageQuery, "columns" | "from" | "where" | "unindexed"> {
  const where: { sql: string; values?: readonly string[] }[] = [];
  if (containerId !== undefined) where.push({ sql: "p.container_id = ?", values: [containerId] });
  if (onlyActive) where.push({ sql: "p.active = 1" });
  if (registered === true) {
    // Agents are few, panes may be many: found by agent, then sorted.
    const from = `agents AS a CROSS JOIN panes AS p ON ${SAME_PANE}`;
    return { columns: paneColumns("a.agent_id"), from, where: [{ sql: "a.active = 1" }, ...where], unindexed: true };
  }
  if (registered === false) {
    where.push({ sql: `NOT EXISTS (SELECT 1 FROM agents AS a WHERE ${SAME_PANE} AND a.active = 1)` });
  }
  const scope = [containerId === undefined ? "" : "container_", onlyActive ? "active_" : ""].join("");
  return { columns: PANE_COLUMNS, from: `panes AS p INDEXED BY panes_${scope}${order}`, where };
}
