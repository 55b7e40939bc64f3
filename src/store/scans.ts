/** SQL of tables `container_scans` and `pane_scans` (02 §7), and of the set of benches whose last pane scan failed (02 §8). */
import type { Tx } from "./open.ts";

export type ContainerScanRow = {
  scan_id: string;
  started_at: string;
  completed_at: string;
  status: "ok" | "degraded";
  matched_count: number;
  inactive_reconciled_count: number;
  ignored_count: number;
  error_code: string | null;
  error_message: string | null;
  error_details_json: string | null;
};

export type PaneScanRow = {
  scan_id: string;
  started_at: string;
  completed_at: string;
  status: "ok" | "degraded";
  containers_scanned: number;
  sockets_scanned: number;
  panes_seen: number;
  panes_newly_active: number;
  panes_reconciled_inactive: number;
  containers_skipped_inactive: number;
  containers_tmux_unavailable: number;
  error_code: string | null;
  error_message: string | null;
  error_details_json: string | null;
};

/** Newest rows kept per table (02 §12). */
const HISTORY_ROWS = 5000;

export function insertContainerScan(tx: Tx, row: ContainerScanRow): void {
  const statement = tx.db.query(
    `INSERT INTO container_scans (scan_id, started_at, completed_at, status, matched_count, inactive_reconciled_count,
       ignored_count, error_code, error_message, error_details_json) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  statement.run(
    row.scan_id,
    row.started_at,
    row.completed_at,
    row.status,
    row.matched_count,
    row.inactive_reconciled_count,
    row.ignored_count,
    row.error_code,
    row.error_message,
    row.error_details_json,
  );
}

export function insertPaneScan(tx: Tx, row: PaneScanRow): void {
  const statement = tx.db.query(
    `INSERT INTO pane_scans (scan_id, started_at, completed_at, status, containers_scanned, sockets_scanned, panes_seen,
       panes_newly_active, panes_reconciled_inactive, containers_skipped_inactive, containers_tmux_unavailable,
       error_code, error_message, error_details_json) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  statement.run(
    row.scan_id,
    row.started_at,
    row.completed_at,
    row.status,
    row.containers_scanned,
    row.sockets_scanned,
    row.panes_seen,
    row.panes_newly_active,
    row.panes_reconciled_inactive,
    row.containers_skipped_inactive,
    row.containers_tmux_unavailable,
    row.error_code,
    row.error_message,
    row.error_details_json,
  );
}

export function newestContainerScan(tx: Tx): ContainerScanRow | null {
  return tx.db
    .query<ContainerScanRow, []>("SELECT * FROM container_scans ORDER BY started_at DESC, rowid DESC LIMIT 1")
    .get();
}

export function newestPaneScan(tx: Tx): PaneScanRow | null {
  return tx.db.query<PaneScanRow, []>("SELECT * FROM pane_scans ORDER BY started_at DESC, rowid DESC LIMIT 1").get();
}

/** Drops all but the newest rows of both tables; for daemon start. */
export function pruneScans(tx: Tx): void {
  for (const table of ["container_scans", "pane_scans"]) {
    tx.db
      .query(
        `DELETE FROM ${table} WHERE rowid NOT IN (SELECT rowid FROM ${table} ORDER BY started_at DESC, rowid DESC LIMIT ?)`,
      )
      .run(HISTORY_ROWS);
  }
}

/** Puts benches into the set, or takes them out. */
export function setDegradedScan(tx: Tx, containerIds: Iterable<string>, isDegraded: boolean): void {
  const statement = tx.db.query(
    isDegraded
      ? "INSERT INTO degraded_scan (container_id) VALUES (?) ON CONFLICT DO NOTHING"
      : "DELETE FROM degraded_scan WHERE container_id = ?",
  );
  for (const id of containerIds) statement.run(id);
}
