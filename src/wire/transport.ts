/**
 * How a call can fail before an answer is there (01 §10), and what the client side then says in the daemon's place
 * (06 §4). Operating-system texts and numbers go no further than this room.
 */
import { statSync } from "node:fs";
import { APP_CONTRACT_VERSION } from "../contract/limits.ts";

/**
 * - `socket_missing`: path or its directory absent; `socket_not_unix`: the path is something else
 * - `connection_refused`: nobody listens; `permission_denied`: we may not connect
 * - `connect_timeout`: connect or read timed out, or any other I/O error
 * - `protocol_error`: no answer, or one that is not in the protocol
 */
export type TransportKind =
  | "socket_missing"
  | "socket_not_unix"
  | "connection_refused"
  | "permission_denied"
  | "connect_timeout"
  | "protocol_error";

export class TransportFault extends Error {
  readonly kind: TransportKind;
  readonly path: string;

  /** @param text one line of prose without operating-system text; the path is a field of its own */
  constructor(kind: TransportKind, path: string, text: string) {
    super(text);
    this.name = "TransportFault";
    this.kind = kind;
    this.path = path;
  }
}

/** Names what went wrong while connecting, by the error and by what is at the path. */
export function connectFault(path: string, error: unknown): TransportFault {
  const code = codeOf(error);
  const seen = lookAt(path);
  if (code === "ENOENT" || code === "ENOTDIR" || seen === "missing") {
    return new TransportFault("socket_missing", path, "the socket does not exist");
  }
  if (code === "EACCES" || code === "EPERM" || seen === "forbidden") {
    return new TransportFault("permission_denied", path, "the socket may not be used by this user");
  }
  if (seen === "other") return new TransportFault("socket_not_unix", path, "the path is not a Unix socket");
  if (code === "ECONNREFUSED") return new TransportFault("connection_refused", path, "nobody listens on the socket");
  return new TransportFault("connect_timeout", path, "the connection could not be made");
}

function lookAt(path: string): "socket" | "other" | "missing" | "forbidden" {
  try {
    return statSync(path).isSocket() ? "socket" : "other";
  } catch (error) {
    const code = codeOf(error);
    return code === "EACCES" || code === "EPERM" ? "forbidden" : "missing";
  }
}

export function codeOf(error: unknown): string | null {
  if (typeof error !== "object" || error === null || !("code" in error)) return null;
  return typeof error.code === "string" ? error.code : null;
}

type LocalCode = "socket_missing" | "socket_permission_denied" | "daemon_unavailable";

function localCode(kind: TransportKind): LocalCode {
  // A path that is no socket holds no socket file.
  if (kind === "socket_missing" || kind === "socket_not_unix") return "socket_missing";
  return kind === "permission_denied" ? "socket_permission_denied" : "daemon_unavailable";
}

const LOCAL_MESSAGES: Record<LocalCode, string> = {
  socket_missing: "no daemon: its socket does not exist",
  socket_permission_denied: "no permission to use the daemon's socket",
  daemon_unavailable: "the daemon does not answer",
};

/**
 * The envelope that the client side gives when no daemon answered (06 §4): a success for `app.preflight`, a failure for any
 * other app method; legacy methods know `daemon_unavailable` only.
 */
export function localEnvelope(method: string, kind: TransportKind): Record<string, unknown> {
  const code = localCode(kind);
  if (method === "app.preflight") {
    const result = { socket_reachable: code === "daemon_unavailable", daemon_reachable: false, code };
    return { ok: true, app_contract_version: APP_CONTRACT_VERSION, result };
  }
  const message = LOCAL_MESSAGES[code];
  if (!method.startsWith("app.")) return { ok: false, error: { code: "daemon_unavailable", message } };
  return { ok: false, app_contract_version: APP_CONTRACT_VERSION, error: { code, message, details: {} } };
}
