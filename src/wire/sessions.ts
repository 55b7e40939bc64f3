/**
 * App sessions, in memory only (06 §4): at most eight that outlive their connection, and a few that end with it. A token
 * is a secret: it is in no log, error or file.
 */
import { uuid } from "../base/ids.ts";
import { refuse } from "../contract/faults.ts";
import { MAX_SESSIONS } from "../contract/limits.ts";
import type { Link } from "./context.ts";

export type Session = {
  readonly token: string;
  /** From 1, monotonic per daemon run. */
  readonly id: number;
  readonly clientId: string;
  readonly clientVersion: string;
  readonly ephemeral: boolean;
  /** The process that said hello. */
  readonly pid: number;
  /** Its start in clock ticks since boot; `null` where the system does not tell. */
  readonly startTime: number | null;
};

export type SessionRequest = { clientId: string; clientVersion: string; ephemeral: boolean; link: Link };

export type Sessions = {
  /**
   * Issues a session with a fresh token. When eight are live, the least recently used one whose process is gone makes room.
   * An ephemeral session ends with `link`, and does not count; one connection holds at most eight of them.
   * @throws Fault `param_invalid` (`app.hello`, `too_many_sessions`)
   */
  open(request: SessionRequest): Session;
  /** The live session of a token, which thereby is the most recently used one; `null` for any other string. */
  use(token: string): Session | null;
};

/**
 * @param processAlive whether the process with this pid still is the one that started at `startTime`
 */
export function createSessions(processAlive: (pid: number, startTime: number | null) => boolean): Sessions {
  /** Both in order of use, the oldest first. */
  const lasting = new Map<string, Session>();
  const ephemeral = new Map<string, Session>();
  const ephemeralOf = new WeakMap<Link, number>();
  let lastId = 0;

  function makeRoom(): void {
    if (lasting.size < MAX_SESSIONS) return;
    for (const session of lasting.values()) {
      if (processAlive(session.pid, session.startTime)) continue;
      lasting.delete(session.token);
      return;
    }
    tooMany();
  }

  function bind(session: Session, link: Link): void {
    const held = ephemeralOf.get(link) ?? 0;
    if (held >= MAX_SESSIONS) tooMany();
    ephemeralOf.set(link, held + 1);
    ephemeral.set(session.token, session);
    link.onClose(() => ephemeral.delete(session.token));
  }

  return {
    open({ clientId, clientVersion, ephemeral: bound, link }) {
      if (!bound) makeRoom();
      const { pid, startTime } = link.peer;
      const session = { token: uuid(), id: lastId + 1, clientId, clientVersion, ephemeral: bound, pid, startTime };
      if (bound) bind(session, link);
      else lasting.set(session.token, session);
      lastId = session.id;
      return session;
    },
    use(token) {
      const session = lasting.get(token);
      if (!session) return ephemeral.get(token) ?? null;
      lasting.delete(token);
      lasting.set(token, session);
      return session;
    },
  };
}

function tooMany(): never {
  refuse(
    "param_invalid",
    { field: "app.hello", reason: "too_many_sessions" },
    `all ${MAX_SESSIONS} sessions are in use by live processes`,
  );
}
