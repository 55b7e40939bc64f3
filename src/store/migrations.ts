/** The generations of the registry, embedded, in order (01 §5). A file that was released never changes again. */
import schemaVersion from "./migrations/0001-schema-version.sql" with { type: "text" };
import containers from "./migrations/0002-containers.sql" with { type: "text" };
import panes from "./migrations/0003-panes.sql" with { type: "text" };
import agents from "./migrations/0004-agents.sql" with { type: "text" };
import logAttachments from "./migrations/0005-log-attachments.sql" with { type: "text" };
import events from "./migrations/0006-events.sql" with { type: "text" };
import messageQueue from "./migrations/0007-message-queue.sql" with { type: "text" };
import routes from "./migrations/0008-routes.sql" with { type: "text" };
import orders from "./migrations/0009-orders.sql" with { type: "text" };

/** Brings a registry from `version - 1` to `version`. */
export type Migration = { version: number; sql: string };

export const MIGRATIONS: readonly Migration[] = [
  schemaVersion,
  containers,
  panes,
  agents,
  logAttachments,
  events,
  messageQueue,
  routes,
  orders,
].map((sql, index) => ({ version: index + 1, sql }));
