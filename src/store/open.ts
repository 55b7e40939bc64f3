/**
 * The registry: one SQLite file, one connection, synchronous work (01 §5). `openStore` never changes the schema unless it is
 * told to, because only the holder of the daemon's lock may (01 §17).
 */
import { constants, Database } from "bun:sqlite";
import { closeSync, fchmodSync, openSync, rmSync, statSync } from "node:fs";
import { pathToFileURL } from "node:url";
import type { Clock } from "../base/clock.ts";
import { MigrationRefused, migrate, newestVersion, refuseNewer, versionOf } from "./migrate.ts";
import { MIGRATIONS } from "./migrations.ts";
import { openError, StoreFault, StoreOpenError, storeFault } from "./store-error.ts";
import { installTally } from "./tally.ts";

/** Work inside the store. `now`: the one instant of a write, milliseconds since the epoch. */
export type Tx = { readonly db: Database; readonly now: number };

export type Store = {
  /** Runs `fn` on the current state. @throws StoreFault */
  read<T>(fn: (tx: Tx) => T): T;
  /**
   * Runs `fn` in one immediate transaction; durable when it returns, undone when `fn` throws.
   * @throws StoreFault; what `fn` throws; an Error for a write within a write, or an `fn` that is not synchronous
   */
  write<T>(fn: (tx: Tx) => T): T;
  /** SQLite's name for what kept the last write from the disk, `SQLITE_FULL` for one; `null` once a write succeeds. */
  writeTrouble(): string | null;
  /** Idempotent. */
  close(): void;
};

export type OpenOptions = {
  /** Create the file when it is absent and bring an older one to our generation. Only under the daemon's lock. */
  migrate?: boolean;
};

/** How long a statement waits for another process's lock (01 §15). */
export const BUSY_TIMEOUT_MS = 5000;
/** Pages kept in memory; grows only as far as the registry does. */
const CACHE_KIB = 16_384;
const FILE_MODE = 0o600;
/** Families of errors that are about the file and not about the statement. */
const FILE_TROUBLE = new Set(["SQLITE_FULL", "SQLITE_IOERR", "SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_CORRUPT"]);
const COMPANIONS = ["-wal", "-shm", "-journal"] as const;

/**
 * Opens the registry at `path`.
 * @throws StoreOpenError: absent or older without `migrate`, newer, foreign, damaged, not writable. A file that this call
 * created is gone again then, with its companions.
 */
export function openStore(path: string, clock: Clock, options: OpenOptions = {}): Store {
  const mayMigrate = options.migrate ?? false;
  const created = mayMigrate && createFile(path);
  let db: Database | null = null;
  try {
    if (!created) checkVersion(path, mayMigrate);
    db = new Database(path, constants.SQLITE_OPEN_READWRITE);
    configure(db);
    if (mayMigrate) migrate(db, clock.now());
    prepareMemory(db);
    return storeOver(db, clock);
  } catch (error) {
    db?.close();
    if (created) removeRegistry(path);
    throw openError(path, error);
  }
}

/**
 * The generation of the registry at `path`, without a change to the file or its folder where no writer left a journal.
 * @returns 0 for an empty file
 * @throws StoreOpenError: absent, not a registry, unreadable, `schema_version row missing`
 */
export function readSchemaVersion(path: string): number {
  try {
    const db = openUntouched(path);
    try {
      return versionOf(db);
    } finally {
      db.close();
    }
  } catch (error) {
    throw openError(path, error);
  }
}

/** Exclusive, so that a file is ours to remove only when we made it. @returns false when it was there. */
function createFile(path: string): boolean {
  try {
    const fd = openSync(path, "wx", FILE_MODE);
    fchmodSync(fd, FILE_MODE);
    closeSync(fd);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw openError(path, error);
  }
}

function removeRegistry(path: string): void {
  for (const suffix of ["", ...COMPANIONS]) rmSync(path + suffix, { force: true });
}

/**
 * A plain read-only connection to a WAL database creates companions and leaves them; `immutable` does not, but sees no
 * journal. So the second is right exactly while there is none.
 */
function openUntouched(path: string): Database {
  const journaled = (statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0) > 0;
  if (journaled) return new Database(path, constants.SQLITE_OPEN_READONLY);
  const url = `${pathToFileURL(path).href}?immutable=1`;
  return new Database(url, constants.SQLITE_OPEN_READONLY | constants.SQLITE_OPEN_URI);
}

/** Refuses before the file is opened for writing: closing a writer may move its journal into it. */
function checkVersion(path: string, mayMigrate: boolean): void {
  const supported = newestVersion(MIGRATIONS);
  const version = readSchemaVersion(path);
  refuseNewer(version, supported);
  if (version < supported && !mayMigrate) {
    throw new StoreOpenError(path, `on-disk schema_version=${version} is older than this build needs (${supported})`);
  }
}

function configure(db: Database): void {
  db.run(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
  const mode = db.query<{ journal_mode: string }, []>("PRAGMA journal_mode = WAL").get();
  if (mode?.journal_mode !== "wal") throw new MigrationRefused(`journal mode is ${mode?.journal_mode}, not wal`);
  db.run("PRAGMA foreign_keys = ON");
  db.run("PRAGMA synchronous = FULL");
  db.run("PRAGMA temp_store = MEMORY");
  // The default of 2 MB makes a write into a grown registry read its indexes again and again.
  db.run(`PRAGMA cache_size = -${CACHE_KIB}`);
  // A row replaced by INSERT OR REPLACE fires its delete triggers only with this on; the tally counts on them.
  db.run("PRAGMA recursive_triggers = ON");
}

/** What lives beside the tables and never on disk: the set of benches whose last pane scan failed, and the counters. */
function prepareMemory(db: Database): void {
  db.run("CREATE TEMP TABLE degraded_scan (container_id TEXT PRIMARY KEY) WITHOUT ROWID");
  installTally(db);
}

function storeOver(db: Database, clock: Clock): Store {
  const begin = db.prepare("BEGIN IMMEDIATE");
  const commit = db.prepare("COMMIT");
  const rollback = db.prepare("ROLLBACK");
  let writing = false;
  let open = true;
  let trouble: string | null = null;

  return {
    read(fn) {
      try {
        return synchronous(fn({ db, now: clock.now() }));
      } catch (error) {
        throw storeFault(error);
      }
    },
    write(fn) {
      if (writing) throw new Error("a write within a write");
      writing = true;
      try {
        begin.run();
        const result = synchronous(fn({ db, now: clock.now() }));
        commit.run();
        trouble = null;
        return result;
      } catch (error) {
        // SQLite itself has rolled back after some errors, a full disk for one.
        if (db.inTransaction) rollback.run();
        const fault = storeFault(error);
        if (fault instanceof StoreFault && FILE_TROUBLE.has(fault.family)) trouble = fault.code;
        throw fault;
      } finally {
        writing = false;
      }
    },
    writeTrouble: () => trouble,
    close() {
      if (!open) return;
      open = false;
      for (const statement of [begin, commit, rollback]) statement.finalize();
      db.close();
    },
  };
}

/** A promise would outlive the transaction it was made in. */
function synchronous<T>(value: T): T {
  if (value instanceof Promise) throw new Error("a function given to the store must be synchronous");
  return value;
}
