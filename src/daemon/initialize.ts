/** What `config init` does, and `agenttower daemon` where something is missing (01 §4, 00 §2). */
import type { Clock } from "../base/clock.ts";
import { type Initialized, initialize } from "../config/init.ts";
import type { Paths } from "../config/paths.ts";
import { openStore } from "../store/open.ts";
import { tryLock } from "./lock.ts";

/**
 * Creates what is missing and brings an older registry to our generation. Only who holds the daemon's lock may touch the
 * registry; beside a running daemon it is looked at, nothing more (01 §17).
 * @throws PathFault, StoreOpenError, LockFileError
 */
export function initializeState(paths: Paths, clock: Clock): Initialized {
  return initialize(paths, () => {
    const lock = tryLock(paths.lock);
    try {
      openStore(paths.stateDb, clock, { migrate: lock.held }).close();
    } finally {
      if (lock.held) lock.release();
    }
  });
}
