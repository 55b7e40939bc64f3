/** The newest rows of the dashboard (06 §5). A summary is one clean line of at most 256 characters, and never empty. */
import { clean, cut } from "../base/text.ts";
import { QUEUE_PRIORITY } from "../contract/views.ts";
import type { RecentEventRow, RecentQueueRow, RecentRouteRow } from "../store/dashboard.ts";

const SUMMARY_CHARACTERS = 256;

const summary = (text: string) => cut(clean(text).trim(), SUMMARY_CHARACTERS);

/** Classifier events have no origin; the origin of an audit row is what it tells of. */
export function toRecentEvent(row: RecentEventRow) {
  return {
    id: row.event_id,
    timestamp: row.observed_at,
    type: row.event_type,
    origin: originOf(row.event_type),
    agent_id: row.agent_id,
    summary: summary(row.excerpt) || row.event_type,
  };
}

function originOf(eventType: string): string {
  if (eventType.startsWith("queue_")) return "queue";
  return eventType.startsWith("routing_") ? "routing" : "";
}

/** No word of the body: it is not redacted here. */
export function toRecentQueueRow(row: RecentQueueRow) {
  return {
    id: row.message_id,
    timestamp: row.enqueued_at,
    type: row.origin,
    state: row.state,
    state_priority: QUEUE_PRIORITY[row.state],
    target_agent_id: row.target_agent_id,
    summary: summary(`${row.sender_agent_id} → ${row.target_agent_id}`),
  };
}

export function toRecentRoute(row: RecentRouteRow) {
  const source =
    row.source_scope_value === null ? row.source_scope_kind : `${row.source_scope_kind} ${row.source_scope_value}`;
  const target = row.target_value === null ? row.target_rule : `${row.target_rule} ${row.target_value}`;
  return {
    id: row.route_id,
    timestamp: row.created_at,
    type: "route" as const,
    enabled: row.enabled === 1,
    summary: summary(`${row.event_type} of ${source} → ${target}`),
  };
}
