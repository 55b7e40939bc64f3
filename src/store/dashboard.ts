/**
 * What `app.dashboard` shows (06 §5), at a cost that does not depend on history: counts come from the tally, recent rows from
 * the end of an index.
 */
import type { Database } from "bun:sqlite";
import { QUEUE_STATES, ROLES } from "../contract/views.ts";
import { countDegraded } from "./lists.ts";
import type { Tx } from "./open.ts";
import { countPanes, LOGS_EPOCH, tallyOf } from "./tally.ts";

export type AgentRole = (typeof ROLES)[number];
export type QueueState = (typeof QUEUE_STATES)[number];

export type LogAttachmentCounts = { active: number; degraded: number; none: number };

/** `counts` of `app.dashboard`, ready to send. */
export type DashboardCounts = {
  containers: { active: number; inactive: number; degraded_scan: number };
  panes: { total: number; registered: number; unregistered: number };
  agents: { total: number; by_role: Record<AgentRole, number> };
  log_attachments: LogAttachmentCounts;
  events: { total: number };
  queue: Record<QueueState, number>;
  routes: { enabled: number; disabled: number };
};

export type RecentEventRow = {
  event_id: number;
  event_type: string;
  agent_id: string;
  observed_at: string;
  excerpt: string;
};

export type RecentQueueRow = {
  message_id: string;
  state: QueueState;
  origin: "direct" | "route";
  sender_agent_id: string;
  target_agent_id: string;
  enqueued_at: string;
  last_updated_at: string;
  /** The first bytes of the body, not redacted. */
  envelope_head: Uint8Array;
};

export type RecentRouteRow = {
  route_id: string;
  event_type: string;
  source_scope_kind: string;
  source_scope_value: string | null;
  target_rule: string;
  target_value: string | null;
  master_rule: string;
  master_value: string | null;
  enabled: 0 | 1;
  created_at: string;
  updated_at: string;
};

export type Dashboard = {
  counts: DashboardCounts;
  /** Agents of any role whose `active` is 1; the counts hold all agents. */
  activeAgents: number;
  recent: { events: RecentEventRow[]; queue: RecentQueueRow[]; routes: RecentRouteRow[] };
};

/** Bytes of a body that a summary may need. */
const HEAD_BYTES = 2048;

/**
 * Counts and the newest rows.
 * @param limit rows of each kind
 */
export function readDashboard(tx: Tx, limit: number): Dashboard {
  return {
    counts: readCounts(tx),
    activeAgents: tallyOf(tx, "agents_active")["1"] ?? 0,
    recent: { events: recentEvents(tx, limit), queue: recentQueue(tx, limit), routes: recentRoutes(tx, limit) },
  };
}

/** The counts alone. */
export function readCounts(tx: Tx): DashboardCounts {
  const containers = tallyOf(tx, "containers");
  const degraded = countDegraded(tx);
  const total = countPanes(tx, { active: true });
  const registered = countPanes(tx, { active: true, registered: true });
  const byRole = pick(ROLES, tallyOf(tx, "agents"));
  const routes = tallyOf(tx, "routes");
  return {
    containers: {
      active: (containers["1"] ?? 0) - degraded,
      inactive: containers["0"] ?? 0,
      degraded_scan: degraded,
    },
    panes: { total, registered, unregistered: total - registered },
    agents: { total: sum(byRole), by_role: byRole },
    log_attachments: logAttachmentCounts(tx),
    events: { total: tallyOf(tx, "events")["total"] ?? 0 },
    queue: pick(QUEUE_STATES, tallyOf(tx, "queue")),
    routes: { enabled: routes["1"] ?? 0, disabled: routes["0"] ?? 0 },
  };
}

function pick<K extends string>(keys: readonly K[], from: Record<string, number>): Record<K, number> {
  return Object.fromEntries(keys.map((key) => [key, from[key] ?? 0])) as Record<K, number>;
}

function sum(counts: Record<string, number>): number {
  return Object.values(counts).reduce((total, n) => total + n, 0);
}

/** One look-up per active agent is too much for every dashboard, so the answer is kept until an agent or a log changes. */
const keptLogCounts = new WeakMap<Database, { epoch: number; counts: LogAttachmentCounts }>();

/** Active agents by their log: one is active; none is, and the latest is stale; neither. */
export function logAttachmentCounts(tx: Tx): LogAttachmentCounts {
  const epoch = tx.db.query<{ n: number }, [string]>("SELECT n FROM tally WHERE name = ?").get(LOGS_EPOCH)?.n ?? 0;
  const kept = keptLogCounts.get(tx.db);
  if (kept?.epoch === epoch) return kept.counts;
  const counts = tx.db
    .query<LogAttachmentCounts, []>(
      `SELECT count(*) FILTER (WHERE has_active) AS active,
              count(*) FILTER (WHERE NOT has_active AND latest IS 'stale') AS degraded,
              count(*) FILTER (WHERE NOT has_active AND latest IS NOT 'stale') AS none
       FROM (
         SELECT EXISTS (
                  SELECT 1 FROM log_attachments AS l WHERE l.agent_id = a.agent_id AND l.status = 'active'
                ) AS has_active,
                (
                  SELECT l.status FROM log_attachments AS l WHERE l.agent_id = a.agent_id
                  ORDER BY l.last_status_at DESC, l.attachment_id DESC LIMIT 1
                ) AS latest
         FROM agents AS a WHERE a.active = 1
       )`,
    )
    .get() ?? { active: 0, degraded: 0, none: 0 };
  keptLogCounts.set(tx.db, { epoch, counts });
  return counts;
}

/** Audit rows included: they are part of what happened last. */
function recentEvents(tx: Tx, limit: number): RecentEventRow[] {
  return tx.db
    .query<RecentEventRow, [number]>(
      "SELECT event_id, event_type, agent_id, observed_at, excerpt FROM events ORDER BY event_id DESC LIMIT ?",
    )
    .all(limit);
}

function recentQueue(tx: Tx, limit: number): RecentQueueRow[] {
  return tx.db
    .query<RecentQueueRow, [number, number]>(
      `SELECT message_id, state, origin, sender_agent_id, target_agent_id, enqueued_at, last_updated_at,
              substr(envelope_body, 1, ?) AS envelope_head
       FROM message_queue ORDER BY enqueued_at DESC, message_id DESC LIMIT ?`,
    )
    .all(HEAD_BYTES, limit);
}

function recentRoutes(tx: Tx, limit: number): RecentRouteRow[] {
  return tx.db
    .query<RecentRouteRow, [number]>(
      `SELECT route_id, event_type, source_scope_kind, source_scope_value, target_rule, target_value, master_rule,
              master_value, enabled, created_at, updated_at
       FROM routes ORDER BY created_at DESC, route_id DESC LIMIT ?`,
    )
    .all(limit);
}
