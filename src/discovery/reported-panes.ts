/** Panes as they will be stored: cleaned, cut, each key once (02 §5.4, §5.5). Pure. */
import { characters, clean, cut } from "../base/text.ts";
import type { PaneKey, PaneRow } from "../store/panes.ts";
import type { TmuxPane } from "../tmux/rows.ts";
import type { ContainerSight } from "./sight.ts";

const PATH_CHARACTERS = 4096;
const FIELD_CHARACTERS = 2048;

/** A value that was cut. `original_len`: characters after cleaning, before cutting. */
export type Truncation = PaneKeyPart & { field: string; original_len: number };
type PaneKeyPart = { tmux_pane_id: string; tmux_socket_path: string; container_id: string };

export type ReportedPanes = { rows: PaneRow[]; truncations: Truncation[] };

/** One text for the six columns of a key. */
export function keyText(key: PaneKey): string {
  return JSON.stringify([
    key.container_id,
    key.tmux_socket_path,
    key.tmux_session_name,
    key.tmux_window_index,
    key.tmux_pane_index,
    key.tmux_pane_id,
  ]);
}

/** @param startedAt form A; every time that a pane scan writes */
export function reportedPanes(sight: ContainerSight, startedAt: string): ReportedPanes {
  const reported: ReportedPanes = { rows: [], truncations: [] };
  if (sight.kind !== "listed") return reported;
  const taken = new Set<string>();
  for (const socket of sight.sockets) {
    if (socket.kind !== "good") continue;
    for (const pane of socket.panes) {
      const { row, truncations } = reportedPane(sight, socket.path, pane, startedAt);
      const key = keyText(row);
      if (taken.has(key)) continue;
      taken.add(key);
      reported.rows.push(row);
      reported.truncations.push(...truncations);
    }
  }
  return reported;
}

function reportedPane(sight: ContainerSight, socketPath: string, pane: TmuxPane, startedAt: string) {
  const paneId = cut(clean(pane.paneId), FIELD_CHARACTERS);
  const truncations: Truncation[] = [];
  const fit = (field: string, text: string, limit = FIELD_CHARACTERS): string => {
    const cleaned = clean(text);
    const short = cut(cleaned, limit);
    if (short.length < cleaned.length) {
      truncations.push({
        tmux_pane_id: paneId,
        tmux_socket_path: socketPath,
        container_id: sight.containerId,
        field,
        original_len: characters(cleaned),
      });
    }
    return short;
  };
  const row: PaneRow = {
    container_id: sight.containerId,
    tmux_socket_path: socketPath,
    tmux_session_name: fit("tmux_session_name", pane.sessionName),
    tmux_window_index: pane.windowIndex,
    tmux_pane_index: pane.paneIndex,
    tmux_pane_id: paneId,
    container_name: fit("container_name", sight.name),
    container_user: fit("container_user", sight.user ?? ""),
    pane_pid: pane.pid,
    pane_tty: fit("pane_tty", pane.tty),
    pane_current_command: fit("pane_current_command", pane.command),
    pane_current_path: fit("pane_current_path", pane.path, PATH_CHARACTERS),
    pane_title: fit("pane_title", pane.title),
    pane_active: pane.focused ? 1 : 0,
    active: 1,
    first_seen_at: startedAt,
    last_scanned_at: startedAt,
  };
  return { row, truncations };
}
