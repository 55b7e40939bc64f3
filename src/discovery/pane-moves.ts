/**
 * Panes that stand under another key now: renaming a session, moving or renumbering a window (02 §14). Pure. Same container,
 * socket, pane id, pid and tty in one good scan make a move; a key that another row holds never does (03 §9).
 */
import type { PaneMove, PaneRow } from "../store/panes.ts";

/**
 * Pairs rows that went with rows that came, each at most once.
 * @param gone active rows that complete sockets no longer report
 * @param fresh reported rows whose key nobody holds, on the same sockets
 */
export function findMoves(gone: readonly PaneRow[], fresh: readonly PaneRow[]): PaneMove[] {
  const waiting = new Map<string, PaneRow[]>();
  for (const row of fresh) {
    const same = waiting.get(paneText(row));
    if (same) same.push(row);
    else waiting.set(paneText(row), [row]);
  }
  const moves: PaneMove[] = [];
  for (const from of gone) {
    const candidates = waiting.get(paneText(from)) ?? [];
    const to = nearest(from, candidates);
    if (!to) continue;
    candidates.splice(candidates.indexOf(to), 1);
    moves.push({ from, to });
  }
  return moves;
}

/** With grouped sessions one pane has several keys: the same session is nearer than the same place, any is better than none. */
function nearest(from: PaneRow, candidates: readonly PaneRow[]): PaneRow | undefined {
  return (
    candidates.find((to) => to.tmux_session_name === from.tmux_session_name) ??
    candidates.find(
      (to) => to.tmux_window_index === from.tmux_window_index && to.tmux_pane_index === from.tmux_pane_index,
    ) ??
    candidates[0]
  );
}

function paneText(row: PaneRow): string {
  return JSON.stringify([row.container_id, row.tmux_socket_path, row.tmux_pane_id, row.pane_pid, row.pane_tty]);
}
