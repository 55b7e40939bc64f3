/** `scan` (02 §10): containers first, then panes, each on a connection of its own. */
import { parseInstant } from "../../base/time.ts";
import type { ContainerScanResult, PaneScanResult } from "../../contract/scans.ts";
import { command } from "../command.ts";
import type { CliContext } from "../context.ts";
import { DEGRADED, OK, PREFLIGHT } from "../exits.ts";
import { preflightFailure } from "../failure.ts";
import { ask, CONTAINER_SCAN_LIMITS, PANE_SCAN_LIMITS, placeOf } from "../place.ts";
import { jsonLine, keyValues, type Pair, printable } from "../render.ts";
import { JSON_OPTION } from "./ensure-daemon.ts";

const MAX_DETAILS = 10;

export const scan = command({
  name: "scan",
  summary: "Look for bench containers, or for tmux panes in them, now.",
  examples: ["agenttower scan --containers --panes", "agenttower scan --panes --json"],
  options: {
    containers: { type: "boolean", summary: "look for bench containers" },
    panes: { type: "boolean", summary: "look for tmux panes in the active benches" },
    json: JSON_OPTION,
  },
  async run(context, { containers, panes, json }) {
    if (!containers && !panes) {
      throw preflightFailure(PREFLIGHT, "scan requires a target flag (e.g. --containers, --panes)");
    }
    const { socket } = placeOf(context);
    let exit = OK;
    if (containers && !(await scanContainers(context, socket.path, json))) exit = DEGRADED;
    if (panes) {
      const before = containers && !json ? "\n" : "";
      if (!(await scanPanes(context, socket.path, json, before))) exit = DEGRADED;
    }
    return exit;
  },
});

/** @returns whether all was well */
async function scanContainers(context: CliContext, socket: string, json: boolean): Promise<boolean> {
  const result: ContainerScanResult = await ask(
    context,
    socket,
    "scan_containers",
    {},
    { family: "scan", json, limits: CONTAINER_SCAN_LIMITS, progress: "scanning containers" },
  );
  context.out.write(json ? jsonLine({ ok: true, result }) : keyValues(containerPairs(result)));
  if (!json) context.err.write(degradedText(result, []));
  return result.status === "ok";
}

/** @returns whether all was well */
async function scanPanes(context: CliContext, socket: string, json: boolean, before: string): Promise<boolean> {
  const result: PaneScanResult = await ask(
    context,
    socket,
    "scan_panes",
    {},
    { family: "scan", json, limits: PANE_SCAN_LIMITS, progress: "scanning panes" },
  );
  context.out.write(json ? jsonLine({ ok: true, result }) : before + keyValues(panePairs(result)));
  if (!json) context.err.write(degradedText(result, paneDetails(result.error_details)));
  return result.status === "ok";
}

function containerPairs(result: ContainerScanResult): Pair[] {
  return [
    ["scan_id", result.scan_id],
    ["status", result.status],
    ["matched", result.matched_count],
    ["inactive_reconciled", result.inactive_reconciled_count],
    ["ignored", result.ignored_count],
    ["duration_ms", duration(result)],
  ];
}

function panePairs(result: PaneScanResult): Pair[] {
  return [
    ["scan_id", result.scan_id],
    ["status", result.status],
    ["containers_scanned", result.containers_scanned],
    ["sockets_scanned", result.sockets_scanned],
    ["panes_seen", result.panes_seen],
    ["panes_newly_active", result.panes_newly_active],
    ["panes_reconciled_inactive", result.panes_reconciled_to_inactive],
    ["containers_skipped_inactive", result.containers_skipped_inactive],
    ["containers_tmux_unavailable", result.containers_tmux_unavailable],
    ["duration_ms", duration(result)],
  ];
}

/** Whole milliseconds, never negative: a wall clock may have been set back in between. */
function duration({ started_at, completed_at }: { started_at: string; completed_at: string }): number {
  return Math.max(0, (parseInstant(completed_at) ?? 0) - (parseInstant(started_at) ?? 0));
}

type Ending = { status: string; error_code: string | null; error_message: string | null };

function degradedText({ status, error_code, error_message }: Ending, details: readonly string[]): string {
  if (status === "ok") return "";
  const lines = [`error: ${error_message ?? ""}`, `code: ${error_code ?? ""}`, ...details];
  return lines.map((line) => `${printable(line)}\n`).join("");
}

type PaneDetail = PaneScanResult["error_details"][number];

/** At most ten entries, each with one more line when fields of its panes were cut. */
export function paneDetails(details: readonly PaneDetail[]): string[] {
  const lines = details.slice(0, MAX_DETAILS).flatMap((detail) => {
    const at = detail.container_id + (detail.tmux_socket_path ? ` [socket=${detail.tmux_socket_path}]` : "");
    const line = `detail: ${at} ${detail.error_code}: ${detail.error_message}`;
    const [first, ...others] = detail.pane_truncations ?? [];
    if (!first) return [line];
    const more = others.length > 0 ? ` (+${others.length} more)` : "";
    return [
      line,
      `detail: ${at} truncated ${first.field}=${first.original_len}chars on pane ${first.tmux_pane_id}${more}`,
    ];
  });
  const left = details.length - MAX_DETAILS;
  return left > 0 ? [...lines, `detail: ... (${left} more)`] : lines;
}
