-- Our own generation (01 §5): what the older tables have no column for, and an index for every order of the lists (06 §6).
CREATE TABLE schema_migrations (
  version INTEGER PRIMARY KEY,
  sha256 TEXT NOT NULL
);

-- Delivery attempts, held messages, decisions of routes, audit lines not yet in the events file (05 §2).
CREATE TABLE queue_delivery (
  message_id TEXT PRIMARY KEY,
  stage TEXT NOT NULL CHECK (stage IN ('claimed', 'pasted', 'submit_sent', 'confirmed', 'unconfirmed')),
  typed TEXT NOT NULL CHECK (typed IN ('no', 'yes', 'unknown')),
  claimed_at TEXT NOT NULL,
  paste_started_at TEXT,
  pasted_at TEXT,
  submit_sent_at TEXT,
  verified_at TEXT,
  transport TEXT CHECK (transport IN ('link', 'exec')),
  tmux_version TEXT,
  paste_mode TEXT CHECK (paste_mode IN ('on', 'off', 'unknown')),
  exec_ids_json TEXT,
  evidence_json TEXT
);

CREATE TABLE queue_hold (
  message_id TEXT PRIMARY KEY,
  kind TEXT NOT NULL CHECK (kind IN ('delay', 'held', 'override')),
  reason TEXT,
  since TEXT NOT NULL,
  resume_at TEXT,
  next_attempt_at TEXT
);

CREATE TABLE route_decision (
  route_id TEXT NOT NULL,
  event_id INTEGER NOT NULL,
  decided_at TEXT NOT NULL,
  outcome TEXT NOT NULL CHECK (outcome IN ('enqueued', 'blocked', 'skipped')),
  reason TEXT,
  sub_reason TEXT,
  master_agent_id TEXT,
  target_agent_id TEXT,
  message_id TEXT,
  hops INTEGER,
  candidates_json TEXT,
  PRIMARY KEY (route_id, event_id)
);

CREATE TABLE audit_outbox (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  family TEXT NOT NULL CHECK (family IN ('queue', 'route')),
  audit_event_id INTEGER,
  payload TEXT NOT NULL,
  created_at TEXT NOT NULL
);

-- How a log is captured, and where it has holes (03 §11).
CREATE TABLE log_transport (
  attachment_id TEXT PRIMARY KEY,
  transport TEXT NOT NULL CHECK (transport IN ('pipe', 'stream')),
  pane_pid INTEGER NOT NULL,
  generation INTEGER NOT NULL DEFAULT 1,
  updated_at TEXT NOT NULL
);

CREATE TABLE log_journal (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  attachment_id TEXT NOT NULL,
  agent_id TEXT NOT NULL,
  log_path TEXT NOT NULL,
  generation INTEGER NOT NULL,
  byte_offset INTEGER NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('gap', 'rotated')),
  reason TEXT,
  duration_ms INTEGER,
  lost_bytes INTEGER,
  last_event_id INTEGER,
  created_at TEXT NOT NULL
);

CREATE INDEX log_journal_attachment ON log_journal (attachment_id, seq);
CREATE INDEX log_journal_agent ON log_journal (agent_id, seq);

-- Orders of containers; with a leading "active" for the filter "state".
CREATE INDEX containers_by_name ON containers (name, container_id);
CREATE INDEX containers_by_first_seen ON containers (first_seen_at, container_id);
CREATE INDEX containers_by_last_scanned ON containers (last_scanned_at, container_id);
CREATE INDEX containers_active_by_name ON containers (active, name, container_id);
CREATE INDEX containers_active_by_first_seen ON containers (active, first_seen_at, container_id);
CREATE INDEX containers_active_by_last_scanned ON containers (active, last_scanned_at, container_id);

-- Orders of panes. A pane has no short id: SQLite ends every index of this table with the row's own number, which is
-- the tie-breaker here and what a cursor remembers.
CREATE INDEX panes_by_place ON panes (container_name, tmux_session_name, tmux_window_index, tmux_pane_index);
CREATE INDEX panes_by_first_seen ON panes (first_seen_at);
CREATE INDEX panes_by_last_scanned ON panes (last_scanned_at);
CREATE INDEX panes_active_by_place ON panes (
  active, container_name, tmux_session_name, tmux_window_index, tmux_pane_index
);
CREATE INDEX panes_active_by_first_seen ON panes (active, first_seen_at);
CREATE INDEX panes_active_by_last_scanned ON panes (active, last_scanned_at);
CREATE INDEX panes_container_by_place ON panes (
  container_id, container_name, tmux_session_name, tmux_window_index, tmux_pane_index
);
CREATE INDEX panes_container_by_first_seen ON panes (container_id, first_seen_at);
CREATE INDEX panes_container_by_last_scanned ON panes (container_id, last_scanned_at);
CREATE INDEX panes_container_active_by_place ON panes (
  container_id, active, container_name, tmux_session_name, tmux_window_index, tmux_pane_index
);
CREATE INDEX panes_container_active_by_first_seen ON panes (container_id, active, first_seen_at);
CREATE INDEX panes_container_active_by_last_scanned ON panes (container_id, active, last_scanned_at);
-- A bare pane id such as %0 exists in every bench (06 §6, detail).
CREATE INDEX panes_by_pane_id ON panes (tmux_pane_id, active, last_scanned_at);

