/** One pane scan, from the started line to the answer (02 §4.1). The caller holds the turn. */
import type { Bench } from "../base/bench.ts";
import type { Clock } from "../base/clock.ts";
import { message } from "../base/text.ts";
import { formA } from "../base/time.ts";
import { refuse } from "../contract/faults.ts";
import type { PaneScanResult } from "../contract/scans.ts";
import type { StaleAttachment } from "../store/agents.ts";
import { activeContainers, type ContainerRow, containersByIds } from "../store/containers.ts";
import type { Store } from "../store/open.ts";
import { inactiveContainersWithPanes } from "../store/panes.ts";
import { benchUsers, type DaemonUser } from "./bench-user.ts";
import type { GoneServers } from "./gone-servers.ts";
import type { Links, Server } from "./links.ts";
import type { Freshness, Listings } from "./listings.ts";
import { commitPanes, type PaneCommitted, type PaneFailure, type PaneLook } from "./pane-commit.ts";
import { mapParallel } from "./parallel.ts";
import { type Probed, probeContainer } from "./probe.ts";
import { reportedPanes } from "./reported-panes.ts";
import { RuleFault } from "./rule.ts";
import { appendDegraded, type LineDeps, type ScanOrigin, tryWrite, type Verdict } from "./scan-lines.ts";

/** The whole scan; what is left then is `docker_exec_timeout` (02 §12). */
const SCAN_MS = 25_000;
const CONTAINERS_AT_ONCE = 8;

export type PaneScanDeps = LineDeps & {
  store: Store;
  clock: Clock;
  benchOf(containerId: string): Bench;
  hostId: string;
  /** Sockets of the host bench that are there, absolute paths. @throws RuleFault */
  hostSockets(): readonly string[];
  daemonUser: DaemonUser;
  daemonUid: number;
  links: Links;
  listings: Listings;
  gone: GoneServers;
};

export type PaneScanOrder = {
  scanId: string;
  origin: ScanOrigin;
  /** `null`: all containers. */
  ids: readonly string[] | null;
  /** The scope as the caller put it. */
  filter: string | null;
  freshness: Freshness;
  /** Whether a background scan with this verdict tells something new. */
  isNews(verdict: Verdict, containers: PaneScanResult["containers"]): boolean;
  /** Told once the scan is committed. */
  remember(verdict: Verdict, containers: PaneScanResult["containers"]): void;
};

export type PaneScanDone = {
  result: PaneScanResult;
  /** A row appeared or an `active` flag changed. */
  isTurned: boolean;
  /** Servers that answered and have panes. */
  reached: Server[];
};

/** @throws Fault `docker_unavailable`; what kept a line, the transaction or the events file from being written */
export async function scanPanes(deps: PaneScanDeps, order: PaneScanOrder): Promise<PaneScanDone> {
  const { scanId, origin } = order;
  const announce = () => deps.log.write("pane_scan_started", { scan_id: scanId });
  const startedAt = formA(deps.clock.now());
  if (origin === "requested") announce();
  const look = await lookAtPanes(deps, order, startedAt);
  const done = deps.store.write((tx) => commitPanes(tx, deps.clock, look, { ...order, startedAt }));
  const { result } = done;
  order.remember(done.verdict, result.containers);
  if (done.isRecorded && origin === "background") announce();
  await appendStale(deps, done.stale);
  if (done.isRecorded) await appendEnd(deps, done);
  if (look.failure) {
    if (look.failure.code === "internal_error") throw look.failure.error;
    refuse(look.failure.code, {}, look.failure.message);
  }
  return { result, isTurned: done.isTurned, reached: reachedServers(result) };
}

async function lookAtPanes(deps: PaneScanDeps, order: PaneScanOrder, startedAt: string): Promise<PaneLook> {
  const inScope = order.ids === null ? null : new Set(order.ids);
  const { active, skipped } = deps.store.read((tx) => {
    const skippedIds = inactiveContainersWithPanes(tx).filter((id) => inScope?.has(id) ?? true);
    const rows = activeContainers(tx).filter((row) => inScope?.has(row.container_id) ?? true);
    return { active: rows, skipped: containersByIds(tx, skippedIds) };
  });
  const look: PaneLook = {
    observed: [],
    skipped: skipped.map((row) => ({ containerId: row.container_id, name: row.name })),
    activeIds: active.map((row) => row.container_id),
    failure: null,
  };
  try {
    const deadline = deps.clock.monotonic() + SCAN_MS;
    const probes = await mapParallel(active, CONTAINERS_AT_ONCE, (row) => probe(deps, row, order.freshness, deadline));
    look.failure = engineAway(probes);
    const now = deps.clock.monotonic();
    for (const probed of probes) {
      const sight = deps.gone.settle(probed.sight, now);
      look.observed.push({ sight, ...reportedPanes(sight, startedAt) });
    }
  } catch (error) {
    look.failure = { code: "internal_error", message: "the pane scan failed unexpectedly", error };
  }
  return look;
}

