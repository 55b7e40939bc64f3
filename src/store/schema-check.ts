/**
 * A registry may have the right version and still miss tables or indexes (01 §5). What has to be made is read from a database
 * in memory that went through the same migrations, so that no second list has to be kept.
 */
import { Database } from "bun:sqlite";
import type { Migration } from "./migrations.ts";

type SchemaObject = { type: string; name: string; sql: string };

const OBJECTS = "SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'";

/** Whether every table and index of `migrations` exists. Reads names from the SQL itself: it is asked at every start. */
export function schemaIsComplete(db: Database, migrations: readonly Migration[]): boolean {
  const present = presentNames(db);
  return expectedNames(migrations).every((name) => present.has(name));
}

/** Names of the tables and indexes that `migrations` leave behind. */
export function expectedNames(migrations: readonly Migration[]): string[] {
  const names = new Set<string>();
  for (const { sql } of migrations) {
    for (const [, made] of sql.matchAll(/^CREATE (?:UNIQUE )?(?:TABLE|INDEX) (\w+)/gm)) if (made) names.add(made);
    for (const [, renamed] of sql.matchAll(/^ALTER TABLE (\w+) RENAME TO/gm)) if (renamed) names.delete(renamed);
  }
  return [...names];
}

/** Creates the tables and indexes that are missing, tables first. To be called within a transaction. */
export function completeSchema(db: Database, migrations: readonly Migration[]): void {
  const missing = missingObjects(db, migrations);
  for (const object of missing) if (object.type === "table") db.run(object.sql);
  for (const object of missing) if (object.type !== "table") db.run(object.sql);
}

function missingObjects(db: Database, migrations: readonly Migration[]): SchemaObject[] {
  const present = presentNames(db);
  return expectedObjects(migrations).filter((object) => !present.has(object.name));
}

function presentNames(db: Database): Set<string> {
  return new Set(
    db
      .query<SchemaObject, []>(OBJECTS)
      .all()
      .map((object) => object.name),
  );
}

function expectedObjects(migrations: readonly Migration[]): SchemaObject[] {
  const db = new Database(":memory:");
  try {
    for (const migration of migrations) db.run(migration.sql);
    return db.query<SchemaObject, []>(OBJECTS).all();
  } finally {
    db.close();
  }
}
