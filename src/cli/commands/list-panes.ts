/** `list-panes` (02 §10). */

import { containerNames } from "../candidates.ts";
import { command } from "../command.ts";
import { OK } from "../exits.ts";
import { ask, placeOf, READ_LIMITS } from "../place.ts";
import { instant, jsonLine, table } from "../render.ts";
import { JSON_OPTION } from "./ensure-daemon.ts";

const HEADER = [
  "ACTIVE",
  "FOCUSED",
  "CONTAINER",
  "SOCKET",
  "SESSION",
  "W",
  "P",
  "PANE_ID",
  "PID",
  "TTY",
  "COMMAND",
  "CWD",
  "LAST_SCANNED",
];

export const listPanes = command({
  name: "list-panes",
  summary: "List the known tmux panes.",
  examples: ["agenttower list-panes --active-only", "agenttower list-panes --container py-bench"],
  options: {
    "active-only": { type: "boolean", summary: "only panes that are there now" },
    container: {
      type: "string",
      summary: "only panes of this container",
      hint: "ID_OR_NAME",
      candidates: containerNames,
    },
    json: JSON_OPTION,
  },
  async run(context, { json, container, "active-only": activeOnly }) {
    const { socket } = placeOf(context);
    const result = await ask(
      context,
      socket.path,
      "list_panes",
      { active_only: activeOnly, ...(container === undefined ? {} : { container }) },
      { family: "list", json, limits: READ_LIMITS, progress: "asking the daemon" },
    );
    const now = context.clock.now();
    const rows = result.panes.map((row) => [
      row.active ? "1" : "0",
      row.pane_active ? "1" : "0",
      row.container_name,
      row.tmux_socket_path,
      row.tmux_session_name,
      String(row.tmux_window_index),
      String(row.tmux_pane_index),
      row.tmux_pane_id,
      String(row.pane_pid),
      row.pane_tty,
      row.pane_current_command,
      row.pane_current_path,
      instant(context.out, row.last_scanned_at, now),
    ]);
    context.out.write(json ? jsonLine({ ok: true, result }) : table(context.out, HEADER, rows));
    return OK;
  },
});
