/** What a pane scan saw, as plain data (02 §4.3). Probes make it, plans judge it. */
import type { TmuxPane } from "../tmux/rows.ts";
import type { Failure } from "./classify.ts";

/** Limits per container and per server (02 §12). */
export const SOCKETS_MAX = 32;
export const PANES_MAX = 2000;

/** One server that was asked. */
export type SocketSight = { path: string } & (
  | {
      kind: "good";
      panes: TmuxPane[];
      /** Rows that could not be read. */
      malformed: number;
      /** Rows beyond the limit, left alone. */
      surplus: number;
    }
  /** `gone`: proof that no server is behind the socket (02 §14). `missing`: not even the socket is there. */
  | { kind: "failed"; failure: Failure; gone: boolean; missing: boolean }
);

export type ContainerSight = {
  containerId: string;
  name: string;
  /** `null`: there was none to try, and the container was not contacted. */
  user: string | null;
} & (
  | {
      kind: "listed";
      /** In the order of the listing. */
      sockets: SocketSight[];
      /** Paths of listed sockets beyond the limit. */
      leftAlone: string[];
    }
  /** No bench user, or `id` or the listing failed. */
  | { kind: "unlisted"; failure: Failure }
);

/** Classes of 02 §5.6; `skipped` is decided before anything is asked. */
export type ContainerClass = "unknown" | "reachable" | "empty";

export function classOf(sight: ContainerSight): ContainerClass {
  if (sight.kind === "unlisted") return "unknown";
  if (sight.sockets.length === 0) return "empty";
  return sight.sockets.some(({ kind }) => kind === "good") ? "reachable" : "unknown";
}

/** Every pane of the server was read: what is not reported is not there. */
export function isComplete(socket: SocketSight): boolean {
  return socket.kind === "good" && socket.malformed === 0 && socket.surplus === 0;
}
