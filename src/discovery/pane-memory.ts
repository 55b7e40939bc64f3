/**
 * What earlier pane scans said of each container, so that a background scan is recorded only when it says something else
 * (02 §11). Compared container by container: a scan of one says nothing about the others, and must not make theirs news again.
 */
import type { PaneScanResult } from "../contract/scans.ts";
import type { PaneScanRow } from "../store/scans.ts";
import { storedDetails } from "./degraded.ts";
import type { Verdict } from "./scan-lines.ts";

type Containers = PaneScanResult["containers"];

export type PaneMemory = {
  /** @param isAll the scan was not limited to some containers */
  isNews(isAll: boolean, verdict: Verdict, containers: Containers): boolean;
  remember(isAll: boolean, verdict: Verdict, containers: Containers): void;
};

/** @param newest the newest scan row: a restart makes nothing news */
export function createPaneMemory(newest: PaneScanRow | null): PaneMemory {
  /** Why the last scan came to nothing, if it did. */
  let nothing = newest && newest.error_details_json === null ? newest.error_code : null;
  /** Codes of containers that were not well. */
  const codes = new Map<string, string>();
  for (const { container_id, error_code } of newest ? storedDetails(newest) : []) {
    if (!codes.has(container_id)) codes.set(container_id, error_code);
  }
  const cameToNothing = (verdict: Verdict, containers: Containers): boolean =>
    verdict.status === "degraded" && containers.length === 0;

  return {
    isNews(isAll, verdict, containers) {
      if (cameToNothing(verdict, containers)) return nothing !== verdict.error_code;
      const told = new Set(containers.map(({ container_id }) => container_id));
      const isForgotten = isAll && [...codes.keys()].some((id) => !told.has(id));
      const differs = containers.some(
        ({ container_id, error_code }) => error_code !== (codes.get(container_id) ?? null),
      );
      return nothing !== null || isForgotten || differs;
    },
    remember(isAll, verdict, containers) {
      nothing = cameToNothing(verdict, containers) ? verdict.error_code : null;
      if (nothing !== null) return;
      if (isAll) codes.clear();
      for (const { container_id, error_code } of containers) {
        if (error_code === null) codes.delete(container_id);
        else codes.set(container_id, error_code);
      }
    },
  };
}
