/** Everything the daemon log can say (01 §7): a closed set, each event with its level and its fields in order. */

export type LogLevel = "info" | "warn" | "error" | "fatal";

type LifecycleLine = { level: LogLevel; fields: readonly string[] };

const info = <const F extends readonly string[]>(...fields: F) => ({ level: "info", fields }) as const;
const warn = <const F extends readonly string[]>(...fields: F) => ({ level: "warn", fields }) as const;
const error = <const F extends readonly string[]>(...fields: F) => ({ level: "error", fields }) as const;
const fatal = <const F extends readonly string[]>(...fields: F) => ({ level: "fatal", fields }) as const;

export const LIFECYCLE_EVENTS = {
  daemon_starting: info("pid", "state_dir"),
  daemon_recovering: info("unlinked", "reason"),
  daemon_ready: info("socket", "pid"),
  daemon_shutdown: info("trigger", "peer_pid"),
  daemon_exited: info("exit_code"),
  error_fatal: fatal("reason"),
  scan_started: info("scan_id"),
  scan_completed: info("scan_id", "status", "matched", "inactive", "ignored", "error"),
  scan_jsonl_failed: info("scan_id"),
  pane_scan_started: info("scan_id"),
  pane_scan_completed: info(
    "scan_id",
    "status",
    "containers",
    "sockets",
    "panes_seen",
    "newly_active",
    "inactivated",
    "skipped_inactive",
    "tmux_unavailable",
    "error",
  ),
  pane_scan_jsonl_failed: info("scan_id"),
  log_rotation_detected: info("agent_id", "log_path", "prior_inode", "new_inode", "prior_size", "new_size"),
  log_file_missing: warn("agent_id", "log_path", "last_known_inode", "last_known_size"),
  log_file_returned: info("agent_id", "log_path", "prior_inode", "new_inode", "new_size"),
  log_gap: warn("agent_id", "log_path", "reason", "byte_offset", "duration_ms", "lost_bytes"),
  log_attachment_orphan_detected: warn("container_id", "pane_composite_key", "pane_short_form", "observed_pipe_target"),
  mounts_json_oversized: warn("container_id", "observed_count", "max_count"),
  socket_peer_uid_mismatch: error("observed_uid", "expected_uid"),
  audit_append_failed: warn("method", "agent_id", "attachment_id", "prior_role", "new_role", "error", "error_message"),
  config_warning: warn("path", "key", "reason"),
  handler_failed: error("method", "error", "error_message"),
  worker_fault: warn("worker", "code", "attachment_id", "message_id", "route_id", "event_id", "error", "error_message"),
  route_loop_suspected: warn("route_id", "hops"),
} as const satisfies Record<string, LifecycleLine>;

export type LifecycleEvent = keyof typeof LIFECYCLE_EVENTS;

/** A field left out is not written; `null` is written as an empty value. */
export type LifecycleFields<E extends LifecycleEvent> = Partial<
  Record<(typeof LIFECYCLE_EVENTS)[E]["fields"][number], string | number | null>
>;
