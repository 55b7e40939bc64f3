/** When background discovery does what (02 §11). Pure over monotonic milliseconds. */

/** Quiet time after an Engine event, and the longest a storm of events may put the pass off. */
const EVENT_QUIET_MS = 250;
const EVENT_LATEST_MS = 1000;
/** A changed server is looked at this long after the first notification, whatever follows. */
const SERVER_QUIET_MS = 250;
/** All panes: at most this often, and less and less while nothing changes. */
const ALL_PANES_MS = 30_000;
const ALL_PANES_MAX_MS = 120_000;
/** A container scan that failed, or could not inspect everything, is repeated after this. */
const RETRY_MS = 30_000;
/** The second proof that a server is gone must come at least 5 s after the first (02 §14). */
const SECOND_LOOK_MS = 5500;
/** One second look per container and this time: some servers stay unreachable for good. */
const SECOND_LOOK_REST_MS = 60_000;
/** Containers that may wait for a look; the rest is found by the pass over all. */
const SERVERS_MAX = 1024;
/** Longest single wait; timers beyond it would overflow. */
const WAIT_MAX_MS = 3_600_000;

export type Due = {
  /** The light pass. */
  light: boolean;
  /** The container scan is wanted even if the list is as before. */
  retry: boolean;
  /** Containers whose servers changed. */
  servers: string[];
  /** All panes. */
  all: boolean;
};

export type BackgroundPlan = {
  isOn(): boolean;
  setInterval(seconds: number, now: number): void;
  engineChanged(now: number): void;
  serverChanged(containerId: string, now: number): void;
  retryContainers(now: number): void;
  /** Something changed: all panes are looked at often again. */
  changed(now: number): void;
  /** @param serverlessIds containers where a server did not answer though its socket is there */
  panesDone(now: number, isTurned: boolean, serverlessIds: readonly string[]): void;
  /** How long there is nothing to do. */
  waitMs(now: number): number;
  /** What is to be done now; each is told once. */
  takeDue(now: number): Due;
};

/** Off until an interval is known. */
export function createBackgroundPlan(): BackgroundPlan {
  let intervalMs = 0;
  let lightAt = 0;
  /** When the first event of a storm came, and when the pass after it is due. */
  let storm: { since: number; at: number } | null = null;
  let retryAt: number | null = null;
  let allAt = 0;
  let allEveryMs = ALL_PANES_MS;
  const servers = new Map<string, number>();
  const lookedAgain = new Map<string, number>();

  const later = (containerId: string, at: number): void => {
    if (!servers.has(containerId) && servers.size < SERVERS_MAX) servers.set(containerId, at);
  };

  return {
    isOn: () => intervalMs > 0,
    setInterval(seconds, now) {
      const wasOn = intervalMs > 0;
      intervalMs = seconds * 1000;
      if (!wasOn) {
        lightAt = now;
        allAt = now;
      } else lightAt = Math.min(lightAt, now + intervalMs);
    },
    engineChanged(now) {
      const since = storm?.since ?? now;
      storm = { since, at: Math.min(now + EVENT_QUIET_MS, since + EVENT_LATEST_MS) };
    },
    serverChanged: (containerId, now) => later(containerId, now + SERVER_QUIET_MS),
    retryContainers(now) {
      retryAt = now + RETRY_MS;
    },
    changed(now) {
      allEveryMs = ALL_PANES_MS;
      allAt = Math.min(allAt, now + allEveryMs);
    },
    panesDone(now, isTurned, serverlessIds) {
      if (isTurned) {
        allEveryMs = ALL_PANES_MS;
        allAt = Math.min(allAt, now + allEveryMs);
      }
      for (const [id, at] of lookedAgain) if (now - at >= SECOND_LOOK_REST_MS) lookedAgain.delete(id);
      for (const id of serverlessIds) {
        if (lookedAgain.has(id)) continue;
        lookedAgain.set(id, now);
        servers.delete(id);
        later(id, now + SECOND_LOOK_MS);
      }
    },
    waitMs(now) {
      if (intervalMs === 0) return WAIT_MAX_MS;
      const never = Number.POSITIVE_INFINITY;
      const next = Math.min(lightAt, allAt, storm?.at ?? never, retryAt ?? never, ...servers.values());
      return Math.min(Math.max(next - now, 0), WAIT_MAX_MS);
    },
    takeDue(now) {
      const retry = retryAt !== null && retryAt <= now;
      const light = retry || lightAt <= now || (storm !== null && storm.at <= now);
      const due = [...servers].filter(([, at]) => at <= now).map(([id]) => id);
      const all = allAt <= now;
      if (light) {
        storm = null;
        lightAt = now + intervalMs;
      }
      if (retry) retryAt = null;
      for (const id of due) servers.delete(id);
      if (all) {
        allAt = now + allEveryMs;
        allEveryMs = Math.min(allEveryMs * 2, ALL_PANES_MAX_MS);
      }
      // The pass over all looks at them as well.
      return { light, retry, servers: all ? [] : due, all };
    },
  };
}
