/** The whole picture at a glance (06 §5). Side-effect free, never starts a scan. */
import * as v from "valibot";
import { integer } from "../fields.ts";
import type { AppMethods } from "../method.ts";
import { dashboardCounts, hintView, recentEvent, recentQueueRow, recentRoute, subsystemView } from "../views.ts";

export const overviewMethods = {
  "app.readiness": {
    since: "1.0",
    who: "host",
    session: true,
    mutates: false,
    summary: "State of the six subsystems, with hints on what to do next.",
    params: v.object({}),
    result: v.object({
      state: v.picklist(["ready", "degraded", "unavailable"]),
      subsystems: v.pipe(v.array(subsystemView), v.length(6)),
      hints: v.array(hintView),
    }),
    codes: [],
  },
  "app.dashboard": {
    since: "1.0",
    who: "host",
    session: true,
    mutates: false,
    summary: "Counts of everything, the newest rows, and hints.",
    params: v.object({ recent_limit: v.optional(integer(1, 50), 10) }),
    result: v.object({
      counts: dashboardCounts,
      recent: v.object({
        events: v.array(recentEvent),
        queue: v.array(recentQueueRow),
        routes: v.array(recentRoute),
      }),
      hints: v.array(hintView),
    }),
    codes: ["validation_failed"],
  },
} as const satisfies AppMethods;
