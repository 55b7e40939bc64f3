-- Agents: one per pane key, active or not (03 §2).
CREATE TABLE agents (
  agent_id TEXT PRIMARY KEY,
  container_id TEXT NOT NULL,
  tmux_socket_path TEXT NOT NULL,
  tmux_session_name TEXT NOT NULL,
  tmux_window_index INTEGER NOT NULL,
  tmux_pane_index INTEGER NOT NULL,
  tmux_pane_id TEXT NOT NULL,
  role TEXT NOT NULL CHECK (role IN ('master', 'slave', 'swarm', 'test-runner', 'shell', 'unknown')),
  capability TEXT NOT NULL CHECK (
    capability IN ('claude', 'codex', 'gemini', 'opencode', 'shell', 'test-runner', 'unknown')
  ),
  label TEXT NOT NULL DEFAULT '',
  project_path TEXT NOT NULL DEFAULT '',
  parent_agent_id TEXT,
  effective_permissions TEXT NOT NULL,
  created_at TEXT NOT NULL,
  last_registered_at TEXT NOT NULL,
  last_seen_at TEXT,
  active INTEGER NOT NULL CHECK (active IN (0, 1)),
  UNIQUE (
    container_id, tmux_socket_path, tmux_session_name, tmux_window_index, tmux_pane_index, tmux_pane_id
  )
);

CREATE INDEX agents_active_order ON agents (active DESC, container_id, parent_agent_id, label, agent_id);
CREATE INDEX agents_parent_lookup ON agents (parent_agent_id);
CREATE INDEX agents_pane_lookup ON agents (
  container_id, tmux_socket_path, tmux_session_name, tmux_window_index, tmux_pane_index, tmux_pane_id
);
