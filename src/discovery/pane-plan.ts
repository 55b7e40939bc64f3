/** What a pane scan does to the rows (02 §5.6, §14). Pure; `store/panes.ts` carries it out. */
import type { PaneKey, PaneMove, PaneRow, PaneScope } from "../store/panes.ts";
import { findMoves } from "./pane-moves.ts";
import { keyText } from "./reported-panes.ts";
import { type ContainerSight, classOf, isComplete } from "./sight.ts";

/** One container that was asked. */
export type PaneView = {
  sight: ContainerSight;
  /** `reportedPanes` of the sight. */
  reported: readonly PaneRow[];
  /** All its active rows. */
  active: readonly PaneRow[];
  /** Reported keys that an inactive row or an agent holds. */
  held: ReadonlySet<string>;
};

export type PanePlan = {
  /** To be done first. */
  moves: PaneMove[];
  upserts: PaneRow[];
  inactivate: PaneKey[];
  /** Rows that stay active though another process sits there now: gone and come back (02 §14). */
  replaced: PaneKey[];
  /** Only `last_scanned_at` moves. */
  touch: PaneScope[];
  newlyActive: number;
};

/**
 * @param skipped active rows of inactive containers, by container id
 */
export function planPanes(views: readonly PaneView[], skipped: ReadonlyMap<string, readonly PaneRow[]>): PanePlan {
  const plan: PanePlan = { moves: [], upserts: [], inactivate: [], replaced: [], touch: [], newlyActive: 0 };
  for (const [container_id, rows] of skipped) {
    plan.inactivate.push(...rows);
    plan.touch.push({ container_id, kind: "all" });
  }
  for (const view of views) planContainer(view, plan);
  return plan;
}

function planContainer({ sight, reported, active, held }: PaneView, plan: PanePlan): void {
  const container_id = sight.containerId;
  if (sight.kind === "unlisted" || classOf(sight) === "unknown") {
    plan.touch.push({ container_id, kind: "all" });
    return;
  }
  const complete = new Set<string>();
  for (const socket of sight.sockets) {
    if (isComplete(socket)) complete.add(socket.path);
    else plan.touch.push({ container_id, kind: "socket", tmux_socket_path: socket.path });
  }
  const listed = [...sight.sockets.map(({ path }) => path), ...sight.leftAlone];
  if (sight.sockets.length > 0) plan.touch.push({ container_id, kind: "other_sockets", except: listed });

  const isListed = new Set(listed);
  const seen = new Set(reported.map(keyText));
  const before = new Map(active.map((row) => [keyText(row), row]));
  const gone = active.filter(
    (row) => !seen.has(keyText(row)) && (complete.has(row.tmux_socket_path) || !isListed.has(row.tmux_socket_path)),
  );
  const fresh = reported.filter((row) => {
    const key = keyText(row);
    return complete.has(row.tmux_socket_path) && !before.has(key) && !held.has(key);
  });
  const moves = findMoves(gone, fresh);
  const origins = new Map(moves.map(({ from, to }) => [keyText(to), before.get(keyText(from))]));
  const moved = new Set(moves.map(({ from }) => keyText(from)));
  plan.moves.push(...moves);
  plan.inactivate.push(...gone.filter((row) => !moved.has(keyText(row))));
  for (const row of reported) {
    const key = keyText(row);
    const same = before.get(key);
    const known = same ?? origins.get(key);
    plan.upserts.push(known ? { ...row, first_seen_at: known.first_seen_at } : row);
    if (!known) plan.newlyActive++;
    if (same && same.pane_pid !== row.pane_pid) plan.replaced.push(same);
  }
}
