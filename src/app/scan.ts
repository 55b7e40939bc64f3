/** Scans on demand (06 §7). How scans join, wait and are remembered is discovery's; here the call meets it. */
import { isUuid } from "../base/ids.ts";
import { refuse } from "../contract/faults.ts";
import type { ScanJobs } from "../discovery/jobs.ts";
import type { AppHandlers } from "../wire/dispatch.ts";

export type ScanDeps = { discovery: { jobs: ScanJobs } };

export function scanHandlers({ discovery: { jobs } }: ScanDeps) {
  return {
    "app.scan.containers": ({ signal }, params) => jobs.start("containers", params.wait, signal),

    "app.scan.panes": ({ signal }, params) => jobs.start("panes", params.wait, signal),

    "app.scan.status": (_call, params) => {
      // What is no id of ours is not repeated either.
      if (!isUuid(params.scan_id)) refuse("scan_not_found", { scan_id: "" }, "no such scan among the last 100");
      return jobs.status(params.scan_id);
    },
  } satisfies Partial<AppHandlers>;
}
