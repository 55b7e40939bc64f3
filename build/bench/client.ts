/**
 * The client of all socket figures: the same code and the same connection pattern against the daemon and against the floor.
 * Times in milliseconds. An answer is the line up to its `\n`; reading JSON is not part of any time.
 */
import type { Socket } from "bun";

/** No answer within this is a failed measurement. */
const ANSWER_MS = 30_000;

type Waiting = { chunks: Uint8Array[]; done: (line: string) => void; fail: (why: Error) => void };

/** One connection that is kept; one request at a time. */
export class Kept {
  readonly #socket: Socket<undefined>;
  #waiting: Waiting | null = null;
  #closed = false;

  private constructor(socket: Socket<undefined>) {
    this.#socket = socket;
  }

  /** Connects to the Unix socket at `path`. @throws when nobody listens there */
  static async open(path: string): Promise<Kept> {
    let kept: Kept | null = null;
    const socket = await Bun.connect<undefined>({
      unix: path,
      socket: {
        data: (_socket, chunk) => kept?.receive(chunk),
        close: () => kept?.lost(new Error("connection closed")),
        error: (_socket, error) => kept?.lost(error),
        connectError: (_socket, error) => kept?.lost(error),
      },
    });
    kept = new Kept(socket);
    return kept;
  }

  /** Sends one line (with its `\n`) and gives the answer line. */
  request(line: string): Promise<string> {
    if (this.#waiting !== null) throw new Error("one request at a time");
    if (this.#closed) throw new Error("connection is closed");
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.lost(new Error(`no answer within ${ANSWER_MS} ms`)), ANSWER_MS);
      this.#waiting = {
        chunks: [],
        done: (answer) => {
          clearTimeout(timer);
          resolve(answer);
        },
        fail: (why) => {
          clearTimeout(timer);
          reject(why);
        },
      };
      const sent = this.#socket.write(line);
      if (sent !== Buffer.byteLength(line)) this.lost(new Error("request did not fit into the socket"));
    });
  }

  close(): void {
    this.#closed = true;
    this.#socket.end();
  }

  private receive(chunk: Uint8Array): void {
    const waiting = this.#waiting;
    if (waiting === null) return;
    // The runtime may use the chunk's memory again.
    waiting.chunks.push(chunk.slice());
    if (chunk[chunk.length - 1] !== 0x0a) return;
    this.#waiting = null;
    waiting.done(Buffer.concat(waiting.chunks).toString());
  }

  private lost(why: Error): void {
    this.#closed = true;
    const waiting = this.#waiting;
    this.#waiting = null;
    waiting?.fail(why);
  }
}

/** One request on a connection of its own. */
export async function once(path: string, line: string): Promise<string> {
  const kept = await Kept.open(path);
  const answer = await kept.request(line);
  kept.close();
  return answer;
}

/** A request line; `more` are further top-level keys. */
export function lineOf(method: string, params: object = {}, more: object = {}): string {
  return `${JSON.stringify({ method, params, ...more })}\n`;
}

/** Line for a kept connection. */
export function keptLine(method: string, params: object = {}): string {
  return lineOf(method, params, { keep_alive: true });
}

/** The result of an answer line. @throws when the daemon refused */
export function resultOf(line: string): Record<string, unknown> {
  const answer: unknown = JSON.parse(line);
  if (typeof answer === "object" && answer !== null && "ok" in answer && answer.ok === true && "result" in answer) {
    return answer.result as Record<string, unknown>;
  }
  throw new Error(`refused: ${line.slice(0, 500)}`);
}

/** Opens an app session on a kept connection; it ends with the connection, so any number of runs fit. */
export async function hello(kept: Kept): Promise<string> {
  const result = resultOf(await kept.request(keptLine("app.hello", { client_id: "bench", ephemeral: true })));
  return String(result["app_session_token"]);
}
