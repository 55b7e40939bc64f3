/**
 * A real Engine seen through something broken: a proxy on a Unix socket of its own that passes every request on, except where a
 * test put a fault. It passes bytes, so that hijacked connections work as well.
 */
import { mkdtempSync, rmSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

export type Fault =
  /** An answer of the test's own. */
  | { kind: "answer"; status: number; body: string; headers?: Record<string, string> }
  /** Never an answer. */
  | { kind: "hang" }
  /** The real answer, cut off after so many bytes of it. */
  | { kind: "cut"; bytes: number }
  /** An answer that goes on for so many bytes. */
  | { kind: "oversize"; bytes: number }
  /** The real answer, later. */
  | { kind: "late"; ms: number }
  /** Raw bytes instead of an answer. */
  | { kind: "raw"; bytes: Uint8Array | string };

export type FaultyEngine = {
  socketPath: string;
  dockerHost: string;
  /** Requests so far, as `GET /containers/json`, without query. */
  requests: string[];
  /** Connections that are open now. */
  open(): number;
  /** Requests whose `METHOD /path` matches meet this fault from now on. */
  fault(pattern: RegExp, fault: Fault): void;
  /** From now on everything is passed on. */
  heal(): void;
  [Symbol.asyncDispose](): Promise<void>;
};

export async function createFaultyEngine(realSocketPath: string): Promise<FaultyEngine> {
  const dir = mkdtempSync(join(tmpdir(), "at-faulty-"));
  const socketPath = join(dir, "docker.sock");
  const faults: { pattern: RegExp; fault: Fault }[] = [];
  const requests: string[] = [];
  const clients = new Set<net.Socket>();

  const server = net.createServer({ allowHalfOpen: true }, (client) => {
    clients.add(client);
    client.on("close", () => clients.delete(client));
    client.on("error", () => client.destroy());
    let head = Buffer.alloc(0);
    client.on("data", function onHead(chunk) {
      head = Buffer.concat([head, chunk]);
      const end = head.indexOf("\r\n\r\n");
      if (end < 0) return;
      client.off("data", onHead);
      const [first = ""] = head.subarray(0, end).toString().split("\r\n", 1);
      const [method = "", target = ""] = first.split(" ");
      const request = `${method} ${target.split("?")[0]}`;
      requests.push(request);
      const fault = faults.find(({ pattern }) => pattern.test(request))?.fault;
      respond(client, head, fault);
    });
  });

  function respond(client: net.Socket, head: Buffer, fault: Fault | undefined): void {
    switch (fault?.kind) {
      case "hang":
        client.on("end", () => client.destroy());
        return void client.resume();
      case "raw":
        return void client.end(fault.bytes);
      case "answer": {
        const headers = { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(fault.body) };
        const lines = Object.entries({ ...headers, Connection: "close", ...fault.headers });
        const top = lines.map(([key, value]) => `${key}: ${value}\r\n`).join("");
        return void client.end(`HTTP/1.1 ${fault.status} Answer\r\n${top}\r\n${fault.body}`);
      }
      case "oversize": {
        client.write("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n[");
        const piece = Buffer.alloc(64 * 1024, " ");
        let left = fault.bytes;
        const more = () => {
          while (left > 0 && !client.destroyed) {
            left -= piece.length;
            if (!client.write(piece)) return void client.once("drain", more);
          }
          client.end("]");
        };
        more();
        return;
      }
      case "late":
        return void setTimeout(() => pass(client, head, Number.POSITIVE_INFINITY), fault.ms);
      default:
        pass(client, head, fault?.bytes ?? Number.POSITIVE_INFINITY);
    }
  }

  /** One request per connection: the next one must come to our eyes as well. */
  function pass(client: net.Socket, head: Buffer, bytes: number): void {
    const real = net.createConnection({ path: realSocketPath, allowHalfOpen: true });
    const upgrade = /\r\nupgrade:/i.test(head.toString("latin1"));
    real.write(
      upgrade ? head : head.toString("latin1").replace(/\r\nconnection: [^\r]*/i, "\r\nConnection: close"),
      "latin1",
    );
    client.pipe(real);
    // Only a hijacked connection is closed one side at a time; any other client that closes has gone.
    if (!upgrade) client.on("end", () => client.destroy());
    let left = bytes;
    real.on("data", (chunk) => {
      client.write(chunk.subarray(0, left));
      left -= chunk.length;
      if (left <= 0) {
        client.destroySoon();
        real.destroy();
      }
    });
    real.on("end", () => client.end());
    real.on("error", () => client.destroy());
    client.on("close", () => real.destroy());
  }

  await new Promise<void>((resolve) => server.listen(socketPath, resolve));
  return {
    socketPath,
    dockerHost: `unix://${socketPath}`,
    requests,
    open: () => clients.size,
    fault(pattern, fault) {
      faults.unshift({ pattern, fault });
    },
    heal() {
      faults.length = 0;
    },
    async [Symbol.asyncDispose]() {
      for (const client of clients) client.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
