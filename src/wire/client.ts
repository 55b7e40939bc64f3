/**
 * Calls to a daemon (01 §10, 06 §1): one-shot, or many over one kept connection. Reads answers up to 8 MiB; a call has one
 * deadline for everything. What it does not know in an answer (codes, keys, hints) it hands on untouched (06 §9).
 */
import type * as v from "valibot";
import { RESPONSE_BYTES } from "../contract/limits.ts";
import type { MethodName, methods } from "../contract/methods.ts";
import { codeOf, connectFault, TransportFault } from "./transport.ts";

type Declared<N extends MethodName> = (typeof methods)[N];
export type ParamsIn<N extends MethodName> =
  Declared<N> extends { params: infer P extends v.GenericSchema } ? v.InferInput<P> & object : Record<string, unknown>;
export type ResultOut<N extends MethodName> = v.InferOutput<Declared<N>["result"]>;

/** `details` is `{}` on the legacy envelope. `code` may be one that this build does not know. */
export type CallError = { code: string; message: string; details: Record<string, unknown> };
export type Envelope<Result = Record<string, unknown>> = { ok: true; result: Result } | { ok: false; error: CallError };

export type CallLimits = {
  /** To be connected. */
  connectMs: number;
  /** For the whole call, connecting included. */
  totalMs: number;
};

export type CallOptions = {
  /** Sent as `app_session_token`. */
  session?: string;
};

/** While the daemon's backlog is full, connecting is tried again this often. */
const CONNECT_RETRY_MS = 10;
const NEWLINE = Buffer.from("\n");

/**
 * One request on a connection of its own.
 * @throws TransportFault when no proper answer came
 */
export async function callOnce<N extends MethodName>(
  path: string,
  name: N,
  params: ParamsIn<N>,
  limits: CallLimits,
  options: CallOptions = {},
): Promise<Envelope<ResultOut<N>>> {
  const line = requestLine(name, withSession(params, options), {});
  return typed<N>(parseEnvelope(path, await exchangeOnce(path, line, limits)));
}

/**
 * Sends one line as it is and returns the line of the answer, without `\n`.
 * @throws TransportFault
 */
export async function exchangeOnce(path: string, line: string, limits: CallLimits): Promise<string> {
  const end = performance.now() + limits.totalMs;
  const connection = await connect(path, Math.min(limits.connectMs, limits.totalMs));
  try {
    return await connection.exchange(line, end - performance.now());
  } finally {
    connection.close();
  }
}

/** The line of a request. `method` comes first: the daemon looks for it at the front of long lines (06 §1). */
export function requestLine(name: string, params: object, more: { keepAlive?: boolean; id?: number | string }): string {
  return JSON.stringify({
    method: name,
    params,
    ...(more.keepAlive && { keep_alive: true }),
    ...(more.id !== undefined && { id: more.id }),
  });
}

/** Reads an answer line. @throws TransportFault `protocol_error` when it is no envelope */
export function parseEnvelope(path: string, line: string): Envelope & { id?: unknown } {
  const value = readJson(line);
  if (isRecord(value)) {
    const { ok, result, error, id } = value;
    if (ok === true && isRecord(result)) return { ok, result, id };
    if (ok === false && isRecord(error) && typeof error["code"] === "string") {
      const message = typeof error["message"] === "string" ? error["message"] : "";
      const details = isRecord(error["details"]) ? error["details"] : {};
      return { ok, error: { code: error["code"], message, details }, id };
    }
  }
  throw new TransportFault("protocol_error", path, "the answer is not an envelope of the protocol");
}

/**
 * Connects.
 * @throws TransportFault
 */
export async function connect(path: string, connectMs: number): Promise<ClientConnection> {
  const end = performance.now() + connectMs;
  for (;;) {
    const connection = new ClientConnection(path);
    try {
      await connection.open(end - performance.now());
      return connection;
    } catch (error) {
      if (codeOf(error) !== "EAGAIN" || performance.now() >= end) {
        throw error instanceof TransportFault ? error : connectFault(path, error);
      }
      await Bun.sleep(CONNECT_RETRY_MS);
    }
  }
}

type Waiting = { resolve: (line: string) => void; reject: (fault: TransportFault) => void };

/** One connection; answers come in the order of the requests. */
export class ClientConnection {
  readonly path: string;
  #socket: Bun.Socket<undefined> | null = null;
  #waiting: Waiting[] = [];
  #unsent: Uint8Array[] = [];
  #partial: Uint8Array[] = [];
  #partialBytes = 0;
  #broken: TransportFault | null = null;
  #lastId = 0;

  constructor(path: string) {
    this.path = path;
  }

