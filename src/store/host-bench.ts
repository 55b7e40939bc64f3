/** Which container row is the host bench (00 §7): the one without an image that says so in its labels. */
import type { Tx } from "./open.ts";

/** As a SQL condition on `containers`. */
export const IS_HOST_BENCH = `(image = '' AND json_extract(labels_json, '$."agenttower.kind"') IS 'host')`;

/** Whether the host bench is active and no other bench is. */
export function isHostBenchAlone(tx: Tx): boolean {
  const row = tx.db
    .query<{ active: number; host: number }, []>(
      `SELECT count(*) AS active, count(*) FILTER (WHERE ${IS_HOST_BENCH}) AS host FROM containers WHERE active = 1`,
    )
    .get();
  return row !== null && row.active === 1 && row.host === 1;
}
