/**
 * The benches whose newest pane scan failed or was partial (02 §8). The set lives in a temporary table, so that lists and counts
 * join it; scans keep it, and a starting daemon makes it anew from the newest scan row.
 */
import { activeContainers } from "../store/containers.ts";
import type { Tx } from "../store/open.ts";
import { newestPaneScan, type PaneScanRow, setDegradedScan } from "../store/scans.ts";
import { isCutOnly } from "./pane-outcome.ts";

type StoredDetail = { container_id: string; error_code: string; error_message: string };

/** For daemon start. */
export function rebuildDegradedScan(tx: Tx): void {
  const newest = newestPaneScan(tx);
  if (!newest || newest.error_code === null) return;
  const active = new Set(activeContainers(tx).map((row) => row.container_id));
  const details = storedDetails(newest);
  const failed = details.filter((detail) => !isCutOnly(detail)).map((detail) => detail.container_id);
  setDegradedScan(tx, details.length === 0 ? active : failed.filter((id) => active.has(id)), true);
}

/** The entries of a scan row. It was written by us, but the file may have been touched by others. */
export function storedDetails({ error_details_json: json }: Pick<PaneScanRow, "error_details_json">): StoredDetail[] {
  const details: unknown = json === null ? [] : JSON.parse(json);
  return Array.isArray(details) ? details.filter(isDetail) : [];
}

function isDetail(value: unknown): value is StoredDetail {
  return (
    typeof value === "object" &&
    value !== null &&
    "container_id" in value &&
    typeof value.container_id === "string" &&
    "error_code" in value &&
    typeof value.error_code === "string" &&
    "error_message" in value &&
    typeof value.error_message === "string"
  );
}
