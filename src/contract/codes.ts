/**
 * The closed sets of error codes. No other code leaves the daemon (01 §8, 06 §2).
 */
import * as v from "valibot";

/** The 82 codes of the legacy envelope, in the order of 01 §8. */
export const LEGACY_CODES = [
  // envelope
  "bad_json",
  "bad_request",
  "unknown_method",
  "request_too_large",
  "internal_error",
  // container scan
  "config_invalid",
  "docker_unavailable",
  "docker_permission_denied",
  "docker_timeout",
  "docker_failed",
  "docker_malformed",
  // pane scan
  "tmux_unavailable",
  "tmux_no_server",
  "socket_dir_missing",
  "socket_unreadable",
  "docker_exec_failed",
  "docker_exec_timeout",
  "output_malformed",
  "bench_user_unresolved",
  // agents
  "host_context_unsupported",
  "container_unresolved",
  "not_in_tmux",
  "tmux_pane_malformed",
  "pane_unknown_to_daemon",
  "agent_not_found",
  "agent_inactive",
  "parent_not_found",
  "parent_inactive",
  "parent_role_invalid",
  "parent_role_mismatch",
  "parent_immutable",
  "swarm_parent_required",
  "swarm_role_via_set_role_rejected",
  "master_via_register_self_rejected",
  "master_confirm_required",
  "value_out_of_set",
  "field_too_long",
  "project_path_invalid",
  "unknown_filter",
  "schema_version_newer",
  // logs
  "log_path_invalid",
  "log_path_not_host_visible",
  "log_path_in_use",
  "pipe_pane_failed",
  "attachment_not_found",
  "log_file_missing",
  // events
  "events_session_unknown",
  "events_session_expired",
  "events_invalid_cursor",
  "events_filter_invalid",
  // queue, routing
  "approval_not_applicable",
  "body_empty",
  "body_invalid_chars",
  "body_invalid_encoding",
  "body_too_large",
  "daemon_shutting_down",
  "daemon_unavailable",
  "delay_not_applicable",
  "delivery_in_progress",
  "delivery_wait_timeout",
  "kill_switch_off",
  "message_id_not_found",
  "operator_pane_inactive",
  "routing_disabled",
  "routing_toggle_host_only",
  "sender_not_in_pane",
  "sender_role_not_permitted",
  "since_invalid_format",
  "target_container_inactive",
  "target_label_ambiguous",
  "target_not_active",
  "target_pane_missing",
  "target_role_not_permitted",
  "terminal_state_cannot_change",
  // routes
  "queue_origin_invalid",
  "route_creation_failed",
  "route_event_type_invalid",
  "route_id_not_found",
  "route_master_rule_invalid",
  "route_source_scope_invalid",
  "route_target_rule_invalid",
  "route_template_invalid",
] as const;

export type LegacyCode = (typeof LEGACY_CODES)[number];

const none = v.strictObject({});
const text = v.string();
const count = v.pipe(v.number(), v.integer());

/** The 27 codes of the app envelope, each with the shape of its `details` (06 §2). */
export const APP_CODES = {
  app_session_required: none,
  app_session_expired: none,
  app_contract_major_unsupported: v.strictObject({
    daemon_app_contract_version: text,
    client_app_contract_major: count,
  }),
  unknown_method: none,
  malformed_request: v.strictObject({ reason: text }),
  validation_failed: v.strictObject({ field: text, reason: text }),
  not_found: none,
  stale_object: none,
  pane_already_registered: v.strictObject({ agent_id: text }),
  pane_not_found: v.strictObject({ pane_id: text, mismatch_field: v.optional(text) }),
  agent_not_found: v.strictObject({ agent_id: text }),
  route_not_found: v.strictObject({ route_id: text }),
  queue_message_not_found: v.strictObject({ message_id: text }),
  scan_timeout: v.strictObject({ scan_id: text }),
  scan_not_found: v.strictObject({ scan_id: text }),
  daemon_unavailable: none,
  socket_missing: none,
  socket_permission_denied: none,
  docker_unavailable: none,
  tmux_unavailable: none,
  container_inactive: v.strictObject({ container_id: text }),
  log_attach_blocked: v.strictObject({ agent_id: text, reason: text }),
  routing_disabled: none,
  permission_denied: v.strictObject({ reason: v.optional(text) }),
  host_only: none,
  payload_too_large: v.strictObject({ size_limit_bytes: count, actual_size_bytes: count }),
  internal_error: v.strictObject({ reason: v.optional(text) }),
} as const;

export type AppCode = keyof typeof APP_CODES;
type AppDetails = { [C in AppCode]: v.InferInput<(typeof APP_CODES)[C]> };

/** One refusal on the app envelope; its details fit its code by type. */
export type AppRefusal = { [C in AppCode]: { code: C; message: string; details: AppDetails[C] } }[AppCode];

/** What the gates may answer to any served `app.*` method, before its handler runs (06 §3). */
export const APP_GATE_CODES = [
  "malformed_request",
  "payload_too_large",
  "permission_denied",
  "host_only",
  "internal_error",
] as const satisfies readonly AppCode[];

/** What the session gate adds for methods that need a session. */
export const APP_SESSION_CODES = ["app_session_required", "app_session_expired"] as const satisfies readonly AppCode[];

/** What the client side answers by itself when no daemon did (06 §4). */
export const APP_CLIENT_CODES = [
  "daemon_unavailable",
  "socket_missing",
  "socket_permission_denied",
] as const satisfies readonly AppCode[];

/** What the gates may answer to any served legacy method (01 §8). */
export const LEGACY_GATE_CODES = [
  "bad_request",
  "internal_error",
  "daemon_shutting_down",
] as const satisfies readonly LegacyCode[];