  /** Called once, by `connect`. */
  async open(connectMs: number): Promise<void> {
    const opening = Bun.connect<undefined>({
      unix: this.path,
      socket: {
        data: (_socket, chunk) => this.#receive(chunk),
        drain: () => this.#write(),
        close: () => this.#fail("protocol_error", this.#cutShort()),
        error: () => this.#fail("connect_timeout", "the connection broke"),
        connectError: () => undefined, // rejects `opening` as well
      },
    });
    const socket = await before(opening, connectMs, () => {
      // Should it still come up, nobody wants it.
      opening.then((late) => late.terminate()).catch(() => undefined);
      return new TransportFault("connect_timeout", this.path, "no connection in time");
    });
    this.#socket = socket;
  }

  /** Whether it can take another request; false once either side closed it or it failed. */
  get usable(): boolean {
    return this.#broken === null;
  }

  /**
   * Sends one line, text or bytes as they are, and waits for its answer. Several may be under way; each gets its own answer.
   * @throws TransportFault; after any of them the connection is of no more use
   */
  async exchange(line: string | Uint8Array, totalMs: number): Promise<string> {
    if (this.#broken) throw this.#broken;
    const answer = new Promise<string>((resolve, reject) => this.#waiting.push({ resolve, reject }));
    this.#unsent.push(typeof line === "string" ? Buffer.from(`${line}\n`) : Buffer.concat([line, NEWLINE]));
    this.#write();
    return await before(answer, totalMs, () => {
      // Later answers could not be told apart any more.
      this.#fail("connect_timeout", "no answer in time");
      return this.#broken ?? new TransportFault("connect_timeout", this.path, "no answer in time");
    });
  }

  /**
   * Calls a method and keeps the connection.
   * @throws TransportFault
   */
  async call<N extends MethodName>(
    name: N,
    params: ParamsIn<N>,
    totalMs: number,
    options: CallOptions = {},
  ): Promise<Envelope<ResultOut<N>>> {
    const id = ++this.#lastId;
    const line = requestLine(name, withSession(params, options), { keepAlive: true, id });
    const envelope = parseEnvelope(this.path, await this.exchange(line, totalMs));
    // A daemon that knows no ids echoes none; another id is another request's answer.
    if (envelope.id !== undefined && envelope.id !== id) {
      this.#fail("protocol_error", "the answer belongs to another request");
      throw new TransportFault("protocol_error", this.path, "the answer belongs to another request");
    }
    return typed<N>(envelope);
  }

  /** Idempotent. */
  close(): void {
    this.#fail("protocol_error", "the connection was closed");
  }

  #write(): void {
    for (let next = this.#unsent[0]; next && this.#socket; next = this.#unsent[0]) {
      const written = this.#socket.write(next);
      if (written < 0) return; // closed; what the daemon said before still arrives
      if (written < next.length) {
        this.#unsent[0] = next.subarray(written);
        return;
      }
      this.#unsent.shift();
    }
  }

  #receive(chunk: Uint8Array): void {
    let rest = chunk;
    for (let end = rest.indexOf(10); end !== -1; end = rest.indexOf(10)) {
      const line = this.#partial.length
        ? Buffer.concat([...this.#partial, rest.subarray(0, end)])
        : rest.subarray(0, end);
      this.#partial = [];
      this.#partialBytes = 0;
      rest = rest.subarray(end + 1);
      if (line.length >= RESPONSE_BYTES) {
        this.#fail("protocol_error", "the answer exceeds 8 MiB");
        return;
      }
      const text = decode(line);
      if (text === null) {
        this.#fail("protocol_error", "the answer is not UTF-8");
        return;
      }
      this.#waiting.shift()?.resolve(text);
    }
    if (rest.length === 0) return;
    this.#partial.push(rest);
    this.#partialBytes += rest.length;
    if (this.#partialBytes >= RESPONSE_BYTES) this.#fail("protocol_error", "the answer exceeds 8 MiB");
  }

  #cutShort(): string {
    return this.#partialBytes > 0 ? "the answer was cut short" : "the connection was closed without an answer";
  }

  #fail(kind: TransportFault["kind"], text: string): void {
    if (this.#broken) return;
    this.#broken = new TransportFault(kind, this.path, text);
    for (const { reject } of this.#waiting) reject(this.#broken);
    this.#waiting = [];
    this.#unsent = [];
    this.#partial = [];
    this.#socket?.terminate();
  }
}

/** Waits for `promise`, at most `ms`; then throws what `late` makes. */
async function before<T>(promise: Promise<T>, ms: number, late: () => Error): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const tooLate = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(late()), Math.max(0, ms));
  });
  try {
    return await Promise.race([promise, tooLate]);
  } finally {
    clearTimeout(timer);
  }
}

function withSession(params: object, options: CallOptions): object {
  return options.session === undefined ? params : { ...params, app_session_token: options.session };
}

/** The daemon checked the result against its schema; a newer one may have added to it. */
function typed<N extends MethodName>(envelope: Envelope): Envelope<ResultOut<N>> {
  return envelope.ok ? { ok: true, result: envelope.result as ResultOut<N> } : { ok: false, error: envelope.error };
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null; // no envelope; the caller says so
  }
}

function decode(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
