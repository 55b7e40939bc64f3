/** Which container row is the host bench (00 §7): the one without an image that says so in its labels. */
import type { Tx } from "./open.ts";

/** A container's image is never empty, so none of them can pass for the host by a label. */
export function isHostBench(row: { image: string; labels_json: string }): boolean {
  if (row.image !== "" || row.labels_json === "{}") return false;
  const labels: unknown = JSON.parse(row.labels_json);
  return (
    labels !== null && typeof labels === "object" && "agenttower.kind" in labels && labels["agenttower.kind"] === "host"
  );
}

/** The same as a SQL condition on `containers`. */
const IS_HOST_BENCH = `(image = '' AND json_extract(labels_json, '$."agenttower.kind"') IS 'host')`;

/** Whether the host bench is active and no other bench is. */
export function isHostBenchAlone(tx: Tx): boolean {
  const row = tx.db
    .query<{ active: number; host: number }, []>(
      `SELECT count(*) AS active, count(*) FILTER (WHERE ${IS_HOST_BENCH}) AS host FROM containers WHERE active = 1`,
    )
    .get();
  return row !== null && row.active === 1 && row.host === 1;
}
