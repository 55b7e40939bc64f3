/**
 * From any older generation to ours in one transaction, all or nothing (01 §5). A newer registry, a foreign database and
 * one whose past differs from ours are refused before anything is written.
 */
import type { Database } from "bun:sqlite";
import { createHash } from "node:crypto";
import { formB } from "../base/time.ts";
import { MIGRATIONS, type Migration } from "./migrations.ts";
import { completeSchema, schemaIsComplete } from "./schema-check.ts";

/** Why a registry is refused; the caller adds the path. */
export class MigrationRefused extends Error {
  override readonly name = "MigrationRefused";
}

/** The generation that `migrations` lead to. */
export function newestVersion(migrations: readonly Migration[]): number {
  return migrations.at(-1)?.version ?? 0;
}

/**
 * The generation on disk; 0 for an empty database.
 * @throws MigrationRefused when the version is not exactly one integer, or the database is none of ours
 */
export function versionOf(db: Database): number {
  const tables = db.query<{ name: string }, []>("SELECT name FROM sqlite_schema WHERE type = 'table'").all();
  if (tables.length === 0) return 0;
  if (!tables.some((table) => table.name === "schema_version")) {
    throw new MigrationRefused("not an AgentTower registry: table schema_version is missing");
  }
  const rows = db.query<{ version: unknown }, []>("SELECT version FROM schema_version LIMIT 2").all();
  if (rows.length === 0) throw new MigrationRefused("schema_version row missing");
  const version = rows[0]?.version;
  if (rows.length > 1 || typeof version !== "number" || !Number.isInteger(version) || version < 1) {
    throw new MigrationRefused("schema_version must hold exactly one positive integer");
  }
  return version;
}

/** The refusal of a generation that is newer than this build's (01 §5). */
export function refuseNewer(version: number, supported: number): void {
  if (version <= supported) return;
  throw new MigrationRefused(
    `on-disk schema_version=${version} is newer than this build supports (${supported}); refusing to open`,
  );
}

/**
 * Applies what is missing, or checks that nothing is.
 * @param nowMs instant of the seed row
 * @param migrations consecutive from version 1
 * @throws MigrationRefused; SQLiteError, after which the registry is what it was
 */
export function migrate(db: Database, nowMs: number, migrations: readonly Migration[] = MIGRATIONS): void {
  if (isCurrent(db, migrations)) return;
  db.run("BEGIN IMMEDIATE");
  try {
    const from = versionOf(db);
    refuseNewer(from, newestVersion(migrations));
    checkHashes(db, migrations);
    for (const migration of migrations) if (migration.version > from) db.run(migration.sql);
    completeSchema(db, migrations);
    recordHashes(db, migrations);
    seedDaemonState(db, nowMs);
    writeVersion(db, newestVersion(migrations));
    db.run("COMMIT");
  } catch (error) {
    if (db.inTransaction) db.run("ROLLBACK");
    throw error;
  }
}

/** Right version, right past, every table there: nothing to write. */
function isCurrent(db: Database, migrations: readonly Migration[]): boolean {
  const version = versionOf(db);
  refuseNewer(version, newestVersion(migrations));
  if (version < newestVersion(migrations) || !schemaIsComplete(db, migrations)) return false;
  return checkHashes(db, migrations) === migrations.length;
}

function hasTable(db: Database, name: string): boolean {
  return db.query("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?").get(name) !== null;
}

/** @returns how many migrations are on record. */
function checkHashes(db: Database, migrations: readonly Migration[]): number {
  if (!hasTable(db, "schema_migrations")) return 0;
  const applied = db
    .query<{ version: number; sha256: string }, []>("SELECT version, sha256 FROM schema_migrations")
    .all();
  const known = new Map(migrations.map((migration) => [migration.version, hashOf(migration)]));
  for (const { version, sha256 } of applied) {
    if (known.get(version) !== sha256) {
      throw new MigrationRefused(`migration ${version} is not the one this registry was built with; refusing to open`);
    }
  }
  return applied.length;
}

function hashOf(migration: Migration): string {
  return createHash("sha256").update(migration.sql).digest("hex");
}

function recordHashes(db: Database, migrations: readonly Migration[]): void {
  if (!hasTable(db, "schema_migrations")) return;
  const insert = db.query("INSERT INTO schema_migrations (version, sha256) VALUES (?, ?) ON CONFLICT DO NOTHING");
  for (const migration of migrations) insert.run(migration.version, hashOf(migration));
}

/** The kill switch stands at `enabled` until somebody moves it (05 §2). */
function seedDaemonState(db: Database, nowMs: number): void {
  if (!hasTable(db, "daemon_state")) return;
  db.query(
    `INSERT INTO daemon_state (key, value, last_updated_at, last_updated_by)
     VALUES ('routing_enabled', 'enabled', ?, '(daemon-init)') ON CONFLICT DO NOTHING`,
  ).run(formB(nowMs));
}

function writeVersion(db: Database, version: number): void {
  db.run("DELETE FROM schema_version");
  db.query("INSERT INTO schema_version (version) VALUES (?)").run(version);
}
