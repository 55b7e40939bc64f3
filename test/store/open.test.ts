import { Database } from "bun:sqlite";
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "../../src/base/clock.ts";
import { openStore, readSchemaVersion } from "../../src/store/open.ts";
import { StoreFault, StoreOpenError } from "../../src/store/store-error.ts";
import { addContainer, type Folder, folder, freshStore, oldRegistry } from "./registry.ts";

let at: Folder;
beforeEach(() => {
  at = folder();
});
afterEach(() => at.remove());

function refusal(work: () => unknown): StoreOpenError {
  try {
    work();
  } catch (error) {
    if (error instanceof StoreOpenError) return error;
    throw error;
  }
  throw new Error("nothing was refused");
}

const snapshot = (): unknown =>
  readdirSync(at.dir).map((name) => [name, readFileSync(join(at.dir, name)).toString("hex")]);

for (const umask of [0o000, 0o077, 0o777]) {
  test(`with umask ${umask.toString(8)} file and companions are 0600`, () => {
    const before = process.umask(umask);
    try {
      const store = freshStore(at.path);
      store.write((tx) => addContainer(tx, "c1", "bench", 1));
      const modes = readdirSync(at.dir).map((name) => [name, (statSync(join(at.dir, name)).mode & 0o7777).toString(8)]);
      expect(modes.sort()).toEqual(["", "-shm", "-wal"].map((suffix) => [`agenttower.sqlite3${suffix}`, "600"]));
      store.close();
    } finally {
      process.umask(before);
    }
  });
}

test("what every connection is set to", () => {
  const store = freshStore(at.path);
  const pragma = (name: string): unknown =>
    store.read(({ db }) => Object.values(db.query(`PRAGMA ${name}`).get() ?? {})[0]);
  expect(["journal_mode", "foreign_keys", "synchronous", "busy_timeout"].map(pragma)).toEqual(["wal", 1, 2, 5000]);
  store.close();
  store.close();
});

describe("refused at open", () => {
  test("garbage, bytes unchanged", () => {
    writeFileSync(at.path, "this is no database, only text that is long enough to be read as one".repeat(100));
    const before = snapshot();
    for (const migrate of [true, false]) {
      const error = refusal(() => openStore(at.path, systemClock(), { migrate }));
      expect([error.path, error.reason]).toEqual([at.path, "file is not a database"]);
    }
    expect(refusal(() => readSchemaVersion(at.path)).reason).toBe("file is not a database");
    expect(snapshot()).toEqual(before);
  });

  test("a newer generation, untouched, with both numbers, also while its journal is not empty", () => {
    oldRegistry(at.path, 8);
    const writer = new Database(at.path);
    writer.run("UPDATE schema_version SET version = 10");
    const wal = readFileSync(`${at.path}-wal`);
    expect(wal.length).toBeGreaterThan(0);
    const main = readFileSync(at.path);
    const reason = "on-disk schema_version=10 is newer than this build supports (9); refusing to open";
    expect(refusal(() => freshStore(at.path)).reason).toBe(reason);
    expect(refusal(() => openStore(at.path, systemClock())).reason).toBe(reason);
    expect(readFileSync(at.path).equals(main)).toBe(true);
    expect(readFileSync(`${at.path}-wal`).equals(wal)).toBe(true);
    writer.close();
    const before = snapshot();
    expect(refusal(() => freshStore(at.path)).reason).toBe(reason);
    expect(snapshot()).toEqual(before);
  });

  test("somebody else's database, and version tables that say nothing", () => {
    const db = new Database(at.path, { create: true });
    db.run("CREATE TABLE notes (text)");
    expect(refusal(() => freshStore(at.path)).reason).toBe(
      "not an AgentTower registry: table schema_version is missing",
    );
    db.run("CREATE TABLE schema_version (version INTEGER NOT NULL)");
    expect(refusal(() => freshStore(at.path)).reason).toBe("schema_version row missing");
    db.run("INSERT INTO schema_version VALUES (9), (9)");
    expect(refusal(() => freshStore(at.path)).reason).toContain("exactly one");
    db.close();
  });

  test("an absent file without leave to make one; nothing appears", () => {
    expect(refusal(() => openStore(at.path, systemClock())).reason).toBe("unable to open database file");
    expect(refusal(() => readSchemaVersion(at.path)).reason).toBe("unable to open database file");
    expect(readdirSync(at.dir)).toEqual([]);
  });

  test("a folder that does not exist, or is in the way", () => {
    expect(refusal(() => freshStore(join(at.dir, "no", "db"))).reason).toBe("no such file or directory");
    mkdirSync(at.path);
    expect(refusal(() => freshStore(at.path)).reason).not.toContain("\n");
    expect(readdirSync(at.dir)).toEqual(["agenttower.sqlite3"]);
  });
});

