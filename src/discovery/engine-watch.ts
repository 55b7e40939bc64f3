/**
 * The Engine's event stream, open while somebody wants it: background discovery, or any open link (02 §4.3, §11). When it is
 * lost it comes back after 1, 2, 4 … 30 s.
 */
import { BenchFault } from "../base/bench.ts";
import type { Clock } from "../base/clock.ts";
import type { Engine, EngineEvent } from "../base/engine.ts";

const RETRY_FIRST_MS = 1000;
const RETRY_MAX_MS = 30_000;
/** A stream that was asked for is taken to be open by then, unless it has failed. */
const OPENING_MS = 1000;

/** `lost`: whatever happened from here to the next `opened` was not seen. */
export type WatchEvent = EngineEvent | { action: "opened" | "lost" };

export type EngineWatch = {
  /** Opens or closes the stream for one of its users. */
  want(user: "background" | "links", wanted: boolean): void;
  /** Since when nothing can have been missed, monotonic; `null` while the stream is not open. */
  liveSince(): number | null;
  /** Closes for good. */
  stop(): void;
};

export function createEngineWatch(
  engine: Engine,
  clock: Clock,
  onEvent: (event: WatchEvent) => void,
  onBug: (error: unknown) => void,
): EngineWatch {
  const users = new Set<string>();
  let running: AbortController | null = null;
  let askedAt: number | null = null;

  const follow = async (signal: AbortSignal): Promise<void> => {
    let retryMs = RETRY_FIRST_MS;
    while (!signal.aborted) {
      askedAt = clock.monotonic();
      onEvent({ action: "opened" });
      const fault = await engine.events(onEvent, signal).then(
        () => null,
        (error: unknown) => error,
      );
      if (fault !== null && !(fault instanceof BenchFault)) onBug(fault);
      if (signal.aborted) return;
      if (clock.monotonic() - askedAt >= RETRY_MAX_MS) retryMs = RETRY_FIRST_MS;
      askedAt = null;
      onEvent({ action: "lost" });
      await pause(clock, retryMs, signal);
      retryMs = Math.min(retryMs * 2, RETRY_MAX_MS);
    }
  };

  const close = (): void => {
    running?.abort();
    running = null;
    askedAt = null;
  };

  return {
    want(user, wanted) {
      if (wanted) users.add(user);
      else users.delete(user);
      if (users.size === 0) close();
      else if (!running) {
        running = new AbortController();
        void follow(running.signal);
      }
    },
    liveSince: () => (askedAt === null ? null : askedAt + OPENING_MS),
    stop() {
      users.clear();
      close();
    },
  };
}

/** Sleeps until the time is over or the signal aborts; never rejects. */
export async function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  await clock.sleep(ms, signal).catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
}
