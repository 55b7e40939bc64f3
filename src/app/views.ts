/** Rows of the registry as panels see them (06 §6). */
import { parseInstant } from "../base/time.ts";
import type { ContainerView, PaneView } from "../contract/views.ts";
import { isHostBench } from "../store/host-bench.ts";
import type { ContainerListRow, PaneListRow } from "../store/lists.ts";
import { paneKeyOf } from "../store/pane-key.ts";

export function toContainerView(row: ContainerListRow): ContainerView {
  return {
    container_id: row.container_id,
    name: row.name,
    state: stateOf(row),
    kind: isHostBench(row) ? "host" : "docker",
    image: row.image,
    first_seen_at: row.first_seen_at,
    last_scanned_at: row.last_scanned_at,
    pane_count: row.pane_count,
    registered_agent_count: row.registered_agent_count,
  };
}

function stateOf(row: ContainerListRow): ContainerView["state"] {
  if (row.degraded_scan === 1) return "degraded_scan";
  return row.active === 1 ? "active" : "inactive";
}

export function toPaneView(row: PaneListRow): PaneView {
  return {
    pane_key: paneKeyOf(row),
    pane_id: row.tmux_pane_id,
    container_id: row.container_id,
    container_name: row.container_name,
    tmux_socket: row.tmux_socket_path,
    session_name: row.tmux_session_name,
    window_index: row.tmux_window_index,
    pane_index: row.tmux_pane_index,
    registered: row.agent_id !== null,
    agent_id: row.agent_id,
    current_command: row.pane_current_command,
    current_path: row.pane_current_path,
    title: row.pane_title,
    active: row.active === 1,
    discovered_at: unixMs(row.first_seen_at),
    last_seen_at: unixMs(row.last_scanned_at),
  };
}

function unixMs(text: string): number {
  const ms = parseInstant(text);
  if (ms === null) throw new Error("a time in the registry cannot be read");
  return ms;
}
