/** What panels see of a row (06 §5, §6). Times of containers and events are ISO-8601, of panes, agents and queue rows Unix ms. */
import * as v from "valibot";
import { count, flag, instant, unixMs, whole } from "./fields.ts";

const string = v.string();
const nullable = v.nullable(string);

const BENCH_KINDS = ["docker", "host"] as const;
export const CONTAINER_STATES = ["active", "inactive", "degraded_scan"] as const;
export const ROLES = ["master", "slave", "swarm", "test-runner", "shell", "unknown"] as const;
export const QUEUE_STATES = ["queued", "blocked", "delivered", "canceled", "failed"] as const;

/** `state_priority` of a queue row (06 §6). */
export const QUEUE_PRIORITY = { queued: 1, blocked: 2, failed: 3, delivered: 4, canceled: 5 } as const satisfies Record<
  (typeof QUEUE_STATES)[number],
  number
>;

export const containerView = v.object({
  container_id: string,
  name: string,
  state: v.picklist(CONTAINER_STATES),
  kind: v.picklist(BENCH_KINDS),
  image: string,
  first_seen_at: instant,
  last_scanned_at: instant,
  pane_count: count,
  registered_agent_count: count,
});
export type ContainerView = v.InferOutput<typeof containerView>;

export const paneView = v.object({
  pane_key: string,
  pane_id: string,
  container_id: string,
  container_name: string,
  tmux_socket: string,
  session_name: string,
  window_index: count,
  pane_index: count,
  registered: flag,
  agent_id: nullable,
  current_command: string,
  current_path: string,
  title: string,
  active: flag,
  discovered_at: unixMs,
  last_seen_at: unixMs,
});
export type PaneView = v.InferOutput<typeof paneView>;

export const SUBSYSTEMS = [
  "docker",
  "tmux_discovery",
  "sqlite",
  "jsonl",
  "routing_worker",
  "log_attachment_workers",
] as const;
const SUBSYSTEM_STATUSES = ["ok", "degraded", "unavailable"] as const;

export const subsystemView = v.object({
  name: v.picklist(SUBSYSTEMS),
  status: v.picklist(SUBSYSTEM_STATUSES),
  reason: string,
  hint: nullable,
});
export type SubsystemView = v.InferOutput<typeof subsystemView>;

export const HINT_CODES = [
  "docker_unavailable_hint",
  "start_bench_container",
  "check_container_filter",
  "register_first_agent",
  "attach_logs",
  "enable_first_route",
] as const;

export const hintView = v.object({
  code: v.picklist(HINT_CODES),
  severity: v.picklist(["info", "warning", "action_required"]),
  message: string,
  target: v.optional(
    v.object({ kind: v.picklist(["container", "pane", "agent", "route", "message", "event"]), id: string }),
  ),
});
export type HintView = v.InferOutput<typeof hintView>;

export const dashboardCounts = v.object({
  containers: v.object({ active: count, inactive: count, degraded_scan: count }),
  panes: v.object({ total: count, registered: count, unregistered: count }),
  agents: v.object({
    total: count,
    by_role: v.object({
      master: count,
      slave: count,
      swarm: count,
      "test-runner": count,
      shell: count,
      unknown: count,
    }),
  }),
  log_attachments: v.object({ active: count, degraded: count, none: count }),
  events: v.object({ total: count }),
  queue: v.object({ queued: count, blocked: count, delivered: count, canceled: count, failed: count }),
  routes: v.object({ enabled: count, disabled: count }),
});

export type DashboardCounts = v.InferOutput<typeof dashboardCounts>;

export const recentEvent = v.object({
  id: whole,
  timestamp: instant,
  type: string,
  origin: string,
  agent_id: string,
  summary: string,
});
export const recentQueueRow = v.object({
  id: string,
  timestamp: instant,
  type: v.picklist(["direct", "route"]),
  state: v.picklist(QUEUE_STATES),
  state_priority: count,
  target_agent_id: string,
  summary: string,
});
export const recentRoute = v.object({
  id: string,
  timestamp: instant,
  type: v.literal("route"),
  enabled: flag,
  summary: string,
});
