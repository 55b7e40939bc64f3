/**
 * The one listener of the daemon: a Unix socket, 0600 from its first instant (01 §7, 06 §1). Holds at most 256 connections
 * and closes those that outstay their deadline; the sweep runs only while there are connections, so an idle daemon sleeps.
 */
import { lstatSync, rmSync } from "node:fs";
import type { Clock } from "../base/clock.ts";
import { MAX_CONNECTIONS } from "../contract/limits.ts";
import { Connection } from "./connection.ts";
import type { Dispatch } from "./dispatch.ts";
import type { PeerOf } from "./peer.ts";

export type ServerDeps = {
  /** Absolute, of any length. Nothing may be there. */
  socketPath: string;
  dispatch: Dispatch;
  peerOf: PeerOf;
  clock: Clock;
  /** The same signal that the door's gates read. When it aborts, waiting handlers are woken. */
  stopping: AbortSignal;
};

export type Server = {
  /** Removes the socket file and takes no new connection. Idempotent. */
  closeListener(): void;
  /**
   * Lets what is being answered finish, for at most `deadlineMs`, then closes every connection. Requests that still arrive
   * on open connections are answered by the gates meanwhile.
   */
  drain(deadlineMs: number): Promise<void>;
  /** Connections open now. */
  connections(): number;
};

/** The socket was bound, but is not what it must be. */
export class UnsafeSocket extends Error {
  override name = "UnsafeSocket";
}

/** Group and others get nothing, and nobody may execute. */
const SOCKET_UMASK = 0o177;
/** Sweeps are at least this far apart. */
const SWEEP_GAP_MS = 100;

/**
 * Binds and serves.
 * @throws what `Bun.listen` throws when the path cannot be bound; UnsafeSocket when mode or owner are not as they must be
 */
export function startServer({ socketPath, dispatch, peerOf, clock, stopping }: ServerDeps): Server {
  /** In the order of accept. */
  const open = new Set<Connection>();
  const sweeper = createSweeper(clock, open);
  let settled: (() => void) | null = null;
  const deps = {
    dispatch,
    clock,
    stopping,
    onDeadline: sweeper.expect,
    onRest: () => {
      if (settled && atRest(open)) settled();
    },
  };

  const umask = process.umask(SOCKET_UMASK);
  let listener: Bun.UnixSocketListener<Connection | undefined>;
  try {
    listener = Bun.listen<Connection | undefined>({
      unix: socketPath,
      // A client may end its side and still read its answer.
      allowHalfOpen: true,
      socket: {
        open(socket) {
          if (open.size >= MAX_CONNECTIONS && !makeRoom(open)) {
            socket.terminate();
            return;
          }
          const connection = new Connection(socket, peerOf(descriptorOf(socket)), deps);
          socket.data = connection;
          open.add(connection);
        },
        data: (socket, chunk) => socket.data?.receive(chunk),
        drain: (socket) => socket.data?.drained(),
        end: (socket) => socket.data?.ended(),
        close: (socket) => gone(socket.data),
        error: (socket) => gone(socket.data),
      },
    });
  } finally {
    process.umask(umask);
  }

  function gone(connection: Connection | undefined): void {
    if (!connection) return;
    open.delete(connection);
    connection.close();
  }

  let listening = true;
  function closeListener(): void {
    if (!listening) return;
    listening = false;
    rmSync(socketPath, { force: true });
    listener.stop(false);
  }

  try {
    verify(socketPath);
  } catch (error) {
    closeListener();
    throw error;
  }

  const wakeAll = () => {
    for (const connection of open) connection.wake();
  };
  stopping.addEventListener("abort", wakeAll, { once: true });

  return {
    closeListener,
    connections: () => open.size,
    async drain(deadlineMs) {
      const patience = new AbortController();
      // One turn of the loop: what has already arrived is read and answered.
      await new Promise((resolve) => setImmediate(resolve));
      if (!atRest(open)) {
        const rested = new Promise<void>((resolve) => {
          settled = resolve;
        });
        const late = clock.sleep(deadlineMs, patience.signal).catch(() => undefined); // cut short below
        await Promise.race([rested, late]);
        settled = null;
        patience.abort();
      }
      for (const connection of open) connection.close();
      open.clear();
      sweeper.stop();
    },
  };
}

function atRest(open: ReadonlySet<Connection>): boolean {
  for (const connection of open) if (!connection.atRest) return false;
  return true;
}

/**
 * Closes the oldest connection that waits for its first line, else the oldest that waits for a further one (06 §1).
 * @returns false when all are being answered
 */
function makeRoom(open: Set<Connection>): boolean {
  let idle: Connection | null = null;
  for (const connection of open) {
    const waitsFor = connection.waitsFor;
    if (waitsFor === "next_line") idle ??= connection;
    if (waitsFor !== "first_line") continue;
    idle = connection;
    break;
  }
  if (idle === null) return false;
  open.delete(idle);
  idle.close();
  return true;
}

/** Accepted sockets have a descriptor that the published types do not show. */
function descriptorOf(socket: object): number {
  return "fd" in socket && typeof socket.fd === "number" ? socket.fd : -1;
}

function verify(path: string): void {
  const stat = lstatSync(path);
  const mode = stat.mode & 0o7777;
  if (!stat.isSocket()) throw new UnsafeSocket("is not a socket after bind");
  if (mode !== 0o600) throw new UnsafeSocket(`socket mode is ${mode.toString(8).padStart(4, "0")}, must be 0600`);
  if (stat.uid !== process.geteuid?.()) throw new UnsafeSocket(`socket is owned by uid ${stat.uid}`);
}

/** Closes connections at their deadlines with one timer, which exists only while one of them has a deadline. */
function createSweeper(clock: Clock, open: Set<Connection>) {
  let at = Number.POSITIVE_INFINITY;
  let timer: AbortController | null = null;

  function arm(deadline: number): void {
    timer?.abort();
    timer = null;
    at = deadline;
    if (deadline === Number.POSITIVE_INFINITY) return;
    const mine = new AbortController();
    timer = mine;
    clock.sleep(Math.max(SWEEP_GAP_MS, deadline - clock.monotonic()), mine.signal).then(sweep, () => undefined); // rearmed
  }

  function sweep(): void {
    const now = clock.monotonic();
    let next = Number.POSITIVE_INFINITY;
    for (const connection of open) {
      if (connection.deadline <= now) {
        open.delete(connection);
        connection.close();
      } else if (connection.deadline < next) next = connection.deadline;
    }
    arm(next);
  }

  return {
    /** A deadline that may be nearer than the one the timer waits for. */
    expect(deadline: number) {
      if (deadline < at) arm(deadline);
    },
    stop: () => arm(Number.POSITIVE_INFINITY),
  };
}