test("a failed creation leaves neither database nor companion", () => {
  const broken = { ...systemClock(), now: () => Number.NaN };
  expect(() => openStore(at.path, broken, { migrate: true })).toThrow(StoreOpenError);
  expect(readdirSync(at.dir)).toEqual([]);
});

test("an existing empty file becomes a registry", () => {
  writeFileSync(at.path, "", { mode: 0o600 });
  freshStore(at.path).close();
  expect(readSchemaVersion(at.path)).toBe(9);
});

test("the version is read without leaving anything, and from a live journal too", () => {
  oldRegistry(at.path, 5);
  const before = snapshot();
  expect(readSchemaVersion(at.path)).toBe(5);
  expect(snapshot()).toEqual(before);
  const writer = new Database(at.path);
  writer.run("UPDATE schema_version SET version = 6");
  expect(readSchemaVersion(at.path)).toBe(6);
  writer.close();
});

test("paths with signs that mean something in an address", () => {
  const path = join(at.dir, "a b?c#d%20e.sqlite3");
  freshStore(path).close();
  expect(readSchemaVersion(path)).toBe(9);
  expect(readdirSync(at.dir)).toEqual(["a b?c#d%20e.sqlite3"]);
});

describe("reads and writes", () => {
  const count = (store: ReturnType<typeof freshStore>): unknown =>
    store.read(({ db }) => db.query("SELECT count(*) AS n FROM containers").get());

  test("one instant per write; undone when the function throws", () => {
    let time = 0;
    const store = openStore(at.path, { ...systemClock(), now: () => ++time }, { migrate: true });
    store.write((tx) => {
      expect(tx.now).toBe(tx.now);
      addContainer(tx, "c1", "bench", 1);
    });
    expect(() =>
      store.write((tx) => {
        addContainer(tx, "c2", "bench", 1);
        throw new RangeError("no");
      }),
    ).toThrow(RangeError);
    expect(count(store)).toEqual({ n: 1 });
    store.close();
  });

  test("a write within a write, and a function that is not synchronous, are bugs that leave nothing", () => {
    const store = freshStore(at.path);
    expect(() => store.write(() => store.write(() => 1))).toThrow("a write within a write");
    expect(() =>
      store.write(async (tx) => {
        addContainer(tx, "c1", "bench", 1);
      }),
    ).toThrow("synchronous");
    expect(count(store)).toEqual({ n: 0 });
    store.write((tx) => addContainer(tx, "c1", "bench", 1));
    expect(count(store)).toEqual({ n: 1 });
    store.close();
  });

  test("SQLite's errors come as faults with its own name", () => {
    const store = freshStore(at.path);
    store.write((tx) => addContainer(tx, "c1", "bench", 1));
    const faultOf = (work: () => unknown): string => {
      try {
        work();
      } catch (error) {
        if (error instanceof StoreFault) return `${error.code} ${error.family}`;
        throw error;
      }
      return "none";
    };
    expect(faultOf(() => store.write((tx) => addContainer(tx, "c1", "bench", 1)))).toBe(
      "SQLITE_CONSTRAINT_PRIMARYKEY SQLITE_CONSTRAINT",
    );
    expect(faultOf(() => store.read(({ db }) => db.query("SELECT * FROM nowhere").all()))).toBe(
      "SQLITE_ERROR SQLITE_ERROR",
    );
    // The largest size stands in for the disk.
    store.read(({ db }) => db.run("PRAGMA max_page_count = 1"));
    const fill = () => store.write((tx) => addContainer(tx, "c2", "x".repeat(1_000_000), 1));
    expect(faultOf(fill)).toBe("SQLITE_FULL SQLITE_FULL");
    store.read(({ db }) => db.run("PRAGMA max_page_count = 1000000"));
    fill();
    expect(count(store)).toEqual({ n: 2 });
    store.close();
  });

  test("another process's lock is a fault, and the store goes on afterwards", () => {
    const store = freshStore(at.path);
    store.read(({ db }) => db.run("PRAGMA busy_timeout = 1"));
    const other = new Database(at.path);
    other.run("BEGIN IMMEDIATE");
    expect(() => store.write((tx) => addContainer(tx, "c1", "bench", 1))).toThrow("SQLITE_BUSY");
    other.run("ROLLBACK");
    other.close();
    store.write((tx) => addContainer(tx, "c1", "bench", 1));
    expect(count(store)).toEqual({ n: 1 });
    store.close();
  });

  test("foreign keys hold", () => {
    const store = freshStore(at.path);
    expect(() =>
      store.write(({ db }) =>
        db.run("INSERT INTO log_offsets (agent_id, log_path, created_at, updated_at) VALUES ('a','l','t','t')"),
      ),
    ).toThrow("SQLITE_CONSTRAINT_FOREIGNKEY");
    store.close();
  });
});
