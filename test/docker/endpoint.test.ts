import { afterAll, beforeEach, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BenchFault } from "../../src/base/bench.ts";
import { describe, type Endpoint, resolveEndpoint } from "../../src/docker/endpoint.ts";

const root = mkdtempSync(join(tmpdir(), "at-endpoint-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

let home = "";
let systemSocket = "";
beforeEach(() => {
  home = mkdtempSync(join(root, "home-"));
  systemSocket = join(home, "system.sock");
});

const resolve = (env: Record<string, string> = {}) => resolveEndpoint({ HOME: home, ...env }, systemSocket);

function faultOf(env: Record<string, string>): BenchFault {
  try {
    resolve(env);
  } catch (error) {
    if (error instanceof BenchFault) return error;
    throw error;
  }
  throw new Error("no fault");
}

function write(file: string, text: string): void {
  mkdirSync(join(file, ".."), { recursive: true });
  writeFileSync(file, text);
}

function addContext(name: string, docker: object, tls: Record<string, string> = {}, dir = join(home, ".docker")): void {
  const folder = createHash("sha256").update(name).digest("hex");
  write(join(dir, "contexts/meta", folder, "meta.json"), JSON.stringify({ Name: name, Endpoints: { docker } }));
  for (const [file, text] of Object.entries(tls)) write(join(dir, "contexts/tls", folder, "docker", file), text);
}

const tcp = (host: string, port: number, more: object = {}): Endpoint =>
  Object.assign({ kind: "tcp" as const, host, port, path: "", tls: null }, more);

test("the order: DOCKER_HOST, DOCKER_CONTEXT, current context, system socket, user's socket", () => {
  const own = join(home, "run");
  write(join(own, "docker.sock"), "");
  addContext("lab", { Host: "tcp://lab:1" });
  addContext("farm", { Host: "tcp://farm:2" });
  const env = { XDG_RUNTIME_DIR: own };

  expect(resolve()).toEqual({ kind: "unix", socketPath: systemSocket });
  expect(resolve(env)).toEqual({ kind: "unix", socketPath: join(own, "docker.sock") });
  write(systemSocket, "");
  expect(resolve(env)).toEqual({ kind: "unix", socketPath: systemSocket });
  write(join(home, ".docker/config.json"), '{"currentContext": "lab"}');
  expect(resolve(env)).toEqual(tcp("lab", 1));
  expect(resolve({ ...env, DOCKER_CONTEXT: "farm" })).toEqual(tcp("farm", 2));
  expect(resolve({ ...env, DOCKER_CONTEXT: "default" })).toEqual({ kind: "unix", socketPath: systemSocket });
  expect(resolve({ ...env, DOCKER_CONTEXT: "farm", DOCKER_HOST: "unix:///x" })).toEqual({
    kind: "unix",
    socketPath: "/x",
  });
});

test("an edit of the client's configuration is seen at the next use, and DOCKER_CONFIG moves it", () => {
  const dir = join(home, "elsewhere");
  addContext("lab", { Host: "unix:///lab.sock" }, {}, dir);
  expect(resolve({ DOCKER_CONFIG: dir })).toEqual({ kind: "unix", socketPath: systemSocket });
  write(join(dir, "config.json"), '{"currentContext": "lab", "auths": {}}');
  expect(resolve({ DOCKER_CONFIG: dir })).toEqual({ kind: "unix", socketPath: "/lab.sock" });
  write(join(dir, "config.json"), "{}");
  expect(resolve({ DOCKER_CONFIG: dir })).toEqual({ kind: "unix", socketPath: systemSocket });
});

test.each([
  ["tcp://10.0.0.1", tcp("10.0.0.1", 2375)],
  ["tcp://10.0.0.1:80", tcp("10.0.0.1", 80)],
  ["tcp://[::1]:2375/", tcp("::1", 2375)],
  ["10.0.0.1:4000", tcp("10.0.0.1", 4000)],
  ["http://box:1/prefix/", tcp("box", 1, { path: "/prefix" })],
])("DOCKER_HOST=%s", (host, endpoint) => {
  expect(resolve({ DOCKER_HOST: host })).toEqual(endpoint);
});

test.each([
  ["ssh://user@box", "ssh:// endpoints are not supported"],
  ["npipe:////./pipe/docker_engine", "npipe:// endpoints are not supported"],
  ["fd://", "fd:// endpoints are not supported"],
  ["unix://relative", "needs an absolute path"],
  ["tcp://", "no endpoint that can be understood"],
  ["tcp://box:99999", "no endpoint that can be understood"],
])("DOCKER_HOST=%s is unreachable and says why", (host, words) => {
  const fault = faultOf({ DOCKER_HOST: host });
  expect(fault.kind).toBe("unreachable");
  expect(fault.message).toContain(words);
});

test("TLS by environment: only for TCP, from DOCKER_CERT_PATH, else from the client's folder", () => {
  for (const file of ["ca", "cert", "key"]) {
    write(join(home, "certs", `${file}.pem`), `own ${file}`);
    write(join(home, ".docker", `${file}.pem`), `default ${file}`);
  }
  const env = { DOCKER_HOST: "tcp://box", DOCKER_TLS_VERIFY: "1" };
  const certs = { DOCKER_CERT_PATH: join(home, "certs") };
  const own = { ca: "own ca", cert: "own cert", key: "own key", verify: true };
  expect(resolve({ ...env, ...certs })).toEqual(tcp("box", 2376, { tls: own }));
  const theirs = { ca: "default ca", cert: "default cert", key: "default key", verify: true };
  expect(resolve(env)).toEqual(tcp("box", 2376, { tls: theirs }));
  expect(resolve({ ...certs, DOCKER_HOST: "tcp://box" })).toEqual(tcp("box", 2375));
  expect(resolve({ ...env, ...certs, DOCKER_HOST: "unix:///x" })).toEqual({ kind: "unix", socketPath: "/x" });
});

test("TLS by context: its files, and SkipTLSVerify", () => {
  addContext("tls", { Host: "tcp://box:5", SkipTLSVerify: false }, { "ca.pem": "c", "cert.pem": "e", "key.pem": "k" });
  addContext("loose", { Host: "tcp://box:5", SkipTLSVerify: true });
  expect(resolve({ DOCKER_CONTEXT: "tls" })).toEqual(
    tcp("box", 5, { tls: { ca: "c", cert: "e", key: "k", verify: true } }),
  );
  const nothing = { ca: null, cert: null, key: null, verify: false };
  expect(resolve({ DOCKER_CONTEXT: "loose" })).toEqual(tcp("box", 5, { tls: nothing }));
});

test("a context that is missing or broken is unreachable, never another Engine", () => {
  write(systemSocket, "");
  addContext("ssh", { Host: "ssh://box" });
  addContext("empty", {});
  expect(faultOf({ DOCKER_CONTEXT: "none" }).message).toBe("the Docker context none does not exist");
  expect(faultOf({ DOCKER_CONTEXT: "ssh" }).message).toContain(
    "context ssh is ssh://box: ssh:// endpoints are not supported",
  );
  expect(faultOf({ DOCKER_CONTEXT: "empty" }).message).toContain("names no endpoint");
  write(join(home, ".docker/config.json"), "{");
  expect(faultOf({}).message).toContain("is not JSON");
  write(join(home, ".docker/config.json"), "[]");
  expect(faultOf({}).kind).toBe("unreachable");
});

test("an endpoint in words", () => {
  expect(describe(resolve({ DOCKER_HOST: "tcp://[::1]" }))).toBe("tcp://[::1]:2375");
  expect(describe(resolve({ DOCKER_HOST: "unix:///x" }))).toBe("unix:///x");
});