/** No container answered and the Engine was not there: then nothing is known about any of them (02 §6). */
function engineAway(probes: readonly Probed[]): PaneFailure | null {
  if (probes.some(({ answered }) => answered)) return null;
  const away = probes.find((probed) => probed.away !== null)?.away;
  if (!away) return null;
  const text = away.kind === "permission" ? `permission denied: ${away.message}` : away.message;
  return { code: "docker_unavailable", message: message(`no container could be asked: ${text}`), error: away };
}

async function probe(deps: PaneScanDeps, row: ContainerRow, freshness: Freshness, deadline: number): Promise<Probed> {
  const { container_id: containerId, name } = row;
  const unlisted = (
    user: string | null,
    code: "bench_user_unresolved" | "docker_exec_failed",
    text: string,
  ): Probed => ({
    sight: { containerId, name, user, kind: "unlisted", failure: { code, message: message(text) } },
    listing: null,
    answered: false,
    away: null,
  });
  const isHost = containerId === deps.hostId;
  const users = isHost ? [String(deps.daemonUid)] : benchUsers(row.config_user, deps.daemonUser);
  if (users.length === 0)
    return unlisted(null, "bench_user_unresolved", "the container names no user, nor has the daemon");
  let named: readonly string[] | null = null;
  try {
    named = isHost ? deps.hostSockets() : null;
  } catch (error) {
    if (!(error instanceof RuleFault)) throw error;
    return { ...unlisted(users[0] ?? null, "docker_exec_failed", error.message), answered: true };
  }
  const madeAt = deps.clock.monotonic();
  const kept = deps.listings.find(containerId, freshness);
  const probed = await probeContainer(
    {
      bench: deps.benchOf(containerId),
      clock: deps.clock,
      linkTo: (path) => deps.links.find(containerId, path),
      deadline,
    },
    { containerId, name, users, listing: kept, named },
  );
  if (probed.listing && !kept) deps.listings.keep(containerId, probed.listing, madeAt);
  // The host's own tmux needs no Engine, so it has answered whatever it said (00 §7).
  return isHost ? { ...probed, answered: true, away: null } : probed;
}

function reachedServers(result: PaneScanResult): Server[] {
  return result.containers.flatMap(({ container_id, container_user, sockets }) =>
    container_user === null
      ? []
      : sockets
          .filter((socket) => socket.state === "ok" && socket.panes_seen > 0)
          .map((socket) => ({ containerId: container_id, user: container_user, socketPath: socket.tmux_socket_path })),
  );
}

/** One line per attachment that went stale; a lost line changes nothing (02 §5.6, 03 §20). */
async function appendStale(deps: PaneScanDeps, stale: readonly StaleAttachment[]): Promise<void> {
  for (const one of stale) {
    const payload = {
      attachment_id: one.attachment_id,
      agent_id: one.agent_id,
      prior_status: "active",
      new_status: "stale",
      prior_path: one.log_path,
      new_path: one.log_path,
      prior_pipe_target: one.prior_pipe_target,
      source: one.source,
      socket_peer_uid: deps.daemonUid,
      actor: "daemon",
    };
    try {
      await deps.events.append({ type: "log_attachment_change", payload });
    } catch (error) {
      tryWrite(() =>
        deps.log.write("audit_append_failed", {
          method: "pane_reconcile.stale_cascade",
          agent_id: one.agent_id,
          attachment_id: one.attachment_id,
          error: error instanceof Error ? error.name : "error",
          error_message: message(String(error)),
        }),
      );
    }
  }
}

/** Degraded line, then completed line, then whatever went wrong with either (02 §9). */
async function appendEnd(deps: PaneScanDeps, { result, details }: PaneCommitted): Promise<void> {
  const { containers: _containers, container_filter: _filter, ...counters } = result;
  const { scan_id, error_code, error_message, error_details: _details, started_at, completed_at, ...rest } = counters;
  const payload = { scan_id, error_code, error_message, error_details: details, ...rest };
  const lost = result.status === "degraded" ? await appendDegraded(deps, "pane_scan", payload) : null;
  deps.log.write("pane_scan_completed", {
    scan_id,
    status: result.status,
    containers: result.containers_scanned,
    sockets: result.sockets_scanned,
    panes_seen: result.panes_seen,
    newly_active: result.panes_newly_active,
    inactivated: result.panes_reconciled_to_inactive,
    skipped_inactive: result.containers_skipped_inactive,
    tmux_unavailable: result.containers_tmux_unavailable,
    error: result.error_code ?? "",
  });
  if (lost !== null) throw lost;
}
