/** Scans on demand (06 §7). */
import * as v from "valibot";
import { flag, name, unixMs } from "../fields.ts";
import type { AppMethods } from "../method.ts";
import { containerScanResult, paneScanResult } from "../scans.ts";

const SCAN_KINDS = ["containers", "panes"] as const;
const SCAN_STATES = ["running", "completed", "failed"] as const;

const failure = v.object({ error: v.string() });
/** The older name of the counter stays beside the one of the scan row (02 §8). */
const appPaneScanResult = v.object({
  ...paneScanResult.entries,
  panes_reconciled_inactive: paneScanResult.entries.panes_reconciled_to_inactive,
});
const startParams = v.object({ wait: v.optional(flag, true) });

const answer = <const R extends v.GenericSchema>(result: R) =>
  v.object({
    scan_id: v.string(),
    state: v.picklist(SCAN_STATES),
    result: v.optional(v.union([result, failure])),
  });

export const scanMethods = {
  "app.scan.containers": {
    since: "1.0",
    who: "host",
    session: true,
    mutates: true,
    summary: "Scan the benches; joins a scan that an app client already started.",
    params: startParams,
    result: answer(containerScanResult),
    codes: ["scan_timeout", "validation_failed"],
  },
  "app.scan.panes": {
    since: "1.0",
    who: "host",
    session: true,
    mutates: true,
    summary: "Scan the tmux panes of all active benches; joins a scan that an app client already started.",
    params: startParams,
    result: answer(appPaneScanResult),
    codes: ["scan_timeout", "validation_failed"],
  },
  "app.scan.status": {
    since: "1.0",
    who: "host",
    session: true,
    mutates: false,
    summary: "State and outcome of one of the last 100 app scans.",
    params: v.object({ scan_id: name(64) }),
    result: v.object({
      state: v.picklist(SCAN_STATES),
      scan_kind: v.picklist(SCAN_KINDS),
      started_at: unixMs,
      completed_at: v.nullable(unixMs),
      result: v.nullable(v.union([containerScanResult, appPaneScanResult, failure])),
    }),
    codes: ["scan_not_found", "validation_failed"],
  },
} as const satisfies AppMethods;
