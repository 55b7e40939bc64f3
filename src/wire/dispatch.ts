/**
 * The door: framed bytes in, one answer line out (06 §3). A line passes the gates, its handler runs, and the result is held
 * against the contract. Whatever is thrown becomes an answer; the story behind an `internal_error` goes to the daemon log.
 */
import * as v from "valibot";
import { message } from "../base/text.ts";
import { APP_CODES } from "../contract/codes.ts";
import { appRefusalOf, Fault, legacyCodeOf } from "../contract/faults.ts";
import type { HandlersOf, Method } from "../contract/method.ts";
import type { appMethods, legacyMethods } from "../contract/methods.ts";
import type { CallContext, Link } from "./context.ts";
import { failureLine, internalError, successLine } from "./envelope.ts";
import type { Framed } from "./framing.ts";
import { type Admitted, admit, type House, isForeign } from "./gates.ts";
import { checkResult } from "./params.ts";
import { legacy, type Refusal, type Refused, type Request, readRequest } from "./request.ts";

export type AppHandlers = HandlersOf<typeof appMethods, CallContext>;
export type LegacyHandlers = HandlersOf<typeof legacyMethods, CallContext>;

/** The part of the daemon log that the door writes (01 §7). */
export type DoorLog = {
  write(event: "handler_failed" | "socket_peer_uid_mismatch", fields: Record<string, string | number | null>): void;
};

export type DispatchDeps = House & {
  appHandlers: AppHandlers;
  legacyHandlers: LegacyHandlers;
  log: DoorLog;
};

/**
 * The answer to one framed piece of a stream, and what becomes of the connection: it stays, it closes, or it closes after
 * the client had a moment to finish writing what will not be read.
 */
export type Answer = { line: string; after: "keep" | "close" | "linger" };

export type Dispatch = {
  /**
   * Answers one framed piece. Never throws, never rejects. A synchronous handler is answered without a promise.
   * @param kept the connection stayed open for this line: JSON-level errors do not end it (06 §1)
   */
  answer(framed: Framed, link: Link, kept: boolean): Answer | Promise<Answer>;
};

type Handler = (context: CallContext, params: never) => unknown;

/** Builds the door over all handlers. */
export function createDispatch(deps: DispatchDeps): Dispatch {
  const handlers = new Map<string, Handler>(Object.entries({ ...deps.legacyHandlers, ...deps.appHandlers }));

  function failed(request: Request, error: unknown): string {
    if (error instanceof Fault) {
      const refusal = wordingOf(request.app, error);
      if (refusal) return failureLine(refusal, request.id);
    }
    tellFailure(request.name, error);
    return failureLine(internalError(request.app), request.id);
  }

  function tellFailure(method: string, error: unknown): void {
    const name = error instanceof Error ? error.name : "thrown";
    tell("handler_failed", { method, error: name, error_message: message(storyOf(error)) });
  }

  /** The log may be as broken as the handler (full disk); the answer goes out all the same. */
  function tell(...line: Parameters<DoorLog["write"]>): void {
    try {
      deps.log.write(...line);
    } catch (error) {
      console.error(`${line[0]} could not be logged: ${message(String(error))}`);
    }
  }

  function finished(request: Request, method: Method, value: unknown): string {
    try {
      const checked = checkResult(method, value);
      if (!checked.ok) throw new ContractBreach(`result does not match its schema: ${checked.story}`);
      const line = successLine(request.app, checked.result, request.id);
      if (line === null) throw new ContractBreach("response exceeds 8 MiB");
      return line;
    } catch (error) {
      return failed(request, error);
    }
  }

  function run({ request, method, params, session }: Admitted, link: Link): string | Promise<string> {
    const context: CallContext = {
      peer: link.peer,
      session,
      link,
      stopping: deps.stopping.aborted,
      get signal() {
        return link.signal;
      },
    };
    try {
      const handler = handlers.get(request.name);
      if (!handler) throw new ContractBreach("declared method has no handler");
      const value = handler(context, params as never);
      if (!(value instanceof Promise)) return finished(request, method, value);
      return value.then(
        (result) => finished(request, method, result),
        (error: unknown) => failed(request, error),
      );
    } catch (error) {
      return failed(request, error);
    }
  }

  function answer(framed: Framed, link: Link, kept: boolean): Answer | Promise<Answer> {
    const read = readRequest(framed);
    const pass = admit(read, link.peer, deps);
    if (!pass.admitted) {
      const line = failureLine(pass.refusal, read.id);
      if (!isForeign(link.peer, deps)) return { line, after: afterRefusal(read, kept) };
      tell("socket_peer_uid_mismatch", { observed_uid: link.peer.uid, expected_uid: deps.uid });
      return { line, after: "linger" };
    }
    const after = pass.request.keepAlive ? "keep" : "close";
    const line = run(pass, link);
    return typeof line === "string" ? { line, after } : line.then((text) => ({ line: text, after }));
  }

  return {
    answer(framed, link, kept) {
      try {
        return answer(framed, link, kept);
      } catch (error) {
        tellFailure("(door)", error);
        return { line: failureLine(internalError(false), null), after: "linger" };
      }
    },
  };
}

/** A bug on our side of the door. */
class ContractBreach extends Error {
  override name = "ContractBreach";
}

function afterRefusal(read: Request | Refused, kept: boolean): Answer["after"] {
  if (read.kind === "request") return read.keepAlive ? "keep" : "close";
  if (read.fatal) return "linger";
  return kept || read.keepAlive ? "keep" : "close";
}

/** The words of a fault, or `null` when it must not leave this way: no wording, or details that miss their shape (06 §2). */
function wordingOf(app: boolean, fault: Fault): Refusal | null {
  if (!app) return legacy(legacyCodeOf(fault.code), fault.message);
  const refusal = appRefusalOf(fault);
  if (!refusal || !v.is(APP_CODES[refusal.code], refusal.details)) return null;
  return { envelope: "app", refusal };
}

function storyOf(error: unknown): string {
  if (error instanceof Fault) return `fault ${error.code} has no place on this surface: ${error.message}`;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
