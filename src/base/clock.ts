/**
 * Time as an argument. Everything that waits or stamps takes a `Clock`; only the program's composition uses the real one.
 */
export type Clock = {
  /** Wall time in milliseconds since the Unix epoch, with a fraction that is good to the microsecond. */
  now(): number;
  /** Milliseconds on a clock that never jumps; for durations and deadlines only. */
  monotonic(): number;
  /** Resolves after `ms`; rejects with the signal's reason when it aborts first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
};

/** Wall clock and high-resolution counter may drift apart (suspend, clock steps); beyond this they are joined anew. */
const RESYNC_MS = 50;

/** The machine's own clock. */
export function systemClock(): Clock {
  let anchor = Date.now() - performance.now();
  return {
    now() {
      const fine = anchor + performance.now();
      const coarse = Date.now();
      if (Math.abs(fine - coarse) <= RESYNC_MS) return fine;
      anchor = coarse - performance.now();
      return coarse;
    },
    monotonic: () => performance.now(),
    sleep(ms, signal) {
      return new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason);
        const onAbort = () => {
          clearTimeout(timer);
          reject(signal?.reason);
        };
        const timer = setTimeout(() => {
          signal?.removeEventListener("abort", onAbort);
          resolve();
        }, ms);
        signal?.addEventListener("abort", onAbort, { once: true });
      });
    },
  };
}
