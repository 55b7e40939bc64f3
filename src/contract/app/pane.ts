/** Panes (06 §6). */
import * as v from "valibot";
import { flag, listParams, listResult, name, paneId, rowResult } from "../fields.ts";
import { filterFlag, filterId, filterSet } from "../filters.ts";
import type { AppMethods } from "../method.ts";
import { paneView } from "../views.ts";

export const PANE_ORDERS = ["default", "discovered_at", "last_seen_at"] as const;

export const paneMethods = {
  "app.pane.list": {
    since: "1.0",
    who: "host",
    session: true,
    mutates: false,
    summary: "Panes, a page at a time; filters: container_id, registered.",
    params: listParams(PANE_ORDERS, filterSet({ container_id: filterId, registered: filterFlag }), {
      include_inactive: v.optional(flag, false),
    }),
    result: listResult(paneView),
    codes: ["validation_failed"],
  },
  "app.pane.detail": {
    since: "1.0",
    who: "host",
    session: true,
    mutates: false,
    summary: "One pane, by pane_key, or by pane_id with container_id and tmux_socket where that is not enough.",
    params: v.object({
      pane_key: v.optional(name()),
      pane_id: v.optional(paneId),
      container_id: v.optional(name()),
      tmux_socket: v.optional(name()),
    }),
    result: rowResult(paneView),
    codes: ["pane_not_found", "validation_failed"],
  },
} as const satisfies AppMethods;
