/**
 * The six checks of `config doctor` (01 §11), each a pure judgement over what was found out. `sub_code`, `source` and the first
 * word of `details` are fixed; messages name the next command.
 */
import { cut } from "../base/text.ts";
import type { SocketChoice } from "../config/socket.ts";
import { SCHEMA_VERSION } from "../contract/limits.ts";
import type { Envelope, ResultOut } from "../wire/client.ts";
import type { TransportFault, TransportKind } from "../wire/transport.ts";
import { DAEMON_ERROR, DEGRADED, OK, UNREACHABLE } from "./exits.ts";
import { type ContainerIdentity, type Match, matchContainer, matchPane, type TmuxIdentity } from "./identity.ts";
import { printable } from "./render.ts";

export type Check = {
  status: "pass" | "warn" | "fail" | "info";
  details: string;
  source?: string;
  sub_code?: string;
  actionable_message?: string;
  cgroup_candidates?: readonly string[];
  daemon_container_set_empty?: true;
};

/** In this order, each always there. */
export const CHECKS = [
  "socket_resolved",
  "socket_reachable",
  "daemon_status",
  "container_identity",
  "tmux_present",
  "tmux_pane_match",
] as const;
export type CheckName = (typeof CHECKS)[number];
export type Checks = Readonly<Record<CheckName, Check>>;

/** What a method answered, or why it did not. */
export type Outcome<N extends "status" | "list_containers" | "list_panes"> =
  | { kind: "answer"; envelope: Envelope<ResultOut<N>> }
  | { kind: "fault"; fault: TransportFault };

export type Container = ResultOut<"list_containers">["containers"][number];
export type Pane = ResultOut<"list_panes">["panes"][number];

export function socketResolved({ path, source }: SocketChoice): Check {
  return { status: "pass", details: `${path} (${source})`, source };
}

const START = "start the daemon on the host with `agenttower ensure-daemon`";
const ADVICE: Record<TransportKind, string> = {
  socket_missing: START,
  connection_refused: START,
  socket_not_unix: "something else lies at the socket's path: move it away, then `agenttower ensure-daemon`",
  permission_denied: "run as the user who owns the daemon; in a container its uid must be the host user's",
  connect_timeout: "the daemon does not answer: see `agenttower daemon logs`, then `agenttower daemon restart`",
  protocol_error: "the answer is not AgentTower's: compare versions on both sides, then `agenttower daemon restart`",
};

export function socketReachable(outcome: Outcome<"status">): Check {
  const source = "round_trip";
  if (outcome.kind === "fault") {
    const { kind, path } = outcome.fault;
    return { status: "fail", details: `${kind}: ${path}`, source, sub_code: kind, actionable_message: ADVICE[kind] };
  }
  const { envelope } = outcome;
  // Transport only: a daemon that refuses is reachable.
  if (!envelope.ok) return { status: "pass", details: `answered: ${envelope.error.code}`, source };
  const { daemon_version, schema_version } = envelope.result;
  return { status: "pass", details: `daemon_version=${daemon_version} schema_version=${schema_version}`, source };
}

export function daemonStatus(outcome: Outcome<"status">): Check {
  if (outcome.kind === "fault") return unavailable("schema_check");
  const { envelope } = outcome;
  const trouble = "see `agenttower daemon logs`";
  if (!envelope.ok) {
    const details = `daemon_error: ${envelope.error.code}`;
    return { status: "fail", details, source: "daemon_error", sub_code: "daemon_error", actionable_message: trouble };
  }
  const source = "schema_check";
  const version: unknown = envelope.result.schema_version;
  if (typeof version !== "number") {
    const details = "daemon_error: no schema version";
    return { status: "fail", details, source, sub_code: "daemon_error", actionable_message: trouble };
  }
  if (version === SCHEMA_VERSION) return { status: "pass", details: `schema_version=${version}`, source };
  const newer = version > SCHEMA_VERSION;
  const sub_code = newer ? "schema_version_newer" : "schema_version_older";
  return {
    status: newer ? "fail" : "warn",
    details: `${sub_code}: daemon=${version} client=${SCHEMA_VERSION}`,
    source,
    sub_code,
    actionable_message: newer
      ? "this agenttower is older than the daemon: install the daemon's version, then `agenttower --version`"
      : "the daemon is older than this agenttower: `agenttower daemon restart` on the host",
  };
}

/** Nothing could be asked, or a list was refused. @param method the one that failed, if a list did */
function unavailable(source: string | undefined, method?: string): Check {
  return {
    status: "info",
    details: method ? `daemon_unavailable: ${method} failed` : "daemon_unavailable",
    sub_code: "daemon_unavailable",
    ...(source === undefined ? {} : { source }),
  };
}

/** The rows of a list; `null`: not asked, because the daemon is not usable; `failed`: asked in vain. */
export type Listed<Row> = readonly Row[] | null | "failed";

const SCAN_CONTAINERS = "let the daemon look again: `agenttower scan --containers`";

