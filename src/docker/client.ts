/**
 * The closed set of calls we make to a Docker Engine (02 §2), over dockerode. It is imported when first needed, because it costs
 * time and memory that only a daemon with an Engine should pay; the endpoint is resolved anew at every use.
 */
import { Duplex, Readable } from "node:stream";
import type Dockerode from "dockerode";
import { BenchFault } from "../base/bench.ts";
import { type Endpoint, type Env, resolveEndpoint } from "./endpoint.ts";
import { EVENT_FILTERS, readExecId, readExecState } from "./shape.ts";
import { exchangeWith } from "./transport.ts";

type ExecSpec = { user: string; argv: readonly string[]; withInput: boolean };

/** Answers are unchecked JSON where they are `unknown`. Everything rejects with a `BenchFault`. */
export type EngineClient = {
  ping(signal: AbortSignal): Promise<void>;
  list(signal: AbortSignal): Promise<unknown>;
  inspect(containerId: string, signal: AbortSignal): Promise<unknown>;
  /** The raw lines of `GET /events`. */
  events(signal: AbortSignal): Promise<Readable>;
  /** @returns the exec's id; nothing runs yet */
  createExec(containerId: string, spec: ExecSpec, signal: AbortSignal): Promise<string>;
  /** Runs it; the answer is its multiplexed output. */
  startExec(execId: string, signal: AbortSignal): Promise<Readable>;
  /** Runs it; what is written to the answer is its standard input, what is read its multiplexed output. */
  attachExec(execId: string, signal: AbortSignal): Promise<Duplex>;
  execState(execId: string, signal: AbortSignal): Promise<{ running: boolean; exitCode: number | null }>;
};

/** Gives the client for the Engine that the environment names now. @throws BenchFault when it names none that can be used */
export type ClientSource = () => Promise<EngineClient>;

/** @param env the daemon's environment, as it was at its start */
export function engineClients(env: Env, systemSocket?: string): ClientSource {
  let cached: { key: string; client: EngineClient } | undefined;
  return async () => {
    const endpoint = resolveEndpoint(env, systemSocket);
    const key = JSON.stringify(endpoint);
    if (cached?.key !== key) cached = { key, client: await openClient(endpoint) };
    return cached.client;
  };
}

type Request = {
  method: "GET" | "POST";
  path: string;
  /** Body of a POST; query of a GET whose path ends with `?`. */
  options?: Record<string, unknown>;
  isStream?: boolean;
  hijack?: boolean;
};

async function openClient(endpoint: Endpoint): Promise<EngineClient> {
  const docker = await connect(endpoint);
  const prefix = endpoint.kind === "tcp" ? endpoint.path : "";
  const ask = (request: Request, abortSignal: AbortSignal) =>
    new Promise<unknown>((resolve, reject) => {
      // Statuses are judged in our own exchange, not by a table given here.
      const dialled = { ...request, path: prefix + request.path, abortSignal, statusCodes: {} };
      docker.modem.dial(dialled, (error, answer) => (error ? reject(error) : resolve(answer)));
    });
  const start = { Detach: false, Tty: false };

  return {
    async ping(signal) {
      await ask({ method: "GET", path: "/_ping" }, signal);
    },
    list: (signal) => ask({ method: "GET", path: "/containers/json" }, signal),
    inspect: (containerId, signal) => ask({ method: "GET", path: `/containers/${containerId}/json` }, signal),
    async events(signal) {
      const options = { filters: EVENT_FILTERS };
      return opened(await ask({ method: "GET", path: "/events?", options, isStream: true }, signal));
    },
    async createExec(containerId, { user, argv, withInput }, signal) {
      const options = {
        AttachStdin: withInput,
        AttachStdout: true,
        AttachStderr: true,
        Tty: false,
        User: user,
        Env: ["LANG=C.UTF-8", "LC_ALL=C.UTF-8"],
        Cmd: argv,
      };
      return readExecId(await ask({ method: "POST", path: `/containers/${containerId}/exec`, options }, signal));
    },
    async startExec(execId, signal) {
      const request: Request = { method: "POST", path: `/exec/${execId}/start`, options: start, isStream: true };
      return opened(await ask(request, signal));
    },
    async attachExec(execId, signal) {
      const request: Request = { method: "POST", path: `/exec/${execId}/start`, options: start, hijack: true };
      const connection = await ask(request, signal);
      if (connection instanceof Duplex) return connection;
      throw new BenchFault("failed", "the Engine did not open a connection to the exec");
    },
    async execState(execId, signal) {
      return readExecState(await ask({ method: "GET", path: `/exec/${execId}/json` }, signal));
    },
  };
}

/** @throws BenchFault `failed` when the TLS files are none, or dockerode cannot be had */
async function connect(endpoint: Endpoint): Promise<Dockerode> {
  const { default: Docker } = await import("dockerode");
  const tls = endpoint.kind === "tcp" ? endpoint.tls : null;
  // Everything is named: what is left out dockerode takes from DOCKER_HOST and its kin, whatever it was told otherwise.
  const docker = new Docker({
    socketPath: endpoint.kind === "unix" ? endpoint.socketPath : undefined,
    host: endpoint.kind === "tcp" ? endpoint.host : undefined,
    port: endpoint.kind === "tcp" ? endpoint.port : undefined,
    protocol: tls === null ? "http" : "https",
    ca: tls?.ca ?? undefined,
    cert: tls?.cert ?? undefined,
    key: tls?.key ?? undefined,
    timeout: undefined,
  });
  Object.assign(docker.modem, { buildRequest: exchangeWith(endpoint) });
  return docker;
}

function opened(answer: unknown): Readable {
  if (answer instanceof Readable) return answer;
  throw new BenchFault("failed", "the Engine's answer is no stream");
}
