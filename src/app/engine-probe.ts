/**
 * Whether the Engine answers, without letting a hanging one delay an answer of ours (06 §5): a ping runs beside the requests, at
 * most one at a time and at most one a second, and whoever asks waits for it only in its first moments.
 */
import type { Clock } from "../base/clock.ts";
import type { Engine } from "../base/engine.ts";
import { message } from "../base/text.ts";

/** `up: null` until the first ping has ended. `reason` is one clean line, empty when up. */
export type EngineState = { up: boolean | null; reason: string };

export type EngineProbe = {
  /** The newest known state; starts a ping when the last one is old. Resolves within `PATIENCE_MS`, never rejects. */
  state(): EngineState | Promise<EngineState>;
};

/** A state is good for this long. */
const FRESH_MS = 1_000;
/** An Engine that gives no answer to a ping within this is not reachable. */
const PING_MS = 2_000;
/** Askers wait this long from the start of a ping, then take what was known before. */
const PATIENCE_MS = 80;

export function createEngineProbe(engine: Pick<Engine, "ping">, clock: Clock): EngineProbe {
  let known: EngineState = { up: null, reason: "no answer from the Engine yet" };
  let knownAt = Number.NEGATIVE_INFINITY;
  let running: { startedAt: number; done: Promise<void> } | null = null;

  async function ping(): Promise<void> {
    try {
      await engine.ping(PING_MS);
      known = { up: true, reason: "" };
    } catch (error) {
      known = { up: false, reason: message(error instanceof Error ? error.message : String(error)) };
    }
    knownAt = clock.monotonic();
    running = null;
  }

  return {
    state() {
      const now = clock.monotonic();
      if (!running) {
        if (now - knownAt < FRESH_MS) return known;
        running = { startedAt: now, done: Promise.resolve() };
        running.done = ping();
      }
      const left = running.startedAt + PATIENCE_MS - now;
      if (left <= 0) return known;
      const over = new AbortController();
      // The sleep ends by itself or, when the ping was faster, by our own abort: both mean "no longer waiting".
      const patience = clock.sleep(left, over.signal).then(stopWaiting, stopWaiting);
      return Promise.race([running.done, patience]).then(() => {
        over.abort();
        return known;
      });
    },
  };
}

function stopWaiting(): void {
  return;
}