export function containerCheck(
  identity: ContainerIdentity,
  inContainer: boolean,
  listed: Listed<Container>,
): { check: Check; matched: Container | null } {
  const alone = (check: Check) => ({ check, matched: null });
  const fromEnv = identity.kind !== "none" && identity.signal === "env";
  if (!inContainer && !fromEnv) {
    return alone({ status: "info", details: "host_context", sub_code: "host_context" });
  }
  const source = identity.kind === "none" ? undefined : identity.signal;
  if (listed === null) return alone(unavailable(source));
  if (listed === "failed") return alone(unavailable(source, "list_containers"));
  const empty = listed.length === 0 ? ({ daemon_container_set_empty: true } as const) : {};
  if (identity.kind === "none") {
    const details = "no_candidate: no source names a container";
    return alone({ status: "fail", details, sub_code: "no_candidate", actionable_message: SCAN_CONTAINERS, ...empty });
  }
  if (identity.kind === "ambiguous") {
    const { candidates, signal } = identity;
    return alone({
      status: "fail",
      details: `multi_match: ${candidates.join(", ")}`,
      source: signal,
      sub_code: "multi_match",
      actionable_message: "set AGENTTOWER_CONTAINER_ID to the id of this container, then `agenttower config doctor`",
      cgroup_candidates: candidates,
    });
  }
  const { value, signal } = identity;
  const match: Match<Container> = matchContainer(value, listed);
  switch (match.kind) {
    case "one": {
      const { id, name } = match.row;
      const details = `unique_match: ${id} (${name})`;
      return { check: { status: "pass", details, source: signal, sub_code: "unique_match" }, matched: match.row };
    }
    case "several": {
      const details = `multi_match: ${match.rows.map(({ id }) => id).join(", ")}`;
      const actionable_message = "set AGENTTOWER_CONTAINER_ID to the full id, then `agenttower config doctor`";
      return alone({ status: "fail", details, source: signal, sub_code: "multi_match", actionable_message });
    }
    case "none":
      return alone({
        status: "fail",
        details: `no_match: ${value} (${signal})`,
        source: signal,
        sub_code: "no_match",
        actionable_message: SCAN_CONTAINERS,
        ...empty,
      });
  }
}

export function tmuxPresent(tmux: TmuxIdentity): Check {
  const source = "env";
  switch (tmux.kind) {
    case "pane":
      return { status: "pass", details: `${tmux.paneId} on ${tmux.socketPath}`, source };
    case "none":
      return { status: "info", details: "not_in_tmux", source, sub_code: "not_in_tmux" };
    case "malformed":
      return {
        status: "fail",
        details: "output_malformed: TMUX or TMUX_PANE is not what tmux sets",
        source,
        sub_code: "output_malformed",
        actionable_message: "start from a fresh tmux pane, then `agenttower config doctor`",
      };
  }
}

export function paneCheck(tmux: TmuxIdentity, container: Container | null, listed: Listed<Pane>): Check {
  const source = "list_panes";
  if (tmux.kind !== "pane") return { status: "info", details: "not_in_tmux", source, sub_code: "not_in_tmux" };
  if (listed === null) return unavailable(source);
  if (listed === "failed") return unavailable(source, "list_panes");
  const match = matchPane(tmux, listed, container?.id ?? null);
  const { paneId, socketPath } = tmux;
  switch (match.kind) {
    case "one": {
      const { container_name, tmux_session_name } = match.row;
      const details = `pane_match: ${paneId} in ${container_name}:${tmux_session_name}`;
      return { status: "pass", details, source, sub_code: "pane_match" };
    }
    case "several": {
      const where = match.rows.map((row) => `${row.container_name}:${row.tmux_session_name}`).join(", ");
      return {
        status: "fail",
        details: `pane_ambiguous: ${paneId} in ${where}`,
        source,
        sub_code: "pane_ambiguous",
        actionable_message: "set AGENTTOWER_CONTAINER_ID to the full id, then `agenttower config doctor`",
      };
    }
    case "none":
      return {
        status: "fail",
        details: `pane_unknown_to_daemon: ${paneId} on ${socketPath}`,
        source,
        sub_code: "pane_unknown_to_daemon",
        actionable_message: "let the daemon look again: `agenttower scan --panes`",
      };
  }
}

/** The exit: what everything depends on first, then the daemon, then the rest; warn and info do not count. */
export function doctorExit(checks: Checks): number {
  if (checks.socket_reachable.status === "fail") return UNREACHABLE;
  if (checks.daemon_status.status === "fail") return DAEMON_ERROR;
  return CHECKS.some((name) => checks[name].status === "fail") ? DEGRADED : OK;
}

/** Details and messages end with `…` when cut. */
const TEXT_CHARACTERS = 2048;

/** Every text of a check on one clean line of bounded length. */
export function tidy(check: Check): Check {
  const { status, details, source, sub_code, actionable_message, cgroup_candidates, daemon_container_set_empty } =
    check;
  return {
    status,
    details: bounded(details),
    ...(source === undefined ? {} : { source }),
    ...(sub_code === undefined ? {} : { sub_code }),
    ...(actionable_message === undefined ? {} : { actionable_message: bounded(actionable_message) }),
    ...(cgroup_candidates === undefined ? {} : { cgroup_candidates: cgroup_candidates.map(printable) }),
    ...(daemon_container_set_empty === undefined ? {} : { daemon_container_set_empty }),
  };
}

function bounded(text: string): string {
  const line = printable(text);
  const short = cut(line, TEXT_CHARACTERS);
  return short === line ? line : `${cut(line, TEXT_CHARACTERS - 1)}…`;
}
