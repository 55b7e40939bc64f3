/**
 * One HTTP exchange with an Engine, in place of dockerode's own (`modem.buildRequest`), which reads answers of any size, follows
 * redirects (one to an unknown scheme ends the process), and writes every request, keys included, into a debug string.
 * Here: no redirects, every answer has a limit, an abort closes the connection, and every failure is a `BenchFault`.
 */
import http, { type IncomingMessage, type RequestOptions } from "node:http";
import https from "node:https";
import type { Duplex, Readable } from "node:stream";
import { BenchFault } from "../base/bench.ts";
import { describe, type Endpoint } from "./endpoint.ts";
import { faultOf, refusalOf } from "./failure.ts";
import { parseJson } from "./shape.ts";

/** Largest JSON body of an Engine (02 §12). */
const BODY_BYTES = 16 * 1024 * 1024;
/** Of a refusal only this much is read. */
const REFUSAL_BYTES = 64 * 1024;

/** What dockerode tells about a request beside the HTTP options. */
type ExchangeContext = {
  path: string;
  /** The answer is a stream, given as soon as its head is there. */
  isStream?: boolean;
  /** The connection becomes a byte stream both ways. */
  hijack?: boolean;
};

/** `answer`: a `Readable` (stream), a `Duplex` (hijacked), else the parsed JSON; of a ping its text. */
type ExchangeCallback = (error: BenchFault | null, answer: Readable | Duplex | unknown) => void;

export type Exchange = (
  options: RequestOptions & { signal?: AbortSignal },
  context: ExchangeContext,
  data: string | undefined,
  callback: ExchangeCallback,
) => void;

/** @returns the exchange for one endpoint, to be put into dockerode's modem */
export function exchangeWith(endpoint: Endpoint): Exchange {
  const secure = endpoint.kind === "tcp" && endpoint.tls !== null;
  const verify = endpoint.kind === "tcp" && endpoint.tls !== null ? { rejectUnauthorized: endpoint.tls.verify } : {};

  return ({ signal, ...options }, context, data, callback) => {
    const what = `${options.method ?? "GET"} ${context.path.split("?")[0]} at ${describe(endpoint)}`;
    let settled = false;
    const settle: ExchangeCallback = (error, answer) => {
      if (settled) return;
      settled = true;
      callback(error, answer);
    };
    if (signal?.aborted) return settle(faultOf(signal.reason, what), null);

    let request: http.ClientRequest;
    try {
      request = (secure ? https : http).request({ ...options, ...verify });
    } catch (error) {
      // Certificate files that are none, mostly.
      return settle(new BenchFault("unreachable", faultOf(error, what).message), null);
    }
    let opened: Readable | Duplex | undefined;
    const onAbort = () => {
      settle(faultOf(signal?.reason, what), null);
      request.destroy();
      opened?.destroy();
    };
    signal?.addEventListener("abort", onAbort, { once: true });
    const release = () => signal?.removeEventListener("abort", onAbort);

    request.on("error", (error) => {
      settle(faultOf(error, what), null);
      if (opened === undefined) release();
    });
    request.on("upgrade", (_response: IncomingMessage, socket: Duplex, head: Uint8Array) => {
      opened = socket;
      socket.on("close", release);
      if (head.length > 0) socket.unshift(head);
      // Whoever reads it hears of errors by its end; without a listener they would end the process.
      socket.on("error", release);
      settle(null, socket);
    });
    request.on("response", (response) => {
      opened = response;
      response.on("close", release);
      response.on("error", (error) => settle(faultOf(error, what), null));
      const status = response.statusCode ?? 0;
      const good = status >= 200 && status < 300;
      if (good && context.isStream) return settle(null, response);
      readBody(response, good ? BODY_BYTES : REFUSAL_BYTES, what, (error, body) => {
        release();
        if (error !== null)
          return settle(good || error.kind !== "malformed" ? error : refusalOf(status, "", what), null);
        if (!good) return settle(refusalOf(status, body, what), null);
        try {
          settle(null, context.path.startsWith("/_ping") ? body : nonNull(parseJson(body, what)));
        } catch (malformed) {
          settle(faultOf(malformed, what), null);
        }
      });
    });
    request.end(data);
  };
}

/** dockerode looks into answers before we do. */
function nonNull(value: unknown): unknown {
  if (value === null) throw new BenchFault("malformed", "the Engine's answer cannot be used: it is null");
  return value;
}

function readBody(
  response: IncomingMessage,
  maxBytes: number,
  what: string,
  done: (error: BenchFault | null, body: string) => void,
): void {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  let ended = false;
  const end = (error: BenchFault | null) => {
    if (ended) return;
    ended = true;
    done(error, error === null ? Buffer.concat(chunks).toString("utf8") : "");
  };
  response.on("data", (chunk: Uint8Array) => {
    bytes += chunk.length;
    if (bytes <= maxBytes) return void chunks.push(chunk);
    end(new BenchFault("malformed", `${what}: the answer is larger than ${maxBytes} bytes`));
    response.destroy();
  });
  const lost = () => end(new BenchFault("lost", `${what}: the connection was lost in the middle of the answer`));
  response.on("end", () => (response.complete ? end(null) : lost()));
  response.on("aborted", lost);
  response.on("error", (error) => end(new BenchFault("lost", faultOf(error, what).message)));
  response.on("close", lost);
}
