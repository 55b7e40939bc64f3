/**
 * `pane_key` (06 §6): an opaque string that names one pane row alone, also after it moved to another window or session. It
 * holds SQLite's number of the row, which stays as long as rows are not deleted, and a digest of what never changes about a
 * pane, so that a key from another registry finds nothing.
 */
import { type PaneListRow, panesMatching } from "./lists.ts";
import type { Tx } from "./open.ts";

type PaneOrigin = Pick<
  PaneListRow,
  "pane_rowid" | "container_id" | "tmux_socket_path" | "tmux_pane_id" | "first_seen_at"
>;

const SHAPE = /^p([0-9a-z]{1,11})-[0-9a-z]{1,13}$/;

/** The key of a row. */
export function paneKeyOf(row: PaneOrigin): string {
  const origin = JSON.stringify([row.container_id, row.tmux_socket_path, row.tmux_pane_id, row.first_seen_at]);
  return `p${row.pane_rowid.toString(36)}-${Bun.hash.xxHash64(origin).toString(36)}`;
}

/** The row that a key names. */
export function paneByPaneKey(tx: Tx, key: string): PaneListRow | null {
  const number = SHAPE.exec(key)?.[1];
  if (number === undefined) return null;
  const rowid = Number.parseInt(number, 36);
  if (!Number.isSafeInteger(rowid)) return null;
  const row = panesMatching(tx, { pane_rowid: rowid }, 1)[0];
  return row && paneKeyOf(row) === key ? row : null;
}
