import { Database } from "bun:sqlite";
import { afterEach, beforeEach, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { systemClock } from "../../src/base/clock.ts";
import { migrate } from "../../src/store/migrate.ts";
import { MIGRATIONS } from "../../src/store/migrations.ts";
import { openStore } from "../../src/store/open.ts";
import { expectedNames } from "../../src/store/schema-check.ts";
import { type Folder, folder, freshStore, OLD_ROWS, oldRegistry } from "./registry.ts";

let at: Folder;
beforeEach(() => {
  at = folder();
});
afterEach(() => at.remove());

const NOW = Date.UTC(2026, 4, 16, 21, 30, 0, 123);

const schemaOf = (db: Database): unknown[] =>
  db.query("SELECT type, name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' ORDER BY type, name").all();

/** Every row of every table that an older build knew, without the columns that came later. */
function oldRows(db: Database, version: number): Record<string, unknown[]> {
  const tables = new Set(
    OLD_ROWS.filter(([since]) => since <= version).map(([, sql]) => / (?:INTO|UPDATE) (\w+)/.exec(sql)?.[1]),
  );
  tables.delete(undefined);
  return Object.fromEntries(
    [...tables].map((table) => [
      `${table}`,
      db
        .query<Record<string, unknown>, []>(`SELECT * FROM ${table}`)
        .all()
        .map(({ origin: _o, route_id, event_id, ...row }) =>
          table === "message_queue" ? row : { ...row, route_id, event_id },
        ),
    ]),
  );
}

function expectedSchema(): unknown[] {
  const db = new Database(":memory:");
  for (const migration of MIGRATIONS) db.run(migration.sql);
  const schema = schemaOf(db);
  db.close();
  return schema;
}

test("a fresh registry: version 9 alone in its table, nine hashes, the seed row", () => {
  const db = new Database(":memory:");
  migrate(db, NOW);
  expect(db.query("SELECT * FROM schema_version").values()).toEqual([[9]]);
  const hashes = db.query<{ version: number; sha256: string }, []>("SELECT * FROM schema_migrations").all();
  expect(hashes).toEqual(
    MIGRATIONS.map(({ version, sql }) => ({
      version,
      sha256: new Bun.CryptoHasher("sha256").update(sql).digest("hex"),
    })),
  );
  expect(db.query("SELECT * FROM daemon_state").values()).toEqual([
    ["routing_enabled", "enabled", "2026-05-16T21:30:00.123Z", "(daemon-init)"],
  ]);
  db.close();
});

test("the names read from the SQL are those that the SQL makes", () => {
  const made = (expectedSchema() as { name: string }[]).map((object) => object.name);
  expect(expectedNames(MIGRATIONS).sort()).toEqual(made.sort());
});

for (let version = 1; version <= 8; version++) {
  test(`a registry of generation ${version} becomes ours in one step and keeps every row`, () => {
    oldRegistry(at.path, version);
    const before = new Database(at.path, { readonly: true });
    const rows = oldRows(before, version);
    before.close();
    expect(Object.values(rows).every((kept) => kept.length > 0)).toBe(true);

    freshStore(at.path).close();
    const after = new Database(at.path);
    expect(oldRows(after, version)).toEqual(rows);
    expect(schemaOf(after)).toEqual(expectedSchema());
    expect(after.query("SELECT * FROM schema_version").values()).toEqual([[9]]);
    expect(after.query("PRAGMA integrity_check").values()).toEqual([["ok"]]);
    expect(after.query("PRAGMA foreign_key_check").values()).toEqual([]);
    expect(after.query("SELECT value FROM daemon_state").values()).toEqual([[version >= 7 ? "disabled" : "enabled"]]);
    if (version >= 6) {
      after.run(
        "INSERT INTO events (event_type, agent_id, observed_at, excerpt) VALUES ('routing_toggled','h','t','')",
      );
      expect(after.query("SELECT event_id FROM events ORDER BY 1").values()).toEqual([[3], [7], [13]]);
    }
    if (version >= 7)
      expect(after.query("SELECT origin, route_id FROM message_queue").values()).toEqual([["direct", null]]);
    after.close();
  });

  test(`a crash on the way from generation ${version} leaves it as it was`, () => {
    oldRegistry(at.path, version);
    const broken = [...MIGRATIONS.slice(0, 8), { version: 9, sql: `${MIGRATIONS[8]?.sql}; SELECT * FROM nowhere;` }];
    const db = new Database(at.path);
    const before = [schemaOf(db), oldRows(db, version), db.query("SELECT * FROM schema_version").values()];
    expect(() => migrate(db, NOW, broken)).toThrow("nowhere");
    expect([schemaOf(db), oldRows(db, version), db.query("SELECT * FROM schema_version").values()]).toEqual(before);
    expect(db.inTransaction).toBe(false);
    db.close();
  });
}

test("a process that dies in the middle leaves the registry unmigrated", () => {
  oldRegistry(at.path, 6);
  const script = `
    import { Database } from "bun:sqlite";
    import { MIGRATIONS } from ${JSON.stringify(`${import.meta.dir}/../../src/store/migrations.ts`)};
    const db = new Database(${JSON.stringify(at.path)});
    db.run("PRAGMA cache_size = 1");
    db.run("BEGIN IMMEDIATE");
    for (const migration of MIGRATIONS.slice(6)) db.run(migration.sql);
    process.kill(process.pid, "SIGKILL");`;
  const run = Bun.spawnSync([process.execPath, "-e", script]);
  expect(run.signalCode).toBe("SIGKILL");
  const db = new Database(at.path);
  expect(db.query("SELECT * FROM schema_version").values()).toEqual([[6]]);
  expect(oldRows(db, 6)["events"]?.length).toBe(2);
  db.close();
  freshStore(at.path).close();
});

test("a changed old migration is refused", () => {
  freshStore(at.path).close();
  const db = new Database(at.path);
  const changed = MIGRATIONS.map((migration) =>
    migration.version === 4 ? { version: 4, sql: `${migration.sql}-- later thought` } : migration,
  );
  expect(() => migrate(db, NOW, changed)).toThrow("migration 4 is not the one this registry was built with");
  db.run(`UPDATE schema_migrations SET sha256 = 'x' WHERE version = 2`);
  db.close();
  expect(() => freshStore(at.path)).toThrow("migration 2 is not the one");
});

test("the right version with missing tables and indexes is completed, other rows stay", () => {
  freshStore(at.path).close();
  const db = new Database(at.path);
  db.run("INSERT INTO containers VALUES ('c1','bench','img','running','{}','[]','{}',NULL,NULL,1,'t1','t2')");
  for (const table of ["panes", "daemon_state", "schema_migrations", "events"]) db.run(`DROP TABLE ${table}`);
  db.run("DROP INDEX containers_by_name");
  db.close();

  freshStore(at.path).close();
  const after = new Database(at.path);
  expect(schemaOf(after)).toEqual(expectedSchema());
  expect(after.query("SELECT count(*) FROM containers").values()).toEqual([[1]]);
  expect(after.query("SELECT count(*) FROM schema_migrations").values()).toEqual([[9]]);
  expect(after.query("SELECT value FROM daemon_state").values()).toEqual([["enabled"]]);
  after.close();
});

test("opening ten times changes neither schema nor bytes", () => {
  freshStore(at.path).close();
  const before = readFileSync(at.path);
  for (let n = 0; n < 10; n++) freshStore(at.path).close();
  expect(readFileSync(at.path).equals(before)).toBe(true);
});

test("without leave to migrate, an older registry is refused and stays", () => {
  oldRegistry(at.path, 8);
  const before = readFileSync(at.path);
  expect(() => openStore(at.path, systemClock())).toThrow(
    "on-disk schema_version=8 is older than this build needs (9)",
  );
  expect(readFileSync(at.path).equals(before)).toBe(true);
});
