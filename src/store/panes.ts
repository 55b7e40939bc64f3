/** SQL of table `panes` (02 §7). Rows are never deleted; work on many rows is one statement or one prepared statement per row. */
import type { Tx } from "./open.ts";

/** The six columns that name a pane (02 §5.5). */
export type PaneKey = {
  container_id: string;
  tmux_socket_path: string;
  tmux_session_name: string;
  tmux_window_index: number;
  tmux_pane_index: number;
  tmux_pane_id: string;
};

export type PaneRow = PaneKey & {
  container_name: string;
  container_user: string;
  pane_pid: number;
  pane_tty: string;
  pane_current_command: string;
  pane_current_path: string;
  pane_title: string;
  pane_active: 0 | 1;
  active: 0 | 1;
  /** Form A. */
  first_seen_at: string;
  last_scanned_at: string;
};

/** A pane that now stands under another key (02 §14). */
export type PaneMove = { from: PaneKey; to: PaneKey };
/** Panes of a container: all of them, those of one socket, or those of all sockets but some. */
export type PaneScope = { container_id: string } & (
  | { kind: "all" }
  | { kind: "socket"; tmux_socket_path: string }
  | { kind: "other_sockets"; except: readonly string[] }
);

export const KEY_WHERE = `container_id = ? AND tmux_socket_path = ? AND tmux_session_name = ?
  AND tmux_window_index = ? AND tmux_pane_index = ? AND tmux_pane_id = ?`;
export const KEY_SET = `container_id = ?, tmux_socket_path = ?, tmux_session_name = ?,
  tmux_window_index = ?, tmux_pane_index = ?, tmux_pane_id = ?`;
export type KeyValues = [string, string, string, number, number, string];

export function keyValues(key: PaneKey): KeyValues {
  return [
    key.container_id,
    key.tmux_socket_path,
    key.tmux_session_name,
    key.tmux_window_index,
    key.tmux_pane_index,
    key.tmux_pane_id,
  ];
}

export function paneByKey(tx: Tx, key: PaneKey): PaneRow | null {
  return tx.db.query<PaneRow, KeyValues>(`SELECT * FROM panes WHERE ${KEY_WHERE}`).get(...keyValues(key));
}

/** Active rows of one container. */
export function activePanesOf(tx: Tx, containerId: string): PaneRow[] {
  // The hint keeps SQLite from walking all rows of a container that has mostly dead ones.
  return tx.db
    .query<PaneRow, [string]>(
      "SELECT * FROM panes INDEXED BY panes_active_order WHERE active = 1 AND container_id = ? ORDER BY rowid",
    )
    .all(containerId);
}

/** Inactive containers that have pane rows, by id (02 §4.1). */
export function inactiveContainersWithPanes(tx: Tx): string[] {
  const query = tx.db.query<{ container_id: string }, []>(
    `SELECT container_id FROM containers WHERE active = 0
       AND EXISTS (SELECT 1 FROM panes WHERE panes.container_id = containers.container_id) ORDER BY container_id`,
  );
  return query.all().map((row) => row.container_id);
}

/**
 * Rows for `list_panes`: active first, then by place (02 §8). Panes without a container row are left out.
 * @param containerIds `null`: of all containers
 */
export function listPanes(tx: Tx, activeOnly: boolean, containerIds: readonly string[] | null): PaneRow[] {
  const order = `ORDER BY panes.active DESC, panes.container_id, tmux_socket_path, tmux_session_name, tmux_window_index,
    tmux_pane_index, tmux_pane_id`;
  const from = "SELECT panes.* FROM panes JOIN containers USING (container_id) WHERE panes.active >= ?";
  const least = activeOnly ? 1 : 0;
  if (containerIds === null) return tx.db.query<PaneRow, [number]>(`${from} ${order}`).all(least);
  const scope = "panes.container_id IN (SELECT value FROM json_each(?))";
  return tx.db
    .query<PaneRow, [number, string]>(`${from} AND ${scope} ${order}`)
    .all(least, JSON.stringify(containerIds));
}

/** Writes whole rows, new or known; a known one keeps its `first_seen_at`. */
export function upsertPanes(tx: Tx, rows: readonly PaneRow[]): void {
  const statement = tx.db.query(
    `INSERT INTO panes (container_id, tmux_socket_path, tmux_session_name, tmux_window_index, tmux_pane_index, tmux_pane_id,
       container_name, container_user, pane_pid, pane_tty, pane_current_command, pane_current_path, pane_title,
       pane_active, active, first_seen_at, last_scanned_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET container_name = excluded.container_name, container_user = excluded.container_user,
       pane_pid = excluded.pane_pid, pane_tty = excluded.pane_tty, pane_current_command = excluded.pane_current_command,
       pane_current_path = excluded.pane_current_path, pane_title = excluded.pane_title,
       pane_active = excluded.pane_active, active = excluded.active, last_scanned_at = excluded.last_scanned_at`,
  );
  for (const row of rows) {
    statement.run(
      ...keyValues(row),
      row.container_name,
      row.container_user,
      row.pane_pid,
      row.pane_tty,
      row.pane_current_command,
      row.pane_current_path,
      row.pane_title,
      row.pane_active,
      row.active,
      row.first_seen_at,
      row.last_scanned_at,
    );
  }
}

/** Rewrites the identity columns of rows; nobody may hold the new ones. */
export function movePanes(tx: Tx, moves: readonly PaneMove[]): void {
  const statement = tx.db.query(`UPDATE panes SET ${KEY_SET} WHERE ${KEY_WHERE}`);
  for (const { from, to } of moves) statement.run(...keyValues(to), ...keyValues(from));
}

export function inactivatePanes(tx: Tx, keys: readonly PaneKey[], at: string): void {
  const statement = tx.db.query(`UPDATE panes SET active = 0, last_scanned_at = ? WHERE ${KEY_WHERE}`);
  for (const key of keys) statement.run(at, ...keyValues(key));
}

/** Only `last_scanned_at` changes. `inactive`: also of rows that are not active. */
export function touchPanes(tx: Tx, scopes: readonly PaneScope[], at: string, inactive: boolean): void {
  const activeOnly = inactive ? "" : " AND active = 1";
  const touch = `UPDATE panes SET last_scanned_at = ? WHERE container_id = ?${activeOnly}`;
  const ofSocket = tx.db.query(`${touch} AND tmux_socket_path = ?`);
  const ofOthers = tx.db.query(`${touch} AND tmux_socket_path NOT IN (SELECT value FROM json_each(?))`);
  const whole: string[] = [];
  for (const scope of scopes) {
    if (scope.kind === "all") whole.push(scope.container_id);
    else if (scope.kind === "socket") ofSocket.run(at, scope.container_id, scope.tmux_socket_path);
    else ofOthers.run(at, scope.container_id, JSON.stringify(scope.except));
  }
  // Rows of dead benches run into the ten thousands; one statement for all of them takes half the time.
  const inWhole = "container_id IN (SELECT value FROM json_each(?))";
  if (whole.length > 0) {
    tx.db.query(`UPDATE panes SET last_scanned_at = ? WHERE ${inWhole}${activeOnly}`).run(at, JSON.stringify(whole));
  }
}
