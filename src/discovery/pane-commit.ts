/** The one transaction of a pane scan: pane rows, agents, attachments, scan row, set of degraded benches (02 §5.6). */
import type { Clock } from "../base/clock.ts";
import { formA } from "../base/time.ts";
import type { PaneScanResult } from "../contract/scans.ts";
import { deactivateAgents, isAgentKey, markAgentsSeen, moveAgents, staleAttachments } from "../store/agents.ts";
import type { Tx } from "../store/open.ts";
import { activePanesOf, inactivatePanes, movePanes, paneByKey, touchPanes, upsertPanes } from "../store/panes.ts";
import { insertPaneScan, setDegradedScan } from "../store/scans.ts";
import { type PaneOutcome, paneOutcome, type Skipped } from "./pane-outcome.ts";
import { type PanePlan, type PaneView, planPanes } from "./pane-plan.ts";
import { keyText, type ReportedPanes } from "./reported-panes.ts";
import type { ScanOrigin, Verdict } from "./scan-lines.ts";
import type { ContainerSight } from "./sight.ts";

/** A scan that came to nothing. `error` is the bug behind an `internal_error`. */
export type PaneFailure = { code: "docker_unavailable" | "internal_error"; message: string; error: unknown };

export type PaneLook = {
  /** In container id order. */
  observed: ({ sight: ContainerSight } & ReportedPanes)[];
  skipped: Skipped[];
  /** Active containers in scope. */
  activeIds: string[];
  failure: PaneFailure | null;
};

type Commission = {
  scanId: string;
  origin: ScanOrigin;
  /** Form A; every time that the scan writes into a pane row. */
  startedAt: string;
  filter: string | null;
  isNews(verdict: Verdict, containers: PaneScanResult["containers"]): boolean;
};

export type PaneCommitted = {
  result: PaneScanResult;
  /** The entries as stored. */
  details: PaneOutcome["details"];
  verdict: Verdict;
  isTurned: boolean;
  isRecorded: boolean;
  stale: ReturnType<typeof staleAttachments>;
};

const NOTHING_SEEN = paneOutcome([], []);

export function commitPanes(tx: Tx, clock: Clock, look: PaneLook, order: Commission): PaneCommitted {
  const { failure } = look;
  const outcome = failure ? NOTHING_SEEN : paneOutcome(look.observed, look.skipped);
  const plan = failure ? planPanes([], new Map()) : planOf(tx, look);
  const stale = applyPanes(tx, plan, look, order);
  setDegradedScan(tx, failure ? look.activeIds : outcome.failedIds, true);
  if (!failure) {
    const failed = new Set(outcome.failedIds);
    const well = look.observed.map(({ sight }) => sight.containerId).filter((id) => !failed.has(id));
    setDegradedScan(tx, [...well, ...look.skipped.map(({ containerId }) => containerId)], false);
  }
  const verdict: Verdict = failure
    ? { status: "degraded", error_code: failure.code }
    : { status: outcome.status, error_code: outcome.errorCode };
  const result = resultOf(outcome, plan, look, verdict, order, formA(clock.now()));
  const isTurned = plan.newlyActive > 0 || plan.inactivate.length > 0;
  const isRecorded = order.origin === "requested" || isTurned || order.isNews(verdict, result.containers);
  if (isRecorded) insertPaneScan(tx, rowOf(result, outcome.details));
  return { result, details: outcome.details, verdict, isTurned, isRecorded, stale };
}

function planOf(tx: Tx, look: PaneLook): PanePlan {
  const views = look.observed.map(({ sight, rows }): PaneView => {
    const active = activePanesOf(tx, sight.containerId);
    const known = new Set(active.map(keyText));
    const held = rows
      .filter((row) => !known.has(keyText(row)) && (paneByKey(tx, row) !== null || isAgentKey(tx, row)))
      .map(keyText);
    return { sight, reported: rows, active, held: new Set(held) };
  });
  return planPanes(
    views,
    new Map(look.skipped.map(({ containerId }) => [containerId, activePanesOf(tx, containerId)])),
  );
}

function applyPanes(tx: Tx, plan: PanePlan, look: PaneLook, { startedAt, origin }: Commission) {
  movePanes(tx, plan.moves);
  moveAgents(tx, plan.moves);
  // Rows of dead benches stay as they are when nobody asked: a timer must not rewrite history for ever.
  touchPanes(tx, plan.touch, startedAt, origin === "requested");
  inactivatePanes(tx, plan.inactivate, startedAt);
  upsertPanes(tx, plan.upserts);
  if (!look.failure) {
    markAgentsSeen(
      tx,
      look.observed.flatMap(({ rows }) => rows),
      startedAt,
    );
  }
  const ended = [...plan.inactivate, ...plan.replaced];
  deactivateAgents(tx, ended);
  return staleAttachments(tx, ended, startedAt);
}

function resultOf(
  outcome: PaneOutcome,
  plan: PanePlan,
  look: PaneLook,
  verdict: Verdict,
  order: Commission,
  completedAt: string,
): PaneScanResult {
  return {
    scan_id: order.scanId,
    started_at: order.startedAt,
    completed_at: completedAt,
    status: verdict.status,
    containers_scanned: outcome.containersScanned,
    sockets_scanned: outcome.socketsScanned,
    panes_seen: outcome.panesSeen,
    panes_newly_active: plan.newlyActive,
    panes_reconciled_to_inactive: plan.inactivate.length,
    containers_skipped_inactive: look.failure ? 0 : look.skipped.length,
    containers_tmux_unavailable: outcome.containersUnknown,
    error_code: verdict.error_code,
    error_message: look.failure?.message ?? outcome.errorMessage,
    error_details: outcome.details.map(({ pane_truncations, ...detail }) =>
      pane_truncations === undefined
        ? detail
        : {
            ...detail,
            pane_truncations: pane_truncations.map(({ tmux_pane_id, field, original_len }) => ({
              tmux_pane_id,
              field,
              original_len,
            })),
          },
    ),
    containers: outcome.containers,
    container_filter: order.filter,
  };
}

function rowOf(result: PaneScanResult, details: PaneOutcome["details"]) {
  const { containers: _containers, container_filter: _filter, error_details: _details, ...rest } = result;
  const { panes_reconciled_to_inactive: panes_reconciled_inactive, ...row } = rest;
  return {
    ...row,
    panes_reconciled_inactive,
    error_details_json: details.length > 0 ? JSON.stringify(details) : null,
  };
}
