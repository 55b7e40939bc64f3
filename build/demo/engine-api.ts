/**
 * The few requests that make and remove the demo's containers. The daemon itself never makes any: its Engine client knows no
 * such call (02 §2), so these live here.
 */
import * as v from "valibot";
import { describe, type Endpoint, type Env, resolveEndpoint, type Tls } from "../../src/docker/endpoint.ts";

/** Longest wait for one answer; an image import is the longest of them. */
const ANSWER_MS = 60_000;
const PING_MS = 3_000;

/** Variables that decide which Engine is meant (02 §2). */
const DECIDING = [
  "DOCKER_HOST",
  "DOCKER_CONTEXT",
  "DOCKER_CONFIG",
  "DOCKER_TLS_VERIFY",
  "DOCKER_CERT_PATH",
  "HOME",
  "XDG_RUNTIME_DIR",
] as const;

/** How an Engine is found again later; holds no key. */
export const engineName = v.object({ at: v.string(), env: v.record(v.string(), v.string()) });
export type EngineName = v.InferOutput<typeof engineName>;

/** The Engine that an environment means. @throws BenchFault when its endpoint is unusable */
export function nameEngine(env: Env): EngineName {
  const deciding = DECIDING.flatMap((key) => (env[key] === undefined ? [] : [[key, env[key]] as const]));
  return { at: describe(resolveEndpoint(env)), env: Object.fromEntries(deciding) };
}

/** The Engine on a Unix socket. */
export function engineAtSocket(path: string): EngineName {
  return nameEngine({ DOCKER_HOST: `unix://${path}` });
}

/** Still the same Engine when the user has turned to another one since. */
function endpointOf({ at, env }: EngineName): Endpoint {
  const endpoint = resolveEndpoint(env);
  return describe(endpoint) === at ? endpoint : resolveEndpoint({ DOCKER_HOST: at });
}

export class EngineApi {
  readonly #base: string;
  readonly #way: BunFetchRequestInit;

  /** @throws BenchFault when the endpoint is unusable */
  constructor(name: EngineName) {
    const endpoint = endpointOf(name);
    if (endpoint.kind === "unix") {
      // The host means nothing there, but HTTP wants one.
      this.#base = "http://engine";
      this.#way = { unix: endpoint.socketPath };
      return;
    }
    const { host, port, path, tls } = endpoint;
    this.#base = `${tls === null ? "http" : "https"}://${host.includes(":") ? `[${host}]` : host}:${port}${path}`;
    this.#way = tls === null ? {} : { tls: { ...pem(tls), rejectUnauthorized: tls.verify } };
  }

  /** @returns `null` when it answers, else why it does not */
  async refusal(): Promise<string | null> {
    try {
      const answer = await this.#send("GET", "/_ping", undefined, PING_MS);
      return answer.ok ? null : `HTTP ${answer.status}`;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }

  /** Makes an image of one layer from a tar of a root file system. */
  async importImage(name: string, tar: Uint8Array): Promise<void> {
    const query = new URLSearchParams({
      fromSrc: "-",
      repo: name.split(":")[0] ?? name,
      tag: name.split(":")[1] ?? "latest",
    });
    const answer = await this.#expect("POST", `/images/create?${query}`, tar);
    const said = await answer.text();
    if (said.includes('"error"')) throw new Error(`the Engine refused the image: ${said.trim()}`);
  }

  /** Creates and starts. */
  async startContainer(name: string, spec: object): Promise<void> {
    await this.#expect("POST", `/containers/create?name=${encodeURIComponent(name)}`, spec);
    await this.#expect("POST", `/containers/${encodeURIComponent(name)}/start`);
  }

  /** @returns false when there is no such container */
  async removeContainer(name: string): Promise<boolean> {
    return (await this.#expect("DELETE", `/containers/${encodeURIComponent(name)}?force=1&v=1`, undefined, [404])).ok;
  }

  /** @returns false when there is no such image */
  async removeImage(name: string): Promise<boolean> {
    return (await this.#expect("DELETE", `/images/${encodeURIComponent(name)}?force=1`, undefined, [404])).ok;
  }

  async #expect(method: string, path: string, body?: object | Uint8Array, allowed: number[] = []): Promise<Response> {
    const answer = await this.#send(method, path, body, ANSWER_MS);
    if (!answer.ok && !allowed.includes(answer.status)) {
      throw new Error(`${method} ${path.split("?")[0]}: HTTP ${answer.status}: ${(await answer.text()).trim()}`);
    }
    return answer;
  }

  #send(method: string, path: string, body: object | Uint8Array | undefined, deadlineMs: number): Promise<Response> {
    const raw = body instanceof Uint8Array;
    return fetch(`${this.#base}${path}`, {
      ...this.#way,
      method,
      signal: AbortSignal.timeout(deadlineMs),
      ...(body !== undefined && {
        body: raw ? new Uint8Array(body) : JSON.stringify(body),
        headers: { "content-type": raw ? "application/x-tar" : "application/json" },
      }),
    });
  }
}

function pem({ ca, cert, key }: Tls): { ca?: string; cert?: string; key?: string } {
  return { ...(ca !== null && { ca }), ...(cert !== null && { cert }), ...(key !== null && { key }) };
}
