/** SQL of table `containers` (02 §7). Rows are never deleted. */
import type { Tx } from "./open.ts";

export type ContainerRow = {
  container_id: string;
  name: string;
  image: string;
  status: string;
  labels_json: string;
  mounts_json: string;
  inspect_json: string;
  config_user: string | null;
  working_dir: string | null;
  active: 0 | 1;
  /** Form A. */
  first_seen_at: string;
  last_scanned_at: string;
};

/** What an inactive row learns when it goes: the real status, or `null` to keep what it says (02 §14). */
export type Departure = { container_id: string; status: string | null };

/** All rows that are active. */
export function activeContainers(tx: Tx): ContainerRow[] {
  return tx.db.query<ContainerRow, []>("SELECT * FROM containers WHERE active = 1 ORDER BY container_id").all();
}

export function containerById(tx: Tx, id: string): ContainerRow | null {
  return tx.db.query<ContainerRow, [string]>("SELECT * FROM containers WHERE container_id = ?").get(id);
}

/** Those of `ids` that have a row. */
export function containersByIds(tx: Tx, ids: Iterable<string>): ContainerRow[] {
  const rows: ContainerRow[] = [];
  for (const id of ids) {
    const row = containerById(tx, id);
    if (row) rows.push(row);
  }
  return rows;
}

/** Ids of all rows with exactly this name, active or not (02 §8). */
export function containerIdsNamed(tx: Tx, name: string): string[] {
  const query = tx.db.query<{ container_id: string }, [string]>("SELECT container_id FROM containers WHERE name = ?");
  return query.all(name).map((row) => row.container_id);
}

/** Rows for `list_containers`: active first, newest scan first, then id (02 §8). */
export function listContainers(tx: Tx, activeOnly: boolean): ContainerRow[] {
  const where = activeOnly ? "WHERE active = 1" : "";
  const order = "ORDER BY active DESC, last_scanned_at DESC, container_id";
  return tx.db.query<ContainerRow, []>(`SELECT * FROM containers ${where} ${order}`).all();
}

/** Writes whole rows, new or known; a known one keeps its `first_seen_at`. */
export function upsertContainers(tx: Tx, rows: readonly ContainerRow[]): void {
  const statement = tx.db.query(
    `INSERT INTO containers (container_id, name, image, status, labels_json, mounts_json, inspect_json, config_user,
       working_dir, active, first_seen_at, last_scanned_at)
     VALUES ($container_id, $name, $image, $status, $labels_json, $mounts_json, $inspect_json, $config_user,
       $working_dir, $active, $first_seen_at, $last_scanned_at)
     ON CONFLICT (container_id) DO UPDATE SET name = excluded.name, image = excluded.image, status = excluded.status,
       labels_json = excluded.labels_json, mounts_json = excluded.mounts_json, inspect_json = excluded.inspect_json,
       config_user = excluded.config_user, working_dir = excluded.working_dir, active = excluded.active,
       last_scanned_at = excluded.last_scanned_at`,
  );
  for (const row of rows) {
    statement.run({
      $container_id: row.container_id,
      $name: row.name,
      $image: row.image,
      $status: row.status,
      $labels_json: row.labels_json,
      $mounts_json: row.mounts_json,
      $inspect_json: row.inspect_json,
      $config_user: row.config_user,
      $working_dir: row.working_dir,
      $active: row.active,
      $first_seen_at: row.first_seen_at,
      $last_scanned_at: row.last_scanned_at,
    });
  }
}

/** Only `last_scanned_at` changes. */
export function touchContainers(tx: Tx, ids: readonly string[], at: string): void {
  const statement = tx.db.query("UPDATE containers SET last_scanned_at = ? WHERE container_id = ?");
  for (const id of ids) statement.run(at, id);
}

export function inactivateContainers(tx: Tx, departures: readonly Departure[], at: string): void {
  const statement = tx.db.query(
    "UPDATE containers SET active = 0, status = coalesce(?, status), last_scanned_at = ? WHERE container_id = ?",
  );
  for (const { container_id, status } of departures) statement.run(status, at, container_id);
}
