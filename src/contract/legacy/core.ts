/** Methods every client has known from the start (01 §8, §9). */
import * as v from "valibot";
import { count, flag, instant } from "../fields.ts";
import type { LegacyMethods } from "../method.ts";

const string = v.string();
const nullable = v.nullable(string);

export const coreMethods = {
  ping: {
    since: "legacy",
    who: "any",
    session: false,
    mutates: false,
    summary: "Answer; touches nothing.",
    result: v.object({}),
    codes: [],
  },
  status: {
    since: "legacy",
    who: "any",
    session: false,
    mutates: false,
    summary: "What this daemon is and how its workers are.",
    result: v.object({
      alive: v.literal(true),
      pid: count,
      uptime_seconds: count,
      start_time_utc: instant,
      socket_path: string,
      state_path: string,
      schema_version: count,
      daemon_version: string,
      events_reader: v.object({
        running: flag,
        last_cycle_started_at: v.nullable(instant),
        last_cycle_duration_ms: v.nullable(count),
        active_attachments: count,
        attachments_in_failure: v.array(
          v.object({ attachment_id: string, agent_id: string, error_class: string, since: instant }),
        ),
      }),
      events_persistence: v.object({
        degraded_sqlite: v.nullable(
          v.object({
            since: instant,
            buffered_attachments: v.array(
              v.object({ attachment_id: string, agent_id: string, buffered_count: count, last_error_class: string }),
            ),
          }),
        ),
        degraded_jsonl: v.nullable(v.object({ since: instant, pending_event_count: count, last_error_class: string })),
      }),
      routing: v.object({
        value: v.picklist(["enabled", "disabled"]),
        last_updated_at: string,
        last_updated_by: string,
        routes_total: count,
        routes_enabled: count,
        routes_disabled: count,
        last_routing_cycle_at: nullable,
        events_consumed_total: count,
        skips_by_reason: v.record(string, count),
        most_stalled_route: v.nullable(v.object({ route_id: string, lag: count })),
        routing_worker_degraded: flag,
        degraded_routing_audit_persistence: flag,
      }),
      queue_audit: v.object({ degraded: flag, pending_rows: count, last_failure_exc_class: nullable }),
    }),
    codes: ["internal_error"],
  },
  shutdown: {
    since: "legacy",
    who: "any",
    session: false,
    mutates: true,
    summary: "Stop the daemon cleanly; the answer is out before the listener goes.",
    result: v.object({ shutting_down: v.literal(true) }),
    codes: [],
  },
} as const satisfies LegacyMethods;
