/** A door and a server of the real parts, over handlers that a test names; the others fail. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Clock, systemClock } from "../../src/base/clock.ts";
import { appMethods, legacyMethods } from "../../src/contract/methods.ts";
import type { Link } from "../../src/wire/context.ts";
import { type AppHandlers, createDispatch, type Dispatch, type LegacyHandlers } from "../../src/wire/dispatch.ts";
import { processAlive } from "../../src/wire/host-proof.ts";
import { createPeerOf, type Peer } from "../../src/wire/peer.ts";
import { startServer } from "../../src/wire/server.ts";
import { createSessions } from "../../src/wire/sessions.ts";

export const UID = process.geteuid?.() ?? -1;

export type LogLine = { event: string } & Record<string, string | number | null>;

type Overrides = { app?: Partial<AppHandlers>; legacy?: Partial<LegacyHandlers>; clock?: Clock };

const unexpected = (name: string) => () => {
  throw new Error(`${name} is not part of this test`);
};

/** Sessions, a door and its log. `app.hello`, `app.preflight` and `ping` work. */
export function newDoor({ app, legacy }: Overrides = {}) {
  const stopping = new AbortController();
  const sessions = createSessions(processAlive);
  const log: LogLine[] = [];
  const failing = (names: object) => Object.fromEntries(Object.keys(names).map((name) => [name, unexpected(name)]));
  const bootstrap: Partial<AppHandlers> = {
    "app.preflight": ({ stopping: late }) => ({
      socket_reachable: true,
      daemon_reachable: !late,
      code: late ? "daemon_unavailable" : "ok",
    }),
    "app.hello": ({ link }, { ephemeral }) => {
      const session = sessions.open({ clientId: "", clientVersion: "", ephemeral, link });
      return {
        app_session_token: session.token,
        app_session_id: session.id,
        daemon_version: "0",
        schema_version: 9,
        app_contract_version: "1.0",
        supported_minor_range: { min: "1.0", max: "1.0" },
        host_user_id: String(UID),
        capability_flags: {},
        state: "ok",
      };
    },
  };
  const dispatch: Dispatch = createDispatch({
    uid: UID,
    sessions,
    stopping: stopping.signal,
    appHandlers: { ...failing(appMethods), ...bootstrap, ...app } as AppHandlers,
    legacyHandlers: { ...failing(legacyMethods), ping: () => ({}), ...legacy } as LegacyHandlers,
    log: { write: (event, fields) => log.push({ event, ...fields }) },
  });
  return { dispatch, sessions, log, stopping };
}

/** A server on a socket of its own. Dispose it with `await using`. */
export function newServer(overrides: Overrides = {}) {
  const folder = mkdtempSync(join(tmpdir(), "wire-"));
  const path = join(folder, "s.sock");
  const door = newDoor(overrides);
  const server = startServer({
    socketPath: path,
    dispatch: door.dispatch,
    peerOf: createPeerOf(),
    clock: overrides.clock ?? systemClock(),
    stopping: door.stopping.signal,
  });
  return {
    ...door,
    path,
    folder,
    server,
    async [Symbol.asyncDispose]() {
      door.stopping.abort();
      server.closeListener();
      await server.drain(0);
      rmSync(folder, { recursive: true });
    },
  };
}

/** A connection without a socket, for tests of the door alone. */
export function newLink(peer: Partial<Peer> = {}): Link & { close(): void } {
  const closers: (() => void)[] = [];
  return {
    peer: { pid: process.pid, uid: UID, gid: 0, startTime: 1, host: true, containerId: null, ...peer },
    signal: new AbortController().signal,
    onClose: (action) => closers.push(action),
    afterAnswer: (action) => action(),
    close: () => {
      for (const action of closers.splice(0)) action();
    },
  };
}

/** A raw client: writes bytes, collects what comes back. */
export async function rawClient(path: string) {
  const whole: string[] = [];
  let partial: Uint8Array[] = [];
  let bytes = 0;
  let closed = false;
  let unsent: Uint8Array = new Uint8Array(0);
  const finished = Promise.withResolvers<void>();
  const flush = (socket: { write(bytes: Uint8Array): number }) => {
    if (unsent.length === 0) return;
    const written = socket.write(unsent);
    unsent = written < 0 ? new Uint8Array(0) : unsent.subarray(written);
  };
  const close = () => {
    closed = true;
    finished.resolve();
  };
  const socket = await Bun.connect({
    unix: path,
    allowHalfOpen: true,
    socket: {
      data(_socket, chunk) {
        bytes += chunk.length;
        let rest = chunk;
        for (let at = rest.indexOf(10); at !== -1; at = rest.indexOf(10)) {
          whole.push(Buffer.concat([...partial, rest.subarray(0, at)]).toString());
          partial = [];
          rest = rest.subarray(at + 1);
        }
        if (rest.length > 0) partial.push(rest);
      },
      drain: flush,
      end(ending) {
        ending.terminate();
        close();
      },
      close,
    },
  });
  return {
    socket,
    send(more: string | Uint8Array) {
      unsent = Buffer.concat([unsent, Buffer.from(more)]);
      flush(socket);
    },
    /** The complete lines so far. */
    lines: (): readonly string[] => whole,
    answers: () => whole.map((line) => JSON.parse(line)),
    /** The daemon has ended the connection. */
    finished: finished.promise,
    /** Bytes that the daemon has not taken yet, beyond what the kernel holds. */
    get unsentBytes() {
      return unsent.length;
    },
    get receivedBytes() {
      return bytes;
    },
    get closed() {
      return closed;
    },
  };
}
