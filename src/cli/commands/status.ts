/** `status` and `daemon status` (01 §14). */
import type { ResultOut } from "../../wire/client.ts";
import { command } from "../command.ts";
import type { CliContext } from "../context.ts";
import { OK } from "../exits.ts";
import { ask, placeOf, READ_LIMITS } from "../place.ts";
import { jsonLine, keyValues, printable } from "../render.ts";
import { JSON_OPTION } from "./ensure-daemon.ts";

export const status = command({
  name: "status",
  summary: "Show what the running daemon is and how its workers are.",
  examples: ["agenttower status", "agenttower status --json"],
  options: { json: JSON_OPTION },
  run: (context, { json }) => showStatus(context, json),
});

export async function showStatus(context: CliContext, json: boolean): Promise<number> {
  const { socket } = placeOf(context);
  const result = await ask(
    context,
    socket.path,
    "status",
    {},
    { family: "lifecycle", json, limits: READ_LIMITS, progress: "asking the daemon", always: "text" },
  );
  context.out.write(json ? jsonLine({ ok: true, result }) : statusText(result));
  return OK;
}

type Status = ResultOut<"status">;

/** Six lines, then the routing block. */
export function statusText(status: Status): string {
  const head = keyValues([
    ["alive", status.alive],
    ["pid", status.pid],
    ["start_time", status.start_time_utc],
    ["uptime_seconds", status.uptime_seconds],
    ["socket_path", status.socket_path],
    ["state_path", status.state_path],
  ]);
  return head + routingBlock(status.routing);
}

function routingBlock(routing: Status["routing"]): string {
  const { routes_total, routes_enabled, routes_disabled, most_stalled_route: stalled } = routing;
  const skips = Object.entries(routing.skips_by_reason).sort(([a], [b]) => (a < b ? -1 : 1));
  const lines = [
    `Routes: ${routes_total} total (${routes_enabled} enabled, ${routes_disabled} disabled)`,
    `Last cycle: ${routing.last_routing_cycle_at ?? "(never)"}`,
    `Events consumed (since start): ${routing.events_consumed_total}`,
    ...(skips.length === 0
      ? ["Skips by reason: (none)"]
      : ["Skips by reason:", ...skips.map(([reason, count]) => `  ${reason}: ${count}`)]),
    `Most stalled: ${stalled ? `${stalled.route_id} (lag=${stalled.lag})` : "(none)"}`,
    `Worker degraded: ${routing.routing_worker_degraded}`,
    `Audit buffer degraded: ${routing.degraded_routing_audit_persistence}`,
  ];
  return `Routing:\n${lines.map((line) => `  ${printable(line)}\n`).join("")}`;
}
