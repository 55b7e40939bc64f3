/** What earlier pane scans said, so that a background scan is recorded only when it says something else (02 §11). */
import type { PaneScanResult } from "../contract/scans.ts";
import { isNews, type Verdict } from "./scan-lines.ts";

type Containers = PaneScanResult["containers"];

export type PaneMemory = {
  isNews(ids: readonly string[] | null, verdict: Verdict, containers: Containers): boolean;
  remember(ids: readonly string[] | null, verdict: Verdict, containers: Containers): void;
};

/**
 * A scan of all containers is compared with the last of its kind. One of a few says nothing about the others, so it is compared
 * container by container.
 * @param newest verdict of the newest scan row
 */
export function createPaneMemory(newest: Verdict | null): PaneMemory {
  let whole = newest;
  const codes = new Map<string, string | null>();
  // A scan that came to nothing has no containers to compare.
  const isWhole = (ids: readonly string[] | null, verdict: Verdict, containers: Containers): boolean =>
    ids === null || (verdict.status === "degraded" && containers.length === 0);

  return {
    isNews(ids, verdict, containers) {
      if (isWhole(ids, verdict, containers)) return isNews(whole, verdict);
      return containers.some(({ container_id, error_code }) => error_code !== (codes.get(container_id) ?? null));
    },
    remember(ids, verdict, containers) {
      if (isWhole(ids, verdict, containers)) whole = verdict;
      for (const { container_id, error_code, state } of containers) {
        if (state === "skipped_inactive") codes.delete(container_id);
        else codes.set(container_id, error_code);
      }
    },
  };
}
