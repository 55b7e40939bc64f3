/**
 * `config init` and whoever creates what is missing (01 §4). The registry is created or migrated under the daemon's lock only;
 * beside a live daemon a registry of our generation is left alone and an older one refused (01 §17).
 */
import type { Clock } from "../base/clock.ts";
import type { Initialized } from "../config/init.ts";
import { PathFault } from "../config/modes.ts";
import type { Paths } from "../config/paths.ts";
import { PREFLIGHT } from "./exits.ts";
import { preflightFailure } from "./failure.ts";

/** Another call that creates or probes holds the lock for an instant only; a daemon holds it longer than this. */
const LOCK_PATIENCE_MS = 1000;
const LOCK_RETRY_MS = 10;

/** Creates what is missing. @throws CommandFailure exit 1: `initialize: …` or `open registry: …` */
export async function setUp(clock: Clock, paths: Paths): Promise<Initialized> {
  const { initializeState } = await import("../daemon/initialize.ts");
  const { LockFileError, tryLock } = await import("../daemon/lock.ts");
  const { StoreOpenError } = await import("../store/store-error.ts");

  /** Who has the lock now: `null` nobody, else words for it. */
  const holder = (): string | null => {
    const lock = tryLock(paths.lock);
    if (!lock.held) return lock.holderPid === null ? "a daemon" : `a daemon (pid ${lock.holderPid})`;
    lock.release();
    return null;
  };

  const deadline = clock.monotonic() + LOCK_PATIENCE_MS;
  /** Nobody had the lock at the last look, so the next refusal is about the file itself. */
  let undisturbed = false;
  for (;;) {
    try {
      return initializeState(paths, clock);
    } catch (error) {
      if (error instanceof PathFault || error instanceof LockFileError) {
        throw preflightFailure(PREFLIGHT, `initialize: ${error.path}: ${error.reason}`);
      }
      if (!(error instanceof StoreOpenError)) throw error;
      if (undisturbed) throw preflightFailure(PREFLIGHT, error.message);
      const who = holder();
      if (who === null) undisturbed = true;
      else if (clock.monotonic() >= deadline) {
        throw preflightFailure(PREFLIGHT, `${error.message}; ${who} is running on it`);
      } else await clock.sleep(LOCK_RETRY_MS);
    }
  }
}