-- Orders of agents. Filters are left to the rows: agents are few.
CREATE INDEX agents_by_role ON agents (
  (CASE role WHEN 'master' THEN 1 WHEN 'slave' THEN 2 WHEN 'swarm' THEN 3 WHEN 'test-runner' THEN 4 WHEN 'shell' THEN 5 ELSE 6 END),
  agent_id
);
CREATE INDEX agents_by_role_created ON agents (
  (CASE role WHEN 'master' THEN 1 WHEN 'slave' THEN 2 WHEN 'swarm' THEN 3 WHEN 'test-runner' THEN 4 WHEN 'shell' THEN 5 ELSE 6 END),
  created_at, agent_id
);
CREATE INDEX agents_by_created ON agents (created_at, agent_id);

-- Orders of log attachments; those of one agent or one status stand together.
CREATE INDEX log_attachments_by_attached ON log_attachments (attached_at, attachment_id);
CREATE INDEX log_attachments_by_last_status ON log_attachments (last_status_at, attachment_id);
CREATE INDEX log_attachments_by_status ON log_attachments (
  (CASE status WHEN 'active' THEN 1 WHEN 'stale' THEN 2 WHEN 'superseded' THEN 3 ELSE 4 END), attachment_id
);
CREATE INDEX log_attachments_agent_by_attached ON log_attachments (agent_id, attached_at, attachment_id);
CREATE INDEX log_attachments_agent_by_last_status ON log_attachments (agent_id, last_status_at, attachment_id);
CREATE INDEX log_attachments_agent_by_status ON log_attachments (
  agent_id, (CASE status WHEN 'active' THEN 1 WHEN 'stale' THEN 2 WHEN 'superseded' THEN 3 ELSE 4 END), attachment_id
);
CREATE INDEX log_attachments_status_by_attached ON log_attachments (status, attached_at, attachment_id);
CREATE INDEX log_attachments_status_by_last_status ON log_attachments (status, last_status_at, attachment_id);

-- Orders of events. Lists show classifier events; audit rows between them must not cost a page anything, hence indexes
-- over classifier rows alone. These write one form of time, so their texts sort as their instants do.
CREATE INDEX events_classified_by_id ON events (event_id) WHERE event_type IN (
  'activity', 'waiting_for_input', 'completed', 'error', 'test_failed', 'test_passed', 'manual_review_needed',
  'long_running', 'pane_exited', 'swarm_member_reported'
);
CREATE INDEX events_classified_by_observed ON events (observed_at, event_id) WHERE event_type IN (
  'activity', 'waiting_for_input', 'completed', 'error', 'test_failed', 'test_passed', 'manual_review_needed',
  'long_running', 'pane_exited', 'swarm_member_reported'
);
CREATE INDEX events_classified_agent_by_id ON events (agent_id, event_id) WHERE event_type IN (
  'activity', 'waiting_for_input', 'completed', 'error', 'test_failed', 'test_passed', 'manual_review_needed',
  'long_running', 'pane_exited', 'swarm_member_reported'
);
CREATE INDEX events_classified_agent_by_observed ON events (agent_id, observed_at, event_id) WHERE event_type IN (
  'activity', 'waiting_for_input', 'completed', 'error', 'test_failed', 'test_passed', 'manual_review_needed',
  'long_running', 'pane_exited', 'swarm_member_reported'
);
CREATE INDEX events_type_by_observed ON events (event_type, observed_at, event_id);
CREATE INDEX events_agent_type_by_id ON events (agent_id, event_type, event_id);
CREATE INDEX events_agent_type_by_observed ON events (agent_id, event_type, observed_at, event_id);

-- Orders of the queue; those of one state, sender or target stand together.
CREATE INDEX message_queue_by_state ON message_queue (
  (CASE state WHEN 'queued' THEN 1 WHEN 'blocked' THEN 2 WHEN 'failed' THEN 3 WHEN 'delivered' THEN 4 ELSE 5 END),
  enqueued_at, message_id
);
CREATE INDEX message_queue_by_enqueued ON message_queue (enqueued_at, message_id);
CREATE INDEX message_queue_by_last_updated ON message_queue (last_updated_at, message_id);
CREATE INDEX message_queue_state_by_last_updated ON message_queue (state, last_updated_at, message_id);
CREATE INDEX message_queue_sender_by_state ON message_queue (
  sender_agent_id,
  (CASE state WHEN 'queued' THEN 1 WHEN 'blocked' THEN 2 WHEN 'failed' THEN 3 WHEN 'delivered' THEN 4 ELSE 5 END),
  enqueued_at, message_id
);
CREATE INDEX message_queue_sender_by_last_updated ON message_queue (sender_agent_id, last_updated_at, message_id);
CREATE INDEX message_queue_target_by_state ON message_queue (
  target_agent_id,
  (CASE state WHEN 'queued' THEN 1 WHEN 'blocked' THEN 2 WHEN 'failed' THEN 3 WHEN 'delivered' THEN 4 ELSE 5 END),
  enqueued_at, message_id
);
CREATE INDEX message_queue_target_by_last_updated ON message_queue (target_agent_id, last_updated_at, message_id);

-- Orders of routes: creation has its index since generation 8.
CREATE INDEX routes_by_updated ON routes (updated_at, route_id);
