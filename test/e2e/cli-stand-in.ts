/** Something that listens where a client looks for the daemon, and answers what a real one never would. */
import { createServer, type Socket } from "node:net";
import { join } from "node:path";
import type { Envelope, Tower } from "./tower.ts";

/** Bytes as they are, or an envelope to be sent as a line. */
export type Act = (method: string, real: Envelope) => string | object | Promise<string | object>;

let count = 0;

/**
 * Listens on a socket of its own (or `path`). `act` gets the method and, where the tower's daemon runs, its answer.
 * `env` makes a client come here; `asked` are the methods so far.
 */
export async function standIn(tower: Tower, act: Act, path = join(tower.dir, `stand-in-${++count}.sock`)) {
  const asked: string[] = [];
  const open = new Set<Socket>();
  const answer = async (socket: Socket, line: Buffer): Promise<void> => {
    const { method, params } = JSON.parse(line.toString());
    asked.push(method);
    const real = tower.daemonPid() === null ? null : await tower.call(method, params);
    const said = await act(method, real);
    socket.end(typeof said === "string" ? said : `${JSON.stringify(said)}\n`);
  };
  const server = createServer((socket) => {
    open.add(socket);
    socket.on("close", () => open.delete(socket));
    // A client that has heard enough may leave in the middle.
    socket.on("error", () => socket.destroy());
    // Requests of these tests are short: they come in one piece.
    socket.once("data", (line: Buffer) => {
      answer(socket, line).catch((error: unknown) => socket.end(`stand-in: ${String(error)}\n`));
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, resolve);
  });
  return {
    path,
    env: { AGENTTOWER_SOCKET: path },
    asked,
    [Symbol.dispose]: () => {
      server.close();
      for (const socket of open) socket.destroy();
    },
  };
}
