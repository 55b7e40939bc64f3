/** What a pane scan says about what it saw: entries, breakdown, counters, status (02 §5.7, §8). Pure. */
import { clean } from "../base/text.ts";
import type { PaneScanResult } from "../contract/scans.ts";
import type { PaneCode } from "./failure-codes.ts";
import type { Truncation } from "./reported-panes.ts";
import { type ContainerSight, classOf, PANES_MAX, SOCKETS_MAX, type SocketSight } from "./sight.ts";

/** An entry as it is stored: its cuts name their pane in full (02 §7). */
export type PaneDetail = {
  container_id: string;
  error_code: PaneCode;
  error_message: string;
  tmux_socket_path?: string;
  pane_truncations?: Truncation[];
};

type ContainerReport = PaneScanResult["containers"][number];

export type PaneOutcome = {
  status: "ok" | "degraded";
  errorCode: PaneCode | null;
  errorMessage: string | null;
  details: PaneDetail[];
  containers: ContainerReport[];
  /** Containers for which the scan failed or was partial; cuts alone are no failure (02 §8). */
  failedIds: string[];
  containersScanned: number;
  socketsScanned: number;
  panesSeen: number;
  containersUnknown: number;
};

/** One container that was asked. */
export type Observed = { sight: ContainerSight; truncations: readonly Truncation[] };
/** An inactive container that has pane rows. */
export type Skipped = { containerId: string; name: string };

/** @param observed in container id order */
export function paneOutcome(observed: readonly Observed[], skipped: readonly Skipped[]): PaneOutcome {
  const outcome: PaneOutcome = {
    status: "ok",
    errorCode: null,
    errorMessage: null,
    details: [],
    containers: [],
    failedIds: [],
    containersScanned: 0,
    socketsScanned: 0,
    panesSeen: 0,
    containersUnknown: 0,
  };
  for (const { sight, truncations } of observed) addContainer(outcome, sight, truncations);
  for (const { containerId, name } of skipped) {
    outcome.containers.push(report(containerId, name, null, "skipped_inactive"));
  }
  outcome.containers.sort((a, b) => (a.container_id < b.container_id ? -1 : a.container_id > b.container_id ? 1 : 0));
  const [first] = outcome.details;
  if (first) {
    outcome.status = "degraded";
    outcome.errorCode = first.error_code;
    outcome.errorMessage = outcome.details.every(isCutOnly) ? "pane field(s) truncated" : first.error_message;
  }
  return outcome;
}

/** An entry that only tells of cuts, also when it was read back from a scan row. */
export function isCutOnly(detail: { error_code: string; error_message: string }): boolean {
  return detail.error_code === "output_malformed" && /^\d+ pane field\(s\) truncated$/.test(detail.error_message);
}

function addContainer(outcome: PaneOutcome, sight: ContainerSight, truncations: readonly Truncation[]): void {
  const kind = classOf(sight);
  const failures = failuresOf(sight);
  const details = withCuts(sight.containerId, failures, truncations);
  const sockets = sight.kind === "listed" ? sight.sockets : [];
  const panesSeen = sockets.reduce((sum, socket) => sum + (socket.kind === "good" ? socket.panes.length : 0), 0);
  if (sight.user !== null) outcome.containersScanned++;
  if (kind === "unknown") outcome.containersUnknown++;
  outcome.socketsScanned += sockets.length;
  outcome.panesSeen += panesSeen;
  outcome.details.push(...details);
  if (failures.length > 0) outcome.failedIds.push(sight.containerId);
  outcome.containers.push({
    ...report(
      sight.containerId,
      sight.name,
      sight.user,
      kind === "unknown" ? "failed" : details[0] ? "degraded" : "ok",
    ),
    error_code: details[0]?.error_code ?? null,
    panes_seen: panesSeen,
    sockets: sockets.map((socket) => ({
      tmux_socket_path: socket.path,
      state: socket.kind === "good" ? "ok" : "failed",
      error_code: details.find((detail) => detail.tmux_socket_path === socket.path)?.error_code ?? null,
      panes_seen: socket.kind === "good" ? socket.panes.length : 0,
    })),
  });
}

/** Entries without their cuts: of the container, or of its sockets in their order. */
function failuresOf(sight: ContainerSight): PaneDetail[] {
  const container_id = sight.containerId;
  if (sight.kind === "unlisted") {
    return [{ container_id, error_code: sight.failure.code, error_message: sight.failure.message }];
  }
  const details: PaneDetail[] = [];
  for (const socket of sight.sockets) {
    const failure = socketFailure(socket);
    if (failure) {
      details.push({
        container_id,
        error_code: failure.code,
        error_message: failure.text,
        tmux_socket_path: socket.path,
      });
    }
  }
  if (sight.leftAlone.length > 0) {
    const error_message = `${sight.leftAlone.length} sockets beyond the limit of ${SOCKETS_MAX} were left alone`;
    details.push({ container_id, error_code: "output_malformed", error_message });
  }
  return details;
}

function socketFailure(socket: SocketSight): { code: PaneCode; text: string } | null {
  if (socket.kind === "failed") return { code: socket.failure.code, text: socket.failure.message };
  const texts: string[] = [];
  if (socket.malformed > 0) {
    const all = socket.panes.length + socket.malformed + socket.surplus;
    texts.push(`${socket.malformed} of ${all} tmux list-panes rows malformed`);
  }
  if (socket.surplus > 0) texts.push(`${socket.surplus} panes beyond the limit of ${PANES_MAX} were left alone`);
  return texts.length > 0 ? { code: "output_malformed", text: texts.join("; ") } : null;
}

/** Adds the cuts to the entries of their sockets; sockets that only have cuts come last. */
function withCuts(
  container_id: string,
  failures: readonly PaneDetail[],
  truncations: readonly Truncation[],
): PaneDetail[] {
  const ofSocket = Map.groupBy(truncations, (cut) => cut.tmux_socket_path);
  const details = failures.map((detail) => {
    const cuts = detail.tmux_socket_path === undefined ? undefined : ofSocket.get(detail.tmux_socket_path);
    if (cuts === undefined || detail.tmux_socket_path === undefined) return detail;
    ofSocket.delete(detail.tmux_socket_path);
    return { ...detail, pane_truncations: cuts };
  });
  for (const [tmux_socket_path, pane_truncations] of ofSocket) {
    details.push({
      container_id,
      error_code: "output_malformed",
      error_message: `${pane_truncations.length} pane field(s) truncated`,
      tmux_socket_path,
      pane_truncations,
    });
  }
  return details;
}

function report(
  container_id: string,
  name: string,
  container_user: string | null,
  state: ContainerReport["state"],
): ContainerReport {
  return {
    container_id,
    container_name: clean(name),
    container_user: container_user === null ? null : clean(container_user),
    state,
    error_code: null,
    panes_seen: 0,
    sockets: [],
  };
}
