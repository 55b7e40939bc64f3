/**
 * Every gate between a line and its handler, in the order of 06 §3 and 01 §8, in one place. Gates read the declaration of
 * a method; no handler repeats one. Nothing here has an effect beyond marking a session as used.
 */

import { cut } from "../base/text.ts";
import type { AppMethod, LegacyMethod, Method } from "../contract/method.ts";
import { methodOf } from "../contract/methods.ts";
import { appRefusal } from "./envelope.ts";
import { checkParams } from "./params.ts";
import type { Peer } from "./peer.ts";
import { isObject, legacy, type Refusal, type Refused, type Request } from "./request.ts";
import type { Session, Sessions } from "./sessions.ts";

export type House = {
  /** The daemon's effective uid. */
  uid: number;
  sessions: Pick<Sessions, "use">;
  stopping: AbortSignal;
};

export type Admitted = {
  admitted: true;
  request: Request;
  method: Method;
  /** As the method's schema gives them. */
  params: Record<string, unknown>;
  session: Session | null;
};
export type Rejected = { admitted: false; refusal: Refusal };

/** Longest method name that a message quotes, in characters (06 §2). */
const QUOTED_NAME_CHARACTERS = 64;

/** Whether the peer gate lets anything of this peer through; of a foreign one a single line is read (06 §3). */
export function isForeign(peer: Peer, house: House): boolean {
  return peer.uid !== house.uid;
}

/** Leads a line that was read past all gates, or says which one stopped it. */
export function admit(read: Request | Refused, peer: Peer, house: House): Admitted | Rejected {
  if (isForeign(peer, house)) return rejected(foreign(read.app));
  if (read.kind === "refused") return rejected(read.refusal);
  return read.app ? admitApp(read, peer, house) : admitLegacy(read, peer, house);
}

function admitApp(request: Request, peer: Peer, house: House): Admitted | Rejected {
  if (!peer.host) {
    return rejected(
      appRefusal({ code: "host_only", message: "app methods are for processes on the host", details: {} }),
    );
  }
  const method = methodOf(request.name) as AppMethod | undefined;
  if (!method) {
    const message = `unknown method: ${cut(request.name, QUOTED_NAME_CHARACTERS)}`;
    return rejected(appRefusal({ code: "unknown_method", message, details: {} }));
  }
  let session: Session | null = null;
  if (method.session) {
    const token = isObject(request.params) ? request.params["app_session_token"] : undefined;
    if (typeof token !== "string" || token === "") {
      const message = "params.app_session_token is missing; app.hello issues one";
      return rejected(appRefusal({ code: "app_session_required", message, details: {} }));
    }
    session = house.sessions.use(token);
    if (!session) {
      const message = "the session is over; say app.hello again";
      return rejected(appRefusal({ code: "app_session_expired", message, details: {} }));
    }
  }
  if (house.stopping.aborted && request.name !== "app.preflight") {
    const message = "the daemon is stopping";
    return rejected(appRefusal({ code: "internal_error", message, details: { reason: "shutting_down" } }));
  }
  const checked = checkParams(method, request.params, true);
  if (!checked.ok) {
    const { field, reason } = checked;
    const message = `${request.name}: ${field}: ${reason}`;
    return rejected(appRefusal({ code: "validation_failed", message, details: { field, reason } }));
  }
  return { admitted: true, request, method, params: checked.params, session };
}

function admitLegacy(request: Request, peer: Peer, house: House): Admitted | Rejected {
  const method = methodOf(request.name) as LegacyMethod | undefined;
  if (!method) return rejected(legacy("unknown_method", `unknown method: ${request.name}`));
  if (house.stopping.aborted) return rejected(legacy("daemon_shutting_down", "the daemon is stopping"));
  if (method.who === "host" && !peer.host) {
    // Of the legacy methods only the routing switch is the host's alone (01 §9).
    return rejected(legacy("routing_toggle_host_only", `${request.name} is for processes on the host`));
  }
  const checked = checkParams(method, request.params, false);
  if (!checked.ok) return rejected(legacy("bad_request", `${checked.field}: ${checked.reason}`));
  return { admitted: true, request, method, params: checked.params, session: null };
}

function foreign(app: boolean): Refusal {
  const message = "request refused: peer credential check failed";
  return app ? appRefusal({ code: "permission_denied", message, details: {} }) : legacy("internal_error", message);
}

function rejected(refusal: Refusal): Rejected {
  return { admitted: false, refusal };
}
