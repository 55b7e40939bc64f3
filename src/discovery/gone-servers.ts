/**
 * Servers that ended and left their socket behind (02 §14). The first proof preserves their rows as the wire says; from a second
 * one at least 5 s later the socket counts as good without panes, until a server answers there again. In memory only.
 */
import type { ContainerSight, SocketSight } from "./sight.ts";

const CERTAIN_AFTER_MS = 5000;

export type GoneServers = {
  /** The sight with certainly dead servers as good and empty. @param atMs monotonic */
  settle(sight: ContainerSight, atMs: number): ContainerSight;
};

export function createGoneServers(): GoneServers {
  /** Container id → socket path → when the proof first came. */
  const firstProof = new Map<string, Map<string, number>>();

  const settleSocket = (socket: SocketSight, proofs: Map<string, number>, atMs: number): SocketSight => {
    if (socket.kind === "good") proofs.delete(socket.path);
    // A timeout or a refused permission says nothing, neither for nor against.
    if (socket.kind === "good" || !socket.gone) return socket;
    const since = proofs.get(socket.path);
    if (since === undefined) proofs.set(socket.path, atMs);
    if (since === undefined || atMs - since < CERTAIN_AFTER_MS) return socket;
    return { path: socket.path, kind: "good", panes: [], malformed: 0, surplus: 0 };
  };

  return {
    settle(sight, atMs) {
      if (sight.kind !== "listed") return sight;
      const proofs = firstProof.get(sight.containerId) ?? new Map<string, number>();
      const sockets = sight.sockets.map((socket) => settleSocket(socket, proofs, atMs));
      const listed = new Set(sockets.map(({ path }) => path));
      for (const path of proofs.keys()) if (!listed.has(path)) proofs.delete(path);
      if (proofs.size > 0) firstProof.set(sight.containerId, proofs);
      else firstProof.delete(sight.containerId);
      return { ...sight, sockets };
    },
  };
}
