/** What an Engine's failure is called in each stage of a scan: the table of 02 §6, row by row. */
import type { BenchFault, BenchFaultKind } from "../base/bench.ts";
import type { LegacyCode } from "../contract/codes.ts";

type ListCode = Extract<
  LegacyCode,
  "docker_unavailable" | "docker_permission_denied" | "docker_timeout" | "docker_failed" | "docker_malformed"
>;

/** List and inspect. A 404 of an inspect is no failure; the caller takes it out before. */
const OF_ENGINE: Record<BenchFaultKind, ListCode> = {
  unreachable: "docker_unavailable",
  permission: "docker_permission_denied",
  unauthorized: "docker_permission_denied",
  lost: "docker_failed",
  timeout: "docker_timeout",
  abandoned: "docker_timeout",
  not_found: "docker_failed",
  conflict: "docker_failed",
  failed: "docker_failed",
  malformed: "docker_malformed",
  overflow: "docker_malformed",
  frames: "docker_malformed",
  no_exit: "docker_failed",
};

/** Codes that a container or a socket of a pane scan may end with. */
export type PaneCode = Extract<
  LegacyCode,
  | "tmux_unavailable"
  | "tmux_no_server"
  | "socket_dir_missing"
  | "socket_unreadable"
  | "docker_exec_failed"
  | "docker_exec_timeout"
  | "output_malformed"
  | "bench_user_unresolved"
  | "internal_error"
>;

/** A program in a container, once any container has answered in this scan. */
const OF_EXEC: Record<BenchFaultKind, PaneCode> = {
  unreachable: "docker_exec_failed",
  permission: "docker_exec_failed",
  unauthorized: "docker_exec_failed",
  lost: "docker_exec_failed",
  timeout: "docker_exec_timeout",
  abandoned: "docker_exec_timeout",
  not_found: "docker_exec_failed",
  conflict: "docker_exec_failed",
  failed: "docker_exec_failed",
  malformed: "docker_exec_failed",
  overflow: "output_malformed",
  frames: "output_malformed",
  no_exit: "docker_exec_failed",
};

export function engineCode(fault: BenchFault): ListCode {
  return OF_ENGINE[fault.kind];
}

export function execCode(fault: BenchFault): PaneCode {
  return OF_EXEC[fault.kind];
}

/** The Engine itself cannot be reached: while no container has answered, this is the whole pane scan's failure. */
export function isEngineAway(fault: BenchFault): boolean {
  return fault.kind === "unreachable" || fault.kind === "permission";
}
