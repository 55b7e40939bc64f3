/**
 * A registry may have the right version and still miss tables or indexes (01 §5). What should be there is read from a
 * database in memory that went through the same migrations, so that no second list has to be kept.
 */
import { Database } from "bun:sqlite";
import type { Migration } from "./migrations.ts";

type SchemaObject = { type: string; name: string; sql: string };

const OBJECTS = "SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'";

/** Whether every table and index of `migrations` exists. */
export function schemaIsComplete(db: Database, migrations: readonly Migration[]): boolean {
  return missingObjects(db, migrations).length === 0;
}

/** Creates the tables and indexes that are missing, tables first. To be called within a transaction. */
export function completeSchema(db: Database, migrations: readonly Migration[]): void {
  const missing = missingObjects(db, migrations);
  for (const object of missing) if (object.type === "table") db.run(object.sql);
  for (const object of missing) if (object.type !== "table") db.run(object.sql);
}

function missingObjects(db: Database, migrations: readonly Migration[]): SchemaObject[] {
  const present = new Set(
    db
      .query<SchemaObject, []>(OBJECTS)
      .all()
      .map((object) => object.name),
  );
  return expectedObjects(migrations).filter((object) => !present.has(object.name));
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
