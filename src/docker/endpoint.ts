/**
 * Where the Docker Engine is (02 §2): `DOCKER_HOST`; the context of `DOCKER_CONTEXT` or of the Docker client's configuration;
 * the system's socket; the user's own. Reads small files only, so it is done anew whenever an Engine is spoken to.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { BenchFault } from "../base/bench.ts";

export type Tls = { ca: string | null; cert: string | null; key: string | null; verify: boolean };

export type Endpoint =
  | { kind: "unix"; socketPath: string }
  | { kind: "tcp"; host: string; port: number; path: string; tls: Tls | null };

export type Env = Readonly<Record<string, string | undefined>>;

const SYSTEM_SOCKET = "/var/run/docker.sock";
const PLAIN_PORT = 2375;
const TLS_PORT = 2376;

/**
 * @param systemSocket where the system's Engine listens by default
 * @throws BenchFault `unreachable`: the configured endpoint is unusable; `permission`: its files may not be read
 */
export function resolveEndpoint(env: Env, systemSocket = SYSTEM_SOCKET): Endpoint {
  const configDir = env["DOCKER_CONFIG"] || join(env["HOME"] || "/", ".docker");
  const host = env["DOCKER_HOST"];
  if (host) {
    const tls = env["DOCKER_TLS_VERIFY"] ? tlsFiles(env["DOCKER_CERT_PATH"] || configDir, true) : null;
    return parseHost(host, "DOCKER_HOST", tls);
  }
  const context = env["DOCKER_CONTEXT"] || selectedContext(configDir);
  if (context !== "" && context !== "default") return contextEndpoint(configDir, context);
  if (existsSync(systemSocket)) return { kind: "unix", socketPath: systemSocket };
  const own = env["XDG_RUNTIME_DIR"] && join(env["XDG_RUNTIME_DIR"], "docker.sock");
  return { kind: "unix", socketPath: own && existsSync(own) ? own : systemSocket };
}

/** One endpoint in words, for messages. */
export function describe(endpoint: Endpoint): string {
  if (endpoint.kind === "unix") return `unix://${endpoint.socketPath}`;
  const host = endpoint.host.includes(":") ? `[${endpoint.host}]` : endpoint.host;
  return `tcp://${host}:${endpoint.port}${endpoint.path}`;
}

function parseHost(text: string, from: string, tls: Tls | null): Endpoint {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text)?.[1]?.toLowerCase();
  if (scheme === "unix") {
    const socketPath = text.slice("unix://".length);
    if (!socketPath.startsWith("/")) throw unusable(`${from} is ${text}: a unix endpoint needs an absolute path`);
    return { kind: "unix", socketPath };
  }
  if (scheme !== undefined && !["tcp", "http", "https"].includes(scheme)) {
    throw unusable(`${from} is ${text}: ${scheme}:// endpoints are not supported, only unix:// and tcp://`);
  }
  const secure = scheme === "https" ? (tls ?? { ca: null, cert: null, key: null, verify: true }) : tls;
  const address = scheme === undefined ? text : text.slice(scheme.length + 3);
  const url = URL.parse(`http://${address}`);
  // The default port of `http:` vanishes in parsing, so that it is looked for in the text.
  const port = /:(\d+)(?:\/|$)/.exec(address)?.[1];
  if (url === null || url.hostname === "" || url.search !== "" || url.hash !== "") {
    throw unusable(`${from} is ${text}: no endpoint that can be understood`);
  }
  return {
    kind: "tcp",
    host: url.hostname.replace(/^\[|\]$/g, ""),
    port: port === undefined ? (secure ? TLS_PORT : PLAIN_PORT) : Number(port),
    path: url.pathname.replace(/\/+$/, ""),
    tls: secure,
  };
}

function selectedContext(configDir: string): string {
  const file = join(configDir, "config.json");
  const text = readOptional(file);
  if (text === null) return "";
  const current = parseObject(text, file)["currentContext"];
  return typeof current === "string" ? current : "";
}

function contextEndpoint(configDir: string, name: string): Endpoint {
  const folder = new Bun.CryptoHasher("sha256").update(name).digest("hex");
  const file = join(configDir, "contexts/meta", folder, "meta.json");
  const text = readOptional(file);
  if (text === null) throw unusable(`the Docker context ${name} does not exist`);
  const endpoints = parseObject(text, file)["Endpoints"];
  const docker = isObject(endpoints) ? endpoints["docker"] : undefined;
  const host = isObject(docker) ? docker["Host"] : undefined;
  if (!isObject(docker) || typeof host !== "string" || host === "") {
    throw unusable(`the Docker context ${name} names no endpoint`);
  }
  const tlsDir = join(configDir, "contexts/tls", folder, "docker");
  const skipVerify = docker["SkipTLSVerify"] === true;
  const tls = skipVerify || existsSync(tlsDir) ? tlsFiles(tlsDir, !skipVerify) : null;
  return parseHost(host, `the endpoint of Docker context ${name}`, tls);
}

function tlsFiles(dir: string, verify: boolean): Tls {
  const read = (name: string) => readOptional(join(dir, name));
  return { ca: read("ca.pem"), cert: read("cert.pem"), key: read("key.pem"), verify };
}

/** `null` when there is no such file. */
function readOptional(file: string): string | null {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "ENOENT" || code === "ENOTDIR") return null;
    const kind = code === "EACCES" || code === "EPERM" ? "permission" : "unreachable";
    throw new BenchFault(kind, `cannot read ${file} of the Docker client: ${String(code ?? error)}`);
  }
}

function parseObject(text: string, file: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw unusable(`${file} of the Docker client is not JSON`);
  }
  if (!isObject(value)) throw unusable(`${file} of the Docker client is not a JSON object`);
  return value;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function unusable(text: string): BenchFault {
  return new BenchFault("unreachable", text);
}
