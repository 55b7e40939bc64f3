/**
 * Fills a registry as years of work would: the rows are written straight into the tables, because no daemon could be asked
 * for a million events in a reasonable time. Shapes: 02 §7, 03, 04 §8, 05 §2.
 */
import { Database } from "bun:sqlite";

export type Size = {
  containers: number;
  activeContainers: number;
  panes: number;
  agents: number;
  events: number;
  queue: number;
};

export const FULL: Size = {
  containers: 2000,
  activeContainers: 40,
  panes: 50_000,
  agents: 200,
  events: 1_000_000,
  queue: 100_000,
};
export const QUICK: Size = { ...FULL, panes: 10_000, events: 100_000, queue: 10_000 };

/** Start of the told history, Unix seconds. */
const EPOCH = 1_750_000_000;

/** The numbers 0..count-1 as `i`. */
const numbers = (count: number) =>
  `WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ${count - 1})`;
/** Picks from a closed set by number. */
const pick = (words: readonly string[], by: string) =>
  `json_extract('${JSON.stringify(words)}', '$[' || ((${by}) % ${words.length}) || ']')`;
const formA = (seconds: string) => `strftime('%Y-%m-%dT%H:%M:%f', ${EPOCH} + (${seconds}), 'unixepoch') || '000+00:00'`;
const formB = (seconds: string) => `strftime('%Y-%m-%dT%H:%M:%f', ${EPOCH} + (${seconds}), 'unixepoch') || 'Z'`;
const uuid = (kind: number) => `printf('%08x-${kind}000-4000-8000-%012x', i, i)`;
const containerId = (by: string) => `printf('%064x', 4096 + (${by}))`;
const agentId = (by: string) => `printf('agt_%012x', (${by}) + 1)`;

const EVENT_TYPES = [
  "activity",
  "activity",
  "activity",
  "completed",
  "error",
  "test_failed",
  "test_passed",
  "waiting_for_input",
  "manual_review_needed",
  "swarm_member_reported",
  "pane_exited",
  "long_running",
];
const ROLES = ["slave", "slave", "master", "slave", "swarm", "test-runner", "shell", "unknown"];
const CAPABILITIES = ["claude", "codex", "gemini", "opencode", "shell", "unknown"];
const STATES = [
  "delivered",
  "delivered",
  "delivered",
  "delivered",
  "canceled",
  "failed",
  "blocked",
  "delivered",
  "delivered",
  "delivered",
];

