/** What a handler learns about its caller, and what it may ask of the connection. */
import type { Peer } from "./peer.ts";
import type { Session } from "./sessions.ts";

/** The connection a request came on, as seen from the door and from handlers. */
export type Link = {
  readonly peer: Peer;
  /** Aborts when the client is gone or the daemon stops: wake up and answer. */
  readonly signal: AbortSignal;
  /** Runs when the connection has ended, once. */
  onClose(action: () => void): void;
  /** Runs once what is being answered now has left for the client, or the client is gone. */
  afterAnswer(action: () => void): void;
};

export type CallContext = {
  readonly peer: Peer;
  /** The live session of the call; `null` where the method needs none. */
  readonly session: Session | null;
  readonly signal: AbortSignal;
  /** The daemon is stopping; of all methods only `app.preflight` still gets here. */
  readonly stopping: boolean;
  readonly link: Link;
};
