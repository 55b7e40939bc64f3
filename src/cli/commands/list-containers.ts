/** `list-containers` (02 §10). */
import { command } from "../command.ts";
import { OK } from "../exits.ts";
import { ask, placeOf, READ_LIMITS } from "../place.ts";
import { instant, jsonLine, table } from "../render.ts";
import { JSON_OPTION } from "./ensure-daemon.ts";

const HEADER = ["ACTIVE", "ID", "NAME", "IMAGE", "STATUS", "LAST_SCANNED"];

export const listContainers = command({
  name: "list-containers",
  summary: "List the known bench containers.",
  examples: ["agenttower list-containers --active-only"],
  options: {
    "active-only": { type: "boolean", summary: "only benches that run now" },
    json: JSON_OPTION,
  },
  async run(context, { json, "active-only": activeOnly }) {
    const { socket } = placeOf(context);
    const result = await ask(
      context,
      socket.path,
      "list_containers",
      { active_only: activeOnly },
      { family: "list", json, limits: READ_LIMITS, progress: "asking the daemon" },
    );
    const now = context.clock.now();
    const rows = result.containers.map((row) => [
      row.active ? "1" : "0",
      row.id,
      row.name,
      row.image,
      row.status,
      instant(context.out, row.last_scanned_at, now),
    ]);
    context.out.write(json ? jsonLine({ ok: true, result }) : table(context.out, HEADER, rows));
    return OK;
  },
});
