/**
 * A framed line becomes a request or a refusal, in the order of 01 §8 and 06 §1. Nothing here knows methods, peers or
 * sessions, and nothing is executed.
 */
import { characters } from "../base/text.ts";
import type { AppRefusal, LegacyCode } from "../contract/codes.ts";
import { APP_LINE_BYTES, ID_CHARACTERS, LEGACY_LINE_BYTES } from "../contract/limits.ts";
import { isAppName } from "../contract/methods.ts";
import type { Framed } from "./framing.ts";
import { eachMember, mentionsAppMethod, splitAfterFirstValue } from "./json-scan.ts";

/** What every decoded line may say about its connection and its answer. */
type Addressed = {
  /** The line asks for the connection to stay. */
  keepAlive: boolean;
  /**
   * The `id` to echo as JSON text, or `null`. An `id` that is no string or integer, or is longer than 64 characters, is
   * like any other unknown key: not echoed, and no reason to refuse.
   */
  id: string | null;
};

export type Request = Addressed & {
  kind: "request";
  name: string;
  app: boolean;
  /** As sent; `undefined` when absent. Of a legacy request always an object or absent. */
  params: unknown;
};

/** A refusal in the words of one of the two envelopes. */
export type Refusal =
  | { envelope: "app"; refusal: AppRefusal }
  | { envelope: "legacy"; code: LegacyCode; message: string };

export type Refused = Addressed & {
  kind: "refused";
  /** An app line (06 §1), whichever envelope answers. */
  app: boolean;
  refusal: Refusal;
  /** The stream cannot be trusted any more: the connection closes after the answer. */
  fatal: boolean;
};

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const UNADDRESSED: Addressed = { keepAlive: false, id: null };

/** Reads one framed piece of the stream. */
export function readRequest(framed: Framed): Request | Refused {
  if (framed.kind === "line") return readLine(framed.bytes);
  if (framed.kind === "oversize") return oversize(framed);
  if (!mentionsAppMethod(framed.bytes)) {
    return refused(legacy("bad_request", "request line has no terminating newline"), false, true);
  }
  return refused(malformed("missing newline terminator"), true, true);
}

function readLine(bytes: Uint8Array): Request | Refused {
  if (bytes.length === 0) return refused(malformed("empty line"), false);
  const nul = bytes.includes(0);
  if (bytes.includes(13)) {
    return refused(malformed("stray CR", "end lines with \\n alone, not \\r\\n"), mentionsAppMethod(bytes), nul);
  }
  if (nul) return refused(malformed("embedded NUL"), mentionsAppMethod(bytes), true);

  let text: string;
  try {
    text = utf8.decode(bytes);
  } catch {
    return undecodable(bytes, "invalid utf-8", "request is not UTF-8");
  }
  try {
    return fromValue(JSON.parse(text), text, bytes.length);
  } catch {
    return notOneValue(bytes, text);
  }
}

/** Not one JSON value: either something follows the first one, or it is not JSON. */
function notOneValue(bytes: Uint8Array, text: string): Refused {
  const split = splitAfterFirstValue(text);
  if (split) {
    try {
      const first: unknown = JSON.parse(split.value);
      const app = isObject(first) && typeof first["method"] === "string" && isAppName(first["method"]);
      const refusal = app
        ? malformed("trailing content")
        : legacy("bad_request", "request has content after its first JSON value");
      return refused(refusal, app, false, isObject(first) ? addressedBy(first, split.value) : UNADDRESSED);
    } catch {
      // The first value is no JSON either: answered below.
    }
  }
  return undecodable(bytes, "json decode error", "request is not JSON");
}

function undecodable(bytes: Uint8Array, reason: string, message: string): Refused {
  return mentionsAppMethod(bytes) ? refused(malformed(reason), true) : refused(legacy("bad_json", message), false);
}

function fromValue(value: unknown, text: string, lineBytes: number): Request | Refused {
  if (!isObject(value)) return refused(legacy("bad_request", "request is not a JSON object"), false);
  const name = value["method"];
  const addressed = addressedBy(value, text);
  if (typeof name !== "string" || name === "") {
    return refused(legacy("bad_request", "method must be a non-empty string"), false, false, addressed);
  }
  const app = isAppName(name);
  const params = value["params"];
  if (!app) {
    // The prefix showed an app method, a later key took it back.
    if (lineBytes + 1 > LEGACY_LINE_BYTES) return oversize({ app: false, observedBytes: lineBytes + 1 });
    if (params !== undefined && !isObject(params)) {
      return refused(legacy("bad_request", "params must be an object"), false, false, addressed);
    }
  }
  return { kind: "request", name, app, params, keepAlive: addressed.keepAlive, id: addressed.id };
}

function addressedBy(value: Record<string, unknown>, text: string): Addressed {
  return { keepAlive: value["keep_alive"] === true, id: echoOf(value["id"], text) };
}

function echoOf(id: unknown, text: string): string | null {
  if (typeof id === "string") return characters(id) <= ID_CHARACTERS ? JSON.stringify(id) : null;
  if (typeof id !== "number" || !Number.isInteger(id)) return null;
  if (Number.isSafeInteger(id)) return String(id);
  // A number cannot hold it, its digits can.
  let raw = "";
  eachMember(text, (key, rawValue) => {
    if (key === "id") raw = rawValue;
  });
  return raw.length <= ID_CHARACTERS && /^-?\d+$/.test(raw) ? raw : null;
}

function oversize(seen: { app: boolean; observedBytes: number }): Refused {
  if (!seen.app) {
    return refused(legacy("request_too_large", `request exceeds ${LEGACY_LINE_BYTES} bytes`), false, true);
  }
  const refusal: AppRefusal = {
    code: "payload_too_large",
    message: `request exceeds ${APP_LINE_BYTES} bytes`,
    details: { size_limit_bytes: APP_LINE_BYTES, actual_size_bytes: seen.observedBytes },
  };
  return refused({ envelope: "app", refusal }, true, true);
}

/** JSON arrays are objects to JavaScript and none to the contract. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function malformed(reason: string, advice?: string): Refusal {
  const message = advice ? `malformed request: ${reason} (${advice})` : `malformed request: ${reason}`;
  return { envelope: "app", refusal: { code: "malformed_request", message, details: { reason } } };
}

/** A refusal on the legacy envelope. */
export function legacy(code: LegacyCode, message: string): Refusal {
  return { envelope: "legacy", code, message };
}

function refused(refusal: Refusal, app: boolean, fatal = false, addressed: Addressed = UNADDRESSED): Refused {
  return { kind: "refused", app, refusal, fatal, keepAlive: addressed.keepAlive, id: addressed.id };
}
