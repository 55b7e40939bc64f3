/**
 * Bench user, uid and socket listing of the last good scan, kept while a container has an open link (02 §4.3). What could have
 * changed them drops them: an Engine event of that container, a lost event stream, a lost link, age.
 */
import type { Clock } from "../base/clock.ts";
import type { Listing } from "./probe.ts";

/** A requested scan wants one no older than this. */
const REQUESTED_MAX_MS = 5000;
/** A server that somebody starts by hand inside an old exec makes no event; so even the background looks again sometimes. */
const BACKGROUND_MAX_MS = 300_000;
/** What a foreign exec starts may take this long to stand. */
const FOREIGN_EXEC_MS = 2000;
/** No look takes as long as this, so an older exec says nothing about a listing. The Engine tells of every container's execs. */
const EXEC_MEMORY_MS = 60_000;

export type Freshness = "requested" | "background" | "anew";

export type Listings = {
  /** The kept listing, if it may be used. */
  find(containerId: string, freshness: Freshness): Listing | null;
  keep(containerId: string, listing: Listing, madeAt: number): void;
  /** Something changed in that container. @param isExec by a program that is not ours */
  drop(containerId: string, isExec?: boolean): void;
};

/**
 * @param liveSince since when the Engine's events are seen, monotonic; `null`: they are not
 * @param isLinked the container has an open link
 */
export function createListings(
  clock: Clock,
  liveSince: () => number | null,
  isLinked: (containerId: string) => boolean,
): Listings {
  const kept = new Map<string, { listing: Listing; madeAt: number }>();
  /** When a foreign exec was last seen, the oldest first. */
  const execAt = new Map<string, number>();

  const rememberExec = (containerId: string): void => {
    const now = clock.monotonic();
    execAt.delete(containerId);
    execAt.set(containerId, now);
    for (const [id, at] of execAt) {
      if (now - at <= EXEC_MEMORY_MS) return;
      execAt.delete(id);
    }
  };

  return {
    find(containerId, freshness) {
      const entry = kept.get(containerId);
      const live = liveSince();
      if (!entry || freshness === "anew" || live === null || entry.madeAt < live || !isLinked(containerId)) return null;
      const ageMs = clock.monotonic() - entry.madeAt;
      return ageMs <= (freshness === "requested" ? REQUESTED_MAX_MS : BACKGROUND_MAX_MS) ? entry.listing : null;
    },
    keep(containerId, listing, madeAt) {
      const lastExec = execAt.get(containerId);
      if (lastExec !== undefined && madeAt - lastExec < FOREIGN_EXEC_MS) return;
      execAt.delete(containerId);
      kept.set(containerId, { listing, madeAt });
    },
    drop(containerId, isExec = false) {
      kept.delete(containerId);
      if (isExec) rememberExec(containerId);
    },
  };
}
