/** Benches (06 §6). */
import * as v from "valibot";
import { listParams, listResult, name, rowResult } from "../fields.ts";
import { filterOneOf, filterSet } from "../filters.ts";
import type { AppMethods } from "../method.ts";
import { CONTAINER_STATES, containerView } from "../views.ts";

export const CONTAINER_ORDERS = ["name", "first_seen_at", "last_scanned_at"] as const;

export const containerMethods = {
  "app.container.list": {
    since: "1.0",
    who: "host",
    session: true,
    mutates: false,
    summary: "Benches, a page at a time; filter: state.",
    params: listParams(CONTAINER_ORDERS, filterSet({ state: filterOneOf(CONTAINER_STATES) }), {}),
    result: listResult(containerView),
    codes: ["validation_failed"],
  },
  "app.container.detail": {
    since: "1.0",
    who: "host",
    session: true,
    mutates: false,
    summary: "One bench.",
    params: v.object({ container_id: name() }),
    result: rowResult(containerView),
    codes: ["not_found", "validation_failed"],
  },
} as const satisfies AppMethods;
