/** The few numbers of the legacy `status` that live in tables (01 §8). All of them are small tables or one indexed row. */
import type { Tx } from "./open.ts";

export type RoutingFlag = { value: "enabled" | "disabled"; last_updated_at: string; last_updated_by: string };
export type StatusCounts = {
  routes_enabled: number;
  routes_disabled: number;
  active_attachments: number;
  /** Audit lines that wait for the events file. */
  pending_audit_rows: number;
};

/** The global kill switch. `null` only in a registry that lost its seed row. */
export function routingFlag(tx: Tx): RoutingFlag | null {
  return tx.db
    .query<RoutingFlag, []>(
      "SELECT value, last_updated_at, last_updated_by FROM daemon_state WHERE key = 'routing_enabled'",
    )
    .get();
}

export function statusCounts(tx: Tx): StatusCounts | null {
  return tx.db
    .query<StatusCounts, []>(
      `SELECT (SELECT COUNT(*) FROM routes WHERE enabled = 1) AS routes_enabled,
              (SELECT COUNT(*) FROM routes WHERE enabled = 0) AS routes_disabled,
              (SELECT COUNT(*) FROM log_attachments WHERE status = 'active') AS active_attachments,
              (SELECT COUNT(*) FROM audit_outbox) AS pending_audit_rows`,
    )
    .get();
}
