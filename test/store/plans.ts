/** How SQLite means to answer the pages that are read through a connection. */
import type { Database } from "bun:sqlite";

/** The same connection; the plan of every statement with a LIMIT goes into `plans`. */
export function spyOnPlans(db: Database, plans: string[]): Database {
  return new Proxy(db, {
    get(target, name) {
      if (name !== "query") return Reflect.get(target, name);
      return (sql: string) => {
        if (sql.includes("LIMIT ?")) {
          const steps = target.query<{ detail: string }, []>(`EXPLAIN QUERY PLAN ${sql.replaceAll("?", "1")}`).all();
          plans.push(steps.map((step) => step.detail).join(" | "));
        }
        return target.query(sql);
      };
    },
  });
}
