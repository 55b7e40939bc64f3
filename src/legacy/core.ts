/** `ping`, `status`, `shutdown`: what every client has known from the start (01 §8). */
import type { Clock } from "../base/clock.ts";
import { formA } from "../base/time.ts";
import type { EventsFile } from "../journal/events-file.ts";
import type { Store } from "../store/open.ts";
import { routingFlag, statusCounts } from "../store/status.ts";
import type { LegacyHandlers } from "../wire/dispatch.ts";

export type CoreDeps = {
  clock: Clock;
  store: Pick<Store, "read">;
  eventsFile: Pick<EventsFile, "state">;
  daemon: {
    pid: number;
    /** Milliseconds since the epoch, and on the clock that never jumps. */
    startedAt: number;
    startedMonotonic: number;
    socketPath: string;
    statePath: string;
    schemaVersion: number;
    version: string;
  };
  /** Asks the daemon to stop; called once the answer is out. */
  requestStop(peerPid: number): void;
};

export function coreHandlers(deps: CoreDeps) {
  return {
    ping: () => ({}),

    status: () => statusOf(deps),

    shutdown: ({ link, peer }) => {
      link.afterAnswer(() => deps.requestStop(peer.pid));
      return { shutting_down: true };
    },
  } satisfies Partial<LegacyHandlers>;
}

/** All twelve keys. What this build has no worker for is told as it is: not running, nothing consumed. */
function statusOf({ clock, store, eventsFile, daemon }: CoreDeps) {
  const { flag, counts } = store.read((tx) => ({ flag: routingFlag(tx), counts: statusCounts(tx) }));
  if (!flag || !counts) throw new Error("daemon_state has no routing_enabled row");
  const events = eventsFile.state();
  return {
    alive: true as const,
    pid: daemon.pid,
    uptime_seconds: Math.max(0, Math.floor((clock.monotonic() - daemon.startedMonotonic) / 1000)),
    start_time_utc: formA(daemon.startedAt),
    socket_path: daemon.socketPath,
    state_path: daemon.statePath,
    schema_version: daemon.schemaVersion,
    daemon_version: daemon.version,
    events_reader: {
      running: false,
      last_cycle_started_at: null,
      last_cycle_duration_ms: null,
      active_attachments: counts.active_attachments,
      attachments_in_failure: [],
    },
    events_persistence: {
      degraded_sqlite: null,
      degraded_jsonl: events.degraded
        ? {
            since: formA(events.since ?? daemon.startedAt),
            pending_event_count: 0,
            last_error_class: events.errorClass ?? "unknown",
          }
        : null,
    },
    routing: {
      ...flag,
      routes_total: counts.routes_enabled + counts.routes_disabled,
      routes_enabled: counts.routes_enabled,
      routes_disabled: counts.routes_disabled,
      last_routing_cycle_at: null,
      events_consumed_total: 0,
      skips_by_reason: {},
      most_stalled_route: null,
      routing_worker_degraded: false,
      degraded_routing_audit_persistence: false,
    },
    queue_audit: {
      degraded: counts.pending_audit_rows > 0,
      pending_rows: counts.pending_audit_rows,
      last_failure_exc_class: counts.pending_audit_rows > 0 ? events.errorClass : null,
    },
  };
}
