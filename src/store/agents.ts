/** What a pane scan does to agents and their log attachments (02 §5.6, 03 §9); in the transaction of the scan. */
import type { Tx } from "./open.ts";
import { KEY_SET, KEY_WHERE, type KeyValues, keyValues, type PaneKey, type PaneMove } from "./panes.ts";

/** An attachment whose pane went: what its audit line tells (03 §20). */
export type StaleAttachment = {
  attachment_id: string;
  agent_id: string;
  log_path: string;
  source: string;
  prior_pipe_target: string | null;
};

/** An agent, active or not, holds this pane key. */
export function isAgentKey(tx: Tx, key: PaneKey): boolean {
  return tx.db.query<unknown, KeyValues>(`SELECT 1 FROM agents WHERE ${KEY_WHERE}`).get(...keyValues(key)) !== null;
}

/** Sets `last_seen_at` of the agents of these panes, inactive ones too. */
export function markAgentsSeen(tx: Tx, keys: readonly PaneKey[], at: string): void {
  const statement = tx.db.query(`UPDATE agents SET last_seen_at = ? WHERE ${KEY_WHERE}`);
  for (const key of keys) statement.run(at, ...keyValues(key));
}

/** The agents of these panes are inactive from now on. */
export function deactivateAgents(tx: Tx, keys: readonly PaneKey[]): void {
  const statement = tx.db.query(`UPDATE agents SET active = 0 WHERE active = 1 AND ${KEY_WHERE}`);
  for (const key of keys) statement.run(...keyValues(key));
}

/** Active attachments of these panes become stale. @returns them, for their audit lines */
export function staleAttachments(tx: Tx, keys: readonly PaneKey[], at: string): StaleAttachment[] {
  const statement = tx.db.query<StaleAttachment, [string, ...KeyValues]>(
    `UPDATE log_attachments SET status = 'stale', last_status_at = ? WHERE ${KEY_WHERE} AND status = 'active'
     RETURNING attachment_id, agent_id, log_path, source, prior_pipe_target`,
  );
  return keys.flatMap((key) => statement.all(at, ...keyValues(key)));
}

/** Agents and attachments follow their panes to new keys (02 §14). */
export function moveAgents(tx: Tx, moves: readonly PaneMove[]): void {
  for (const table of ["agents", "log_attachments"]) {
    const statement = tx.db.query(`UPDATE ${table} SET ${KEY_SET} WHERE ${KEY_WHERE}`);
    for (const { from, to } of moves) statement.run(...keyValues(to), ...keyValues(from));
  }
}