/** SQL of every table, in order; each statement stands alone. */
function statements(size: Size): string[] {
  const perContainer = Math.ceil(size.panes / size.containers);
  const home = `(i / ${perContainer})`;
  const paneOf = `(n.i * ${Math.floor((size.activeContainers * perContainer) / size.agents)})`;
  return [
    `${numbers(size.containers)} INSERT INTO containers (container_id, name, image, status, labels_json, mounts_json, inspect_json,
       active, first_seen_at, last_scanned_at)
     SELECT ${containerId("i")}, printf('bench-%05d', (i * 7919) % ${size.containers}), 'bench:latest', 'running', '{"team":"core"}', '[]',
       '{"config_user":null,"working_dir":null,"env_keys":[],"full_status":"running"}', i < ${size.activeContainers},
       ${formA("i * 60")}, ${formA("1e7 + (i % 100)")} FROM n`,
    `${numbers(size.panes)} INSERT INTO panes (container_id, tmux_socket_path, tmux_session_name, tmux_window_index, tmux_pane_index,
       tmux_pane_id, container_name, container_user, pane_pid, pane_tty, pane_current_command, pane_current_path, pane_title,
       pane_active, active, first_seen_at, last_scanned_at)
     SELECT ${containerId(home)}, '/tmp/tmux-1000/default', printf('work-%d', (i % ${perContainer}) / 8), ((i % ${perContainer}) % 8) / 2,
       i % 2, printf('%%%d', i % ${perContainer}), printf('bench-%05d', (${home} * 7919) % ${size.containers}), 'dev', 1000 + i % 30000,
       printf('/dev/pts/%d', i % 64), ${pick(["claude", "codex", "bash", "vim"], "i")}, printf('/workspace/project-%d', i % 300),
       printf('task %d: make the parser accept trailing commas', i), i % 2, ${home} < ${size.activeContainers},
       ${formA("(i * 37) % 5000000")}, ${formA("1e7 + (i * 31) % 1000")} FROM n`,
    `${numbers(size.agents)} INSERT INTO agents (agent_id, container_id, tmux_socket_path, tmux_session_name, tmux_window_index,
       tmux_pane_index, tmux_pane_id, role, capability, label, project_path, parent_agent_id, effective_permissions, created_at,
       last_registered_at, last_seen_at, active)
     SELECT ${agentId("n.i")}, container_id, tmux_socket_path, tmux_session_name, tmux_window_index, tmux_pane_index, tmux_pane_id,
       ${pick(ROLES, "n.i")}, ${pick(CAPABILITIES, "n.i")}, printf('agent-%d', n.i), pane_current_path, NULL,
       '{"can_send":false,"can_receive":true,"can_send_to_roles":[]}', ${formA("n.i * 60")}, ${formA("n.i * 60")}, last_scanned_at, 1
     FROM n JOIN (SELECT *, row_number() OVER (ORDER BY container_id, tmux_session_name, tmux_window_index, tmux_pane_index) - 1 AS at
       FROM panes WHERE active = 1) AS p ON p.at = ${paneOf}`,
    `${numbers(size.agents)} INSERT INTO log_attachments (attachment_id, agent_id, container_id, tmux_socket_path, tmux_session_name,
       tmux_window_index, tmux_pane_index, tmux_pane_id, log_path, status, source, pipe_pane_command, attached_at, last_status_at, created_at)
     SELECT printf('lat_%012x', i + 1), agent_id, container_id, tmux_socket_path, tmux_session_name, tmux_window_index, tmux_pane_index,
       tmux_pane_id, '/var/log/agents/' || agent_id || '.log', ${pick(["detached", "stale", "superseded"], "i")}, 'explicit', 'pipe-pane',
       ${formA("i * 60")}, ${formA("i * 90")}, ${formA("i * 60")} FROM n JOIN agents ON agent_id = ${agentId("i")}`,
    `${numbers(10)} INSERT INTO routes (route_id, event_type, source_scope_kind, source_scope_value, target_rule, target_value,
       master_rule, master_value, template, enabled, last_consumed_event_id, created_at, updated_at, created_by_agent_id)
     SELECT ${uuid(3)}, 'waiting_for_input', 'any', NULL, 'source', NULL, 'auto', NULL, 'Please answer: {event_excerpt}', i % 2,
       ${size.events}, ${formB("i")}, ${formB("i")}, 'host-operator' FROM n`,
    `${numbers(size.events)} INSERT INTO events (event_type, agent_id, attachment_id, log_path, byte_range_start, byte_range_end,
       line_offset_start, line_offset_end, observed_at, excerpt, classifier_rule_id, debounce_collapsed_count, schema_version,
       jsonl_appended_at)
     SELECT ${pick(EVENT_TYPES, "i * 7")}, ${agentId(`i % ${size.agents}`)}, printf('lat_%012x', i % ${size.agents} + 1),
       printf('/var/log/agents/agt_%012x.log', i % ${size.agents} + 1), i * 80, i * 80 + 80, i, i + 1, ${formA("i * 9.5")},
       printf('run %d: 214 passed, %d failed in 3.2 s', i, i % 5), 'rule.v1', 1, 1, ${formA("i * 9.5")} FROM n`,
    `${numbers(size.queue)} INSERT INTO message_queue (message_id, state, block_reason, failure_reason, sender_agent_id, sender_label,
       sender_role, sender_capability, target_agent_id, target_label, target_role, target_capability, target_container_id,
       target_pane_id, envelope_body, envelope_body_sha256, envelope_size_bytes, enqueued_at, last_updated_at,
       delivery_attempt_started_at, delivered_at, failed_at, canceled_at)
     SELECT ${uuid(4)}, state, CASE state WHEN 'blocked' THEN 'operator_delayed' END,
       CASE state WHEN 'failed' THEN 'tmux_paste_failed' END, ${agentId(`i % ${size.agents}`)}, printf('agent-%d', i % ${size.agents}),
       'master', 'claude', ${agentId(`(i * 13) % ${size.agents}`)}, printf('agent-%d', (i * 13) % ${size.agents}), 'slave', 'codex',
       ${containerId(`i % ${size.activeContainers}`)}, printf('%%%d', i % 40), CAST(printf('Please look at ticket %d and answer.', i) AS BLOB),
       printf('%064x', i), 240, at, at, CASE WHEN state IN ('delivered', 'failed') THEN at END,
       CASE state WHEN 'delivered' THEN at END, CASE state WHEN 'failed' THEN at END, CASE state WHEN 'canceled' THEN at END
     FROM (SELECT i, ${pick(STATES, "i")} AS state,
       ${formB("i * 95")} AS at FROM n)`,
  ];
}

/** Writes the rows of `size` into the registry at `path`; no daemon may run on it. */
export function seed(path: string, size: Size): void {
  const db = new Database(path);
  // Only here: the rows can be made again, so nothing need be durable, and indexes are built in one go at the end.
  db.run("PRAGMA journal_mode = MEMORY");
  db.run("PRAGMA synchronous = OFF");
  db.run("PRAGMA cache_size = -262144");
  const indexes = db
    .query<{ name: string; sql: string }, []>(
      "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL",
    )
    .all();
  db.transaction(() => {
    for (const { name } of indexes) db.run(`DROP INDEX ${name}`);
    for (const statement of statements(size)) db.run(statement);
    for (const { sql } of indexes) db.run(sql);
  })();
  db.run("PRAGMA journal_mode = WAL");
  db.close();
}
