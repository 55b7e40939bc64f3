/** Scans and their rows for older clients (02 §8). */
import * as v from "valibot";
import { flag } from "../fields.ts";
import type { LegacyMethods } from "../method.ts";
import { containerObject, containerScanResult, paneObject, paneScanResult } from "../scans.ts";

const filter = v.picklist(["all", "active_only"]);
const containerOrNull = v.optional(v.nullable(v.string("must be a string or null")), null);

export const discoveryMethods = {
  scan_containers: {
    since: "legacy",
    who: "any",
    session: false,
    mutates: true,
    summary: "Scan the benches.",
    result: containerScanResult,
    codes: [
      "config_invalid",
      "docker_unavailable",
      "docker_permission_denied",
      "docker_timeout",
      "docker_failed",
      "docker_malformed",
      "internal_error",
    ],
  },
  list_containers: {
    since: "legacy",
    who: "any",
    session: false,
    mutates: false,
    summary: "Known benches: active first, newest scan first.",
    params: v.object({ active_only: v.optional(flag, false) }),
    result: v.object({ filter, containers: v.array(containerObject) }),
    codes: ["bad_request", "internal_error"],
  },
  scan_panes: {
    since: "legacy",
    who: "any",
    session: false,
    mutates: true,
    summary: "Scan the tmux panes of all active benches, or of one.",
    params: v.object({ container: containerOrNull }),
    result: paneScanResult,
    codes: ["bad_request", "docker_unavailable", "internal_error"],
  },
  list_panes: {
    since: "legacy",
    who: "any",
    session: false,
    mutates: false,
    summary: "Known panes, of all benches or of one (id or exact name).",
    params: v.object({ active_only: v.optional(flag, false), container: containerOrNull }),
    result: v.object({ filter, container_filter: v.nullable(v.string()), panes: v.array(paneObject) }),
    codes: ["bad_request", "internal_error"],
  },
} as const satisfies LegacyMethods;
