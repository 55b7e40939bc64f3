/** A limit for everything that one call does, joined with the caller's wish to stop. */
import { BenchFault } from "../base/bench.ts";
import type { Clock } from "../base/clock.ts";

export type Deadline = {
  /** Aborts with a `timeout` fault when the time is over, or with the caller's own reason. */
  signal: AbortSignal;
  /** Must be called when the work is done. */
  clear(): void;
};

/** @param what what has no complete answer in time, for the fault's text */
export function startDeadline(clock: Clock, ms: number, what: string, outer?: AbortSignal): Deadline {
  const over = new AbortController();
  const done = new AbortController();
  clock.sleep(ms, done.signal).then(
    () => over.abort(new BenchFault("timeout", `${what}: no complete answer in ${ms / 1000} s`)),
    () => undefined, // cleared in time
  );
  const onOuter = () => over.abort(outer?.reason);
  if (outer?.aborted) onOuter();
  outer?.addEventListener("abort", onOuter, { once: true });
  return {
    signal: over.signal,
    clear() {
      done.abort();
      outer?.removeEventListener("abort", onOuter);
    },
  };
}
