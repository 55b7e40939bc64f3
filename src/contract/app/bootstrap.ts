/** First contact of a panel (06 §4). */
import * as v from "valibot";
import { count, flag, integer, text } from "../fields.ts";
import type { AppMethods } from "../method.ts";

const PREFLIGHT_CODES = ["ok", "daemon_unavailable", "socket_missing", "socket_permission_denied"] as const;

export const bootstrapMethods = {
  "app.preflight": {
    since: "1.0",
    who: "host",
    session: false,
    mutates: false,
    summary: "Tell whether socket and daemon can be reached; params of any kind are ignored.",
    result: v.object({
      socket_reachable: flag,
      daemon_reachable: flag,
      code: v.picklist(PREFLIGHT_CODES),
    }),
    codes: [],
  },
  "app.hello": {
    since: "1.0",
    who: "host",
    session: false,
    mutates: false,
    summary: "Open a session and learn the versions of daemon, registry and contract.",
    params: v.object({
      client_id: v.optional(text(128), ""),
      client_version: v.optional(text(64), ""),
      client_app_contract_major: v.optional(integer(1, Number.MAX_SAFE_INTEGER), 1),
      ephemeral: v.optional(flag, false),
    }),
    result: v.object({
      app_session_token: v.pipe(v.string(), v.uuid()),
      app_session_id: v.pipe(count, v.minValue(1)),
      daemon_version: v.string(),
      schema_version: count,
      app_contract_version: v.string(),
      supported_minor_range: v.object({ min: v.string(), max: v.string() }),
      host_user_id: v.string(),
      capability_flags: v.record(v.string(), v.boolean()),
      state: v.literal("ok"),
    }),
    codes: ["app_contract_major_unsupported", "validation_failed"],
  },
} as const satisfies AppMethods;
