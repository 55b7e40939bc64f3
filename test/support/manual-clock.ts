/** A clock that moves only when a test says so. */
import type { Clock } from "../../src/base/clock.ts";

export type ManualClock = Clock & {
  /** Moves time forward; everything that was sleeping until then wakes in its order. */
  advance(ms: number): Promise<void>;
  /** How many sleepers there are. */
  readonly sleeping: number;
};

type Sleeper = { at: number; wake: () => void };

/** @param start milliseconds since the epoch */
export function manualClock(start = Date.UTC(2026, 0, 1)): ManualClock {
  let elapsed = 0;
  let sleepers: Sleeper[] = [];

  return {
    now: () => start + elapsed,
    monotonic: () => elapsed,
    sleep(ms, signal) {
      return new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason);
        const sleeper: Sleeper = { at: elapsed + ms, wake: resolve };
        sleepers.push(sleeper);
        signal?.addEventListener("abort", () => {
          sleepers = sleepers.filter((other) => other !== sleeper);
          reject(signal.reason);
        });
      });
    },
    async advance(ms) {
      const until = elapsed + ms;
      for (;;) {
        const next = sleepers.filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)[0];
        if (!next) break;
        elapsed = Math.max(elapsed, next.at);
        sleepers = sleepers.filter((other) => other !== next);
        next.wake();
        await settled();
      }
      elapsed = until;
      await settled();
    },
    get sleeping() {
      return sleepers.length;
    },
  };
}

/** Lets everything that can go on without time go on. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
}
