import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../src/base/clock.ts";
import type { EngineEvent } from "../../src/base/engine.ts";
import { openDocker } from "../../src/docker/open.ts";
import { createTestEngine, type TestBench, type TestEngine, testEngine } from "../support/engine.ts";
import { createFaultyEngine, type Fault } from "../support/faulty-engine.ts";
import { createTlsEngine } from "../support/tls-engine.ts";
import { until } from "../support/until.ts";

const clock = systemClock();
const DEADLINE_MS = 5000;
const ignore = () => undefined;
const open = (env: Record<string, string>) => openDocker(env, clock);

let real: TestEngine;
let bench: TestBench;
const dir = mkdtempSync(join(tmpdir(), "at-docker-"));
beforeAll(async () => {
  real = await testEngine();
  await real.clear();
  bench = await real.bench({
    name: "py-bench",
    user: "dev:1000",
    labels: { team: "red" },
    env: { HOME: "/home/dev", TOKEN: "s3cret", WORKDIR: "/s3cret" },
    workingDir: "/home/dev",
    mounts: [`${dir}:/mnt:ro`],
  });
});
afterAll(async () => {
  await bench.remove();
  rmSync(dir, { recursive: true, force: true });
});

test("ping, list, inspect of a real Engine", async () => {
  const { engine } = open(real.env);
  await engine.ping(DEADLINE_MS);
  expect(await engine.list(DEADLINE_MS)).toEqual([
    { id: bench.id, names: ["py-bench"], status: expect.stringMatching(/^Up /) },
  ]);
  const seen = await engine.inspect(bench.id, DEADLINE_MS);
  expect(seen).toEqual({
    id: bench.id,
    name: "py-bench",
    image: "agenttower-bench:latest",
    status: "running",
    running: true,
    labels: { team: "red" },
    mounts: [{ source: dir, target: "/mnt", type: "bind", mode: "ro", rw: false }],
    configUser: "dev:1000",
    workingDir: "/home/dev",
    envKeys: expect.arrayContaining(["HOME", "WORKDIR"]),
  });
  expect(JSON.stringify(seen)).not.toContain("s3cret");
});

test("paused containers are listed, stopped ones are not; inspect tells the state", async () => {
  const { engine } = open(real.env);
  await using other = await real.bench({ name: "other" });
  const listed = async () => (await engine.list(DEADLINE_MS)).flatMap(({ names }) => names).sort();
  await other.pause();
  expect(await listed()).toEqual(["other", "py-bench"]);
  expect(await engine.inspect(other.id, DEADLINE_MS)).toMatchObject({ status: "paused", running: true });
  await other.unpause();
  await other.rename("renamed");
  expect(await listed()).toEqual(["py-bench", "renamed"]);
  await other.stop();
  expect(await listed()).toEqual(["py-bench"]);
  expect(await engine.inspect(other.id, DEADLINE_MS)).toMatchObject({ status: "exited", running: false });
  await other.remove();
  await expect(engine.inspect(other.id, DEADLINE_MS)).rejects.toMatchObject({ kind: "not_found" });
});

test("events: what happens to containers, and execs of others only", async () => {
  const { engine, bench: docker } = open(real.env);
  const events: EngineEvent[] = [];
  const following = new AbortController();
  const followed = engine.events((event) => events.push(event), following.signal);
  const saw = (containerId: string, action: EngineEvent["action"]) =>
    until(() => events.some((event) => event.containerId === containerId && event.action === action), action);
  // The first foreign exec that is seen tells that the stream is open.
  await until(async () => {
    await bench.exec(["true"]);
    return events.length > 0;
  }, "the open stream");

  await using other = await real.bench({ name: "other" });
  await saw(other.id, "start");
  const run = (input?: Uint8Array) =>
    docker.run({ containerId: other.id, user: "root", argv: ["cat"] }, input === undefined ? {} : { input });
  await Promise.all([run(), run(new Uint8Array(1)), run()]);
  // An exec that ends while its container is being paused can lock up an Engine (20.10), so all of them end before.
  const stream = await docker.stream({ containerId: other.id, user: "root", argv: ["echo", "x"] });
  expect(await Array.fromAsync(stream.output)).toHaveLength(1);
  await other.pause();
  await saw(other.id, "pause");
  // Everything up to the pause has arrived, and none of our execs was taken for another's.
  expect(events.filter((event) => event.containerId === other.id).map(({ action }) => action)).toEqual([
    "start",
    "pause",
  ]);
  await other.unpause();
  await saw(other.id, "unpause");
  await other.exec(["true"]);
  await saw(other.id, "exec_foreign");
  await other.rename("renamed");
  await saw(other.id, "rename");
  await other.restart();
  await saw(other.id, "restart");
  await other.kill();
  await saw(other.id, "die");
  await other.remove();
  await saw(other.id, "destroy");
  following.abort();
  await followed;
});

describe("an Engine that cannot be reached", () => {
  const list = (env: Record<string, string>) => open(env).engine.list(DEADLINE_MS);

  test("no socket, none listening, no socket at all, an unsupported endpoint", async () => {
    await expect(list({ DOCKER_HOST: `unix://${dir}/none.sock` })).rejects.toMatchObject({ kind: "unreachable" });
    writeFileSync(join(dir, "file.sock"), "");
    await expect(list({ DOCKER_HOST: `unix://${dir}/file.sock` })).rejects.toMatchObject({ kind: "unreachable" });
    await expect(list({ DOCKER_HOST: "tcp://127.0.0.1:1" })).rejects.toMatchObject({ kind: "unreachable" });
    await expect(list({ DOCKER_HOST: "tcp://no-such-host.invalid:1" })).rejects.toMatchObject({ kind: "unreachable" });
    const ssh = { kind: "unreachable", message: expect.stringContaining("ssh:// endpoints are not supported") };
    await expect(list({ DOCKER_HOST: "ssh://box" })).rejects.toMatchObject(ssh);
    const { bench: docker } = open({ DOCKER_HOST: `unix://${dir}/none.sock` });
    const command = { containerId: bench.id, user: "dev", argv: ["true"] };
    await expect(docker.run(command)).rejects.toMatchObject({ kind: "unreachable" });
    await expect(docker.stream(command)).rejects.toMatchObject({ kind: "unreachable" });
    const events = open({ DOCKER_HOST: `unix://${dir}/none.sock` }).engine.events(ignore, new AbortController().signal);
    await expect(events).rejects.toMatchObject({ kind: "unreachable" });
  });

  test("no right to connect", async () => {
    const server = net.createServer();
    await new Promise<void>((resolve) => server.listen(join(dir, "closed.sock"), resolve));
    chmodSync(join(dir, "closed.sock"), 0);
    try {
      const script = `
        import { systemClock } from "${import.meta.dir}/../../src/base/clock.ts";
        import { openDocker } from "${import.meta.dir}/../../src/docker/open.ts";
        process.setgid?.(65534);
        process.setuid?.(65534);
        const docker = openDocker({ DOCKER_HOST: "unix://${dir}/closed.sock" }, systemClock());
        await docker.engine.list(5000).catch((fault) => console.log(fault.kind));
        process.exit(0);
      `;
      chmodSync(dir, 0o755);
      // Root may connect to anything, so it steps down; anyone else is refused as they are.
      const step = process.getuid?.() === 0 ? script : script.replace(/process\.set[ug]id.*\n/g, "");
      const child = Bun.spawnSync([process.execPath, "-e", step], { cwd: "/" });
      expect(child.stdout.toString()).toBe("permission\n");
    } finally {
      server.close();
    }
  });
});

describe("an Engine that answers wrongly", () => {
  const HTML = "<html><body>Bad gateway</body></html>";
  const answer = (status: number, body: string, headers: Record<string, string> = {}): Fault => ({
    kind: "answer",
    status,
    body,
    headers,
  });
  const cases: [string, Fault, string][] = [
    ["500", answer(500, '{"message":"disk is full"}'), "failed"],
    ["502 with a page", answer(502, HTML), "failed"],
    ["400", answer(400, "{}"), "failed"],
    ["401", answer(401, ""), "unauthorized"],
    ["403", answer(403, '{"message":"plugin says no"}'), "unauthorized"],
    ["404", answer(404, "{}"), "not_found"],
    ["409", answer(409, "{}"), "conflict"],
    ["a page", answer(200, HTML), "malformed"],
    ["null", answer(200, "null"), "malformed"],
    ["nothing", answer(200, ""), "malformed"],
    ["another shape", answer(200, '"text"'), "malformed"],
    ["a redirect", answer(302, "", { Location: "http://127.0.0.1:1/containers/json" }), "failed"],
    ["a redirect to an unknown scheme", answer(307, "", { Location: "foo://bar" }), "failed"],
    ["too much", { kind: "oversize", bytes: 32 * 1024 * 1024 }, "malformed"],
    ["an answer cut in its body", answer(200, "[", { "Content-Length": "500" }), "lost"],
    ["a connection closed without an answer", { kind: "raw", bytes: "" }, "lost"],
    ["an answer cut in its head", { kind: "raw", bytes: "HTTP/1.1 200 OK\r\nContent-" }, "lost"],
    ["a refusal that goes on for ever", answer(500, "x".repeat(200_000)), "failed"],
  ];

  test.each(cases)("%s", async (_name, fault, kind) => {
    await using proxy = await createFaultyEngine(real.socketPath);
    proxy.fault(/json$/, fault);
    const { engine } = open({ DOCKER_HOST: proxy.dockerHost });
    await expect(engine.list(DEADLINE_MS)).rejects.toMatchObject({ name: "BenchFault", kind });
    await expect(engine.inspect(bench.id, DEADLINE_MS)).rejects.toMatchObject({ name: "BenchFault", kind });
    proxy.heal();
    expect(await engine.list(DEADLINE_MS)).toHaveLength(1);
  });

  test("its own words are told, cleaned", async () => {
    await using proxy = await createFaultyEngine(real.socketPath);
    proxy.fault(/json$/, answer(500, JSON.stringify({ message: `disk\n\u001b[31m is full ${"x".repeat(5000)}` })));
    const fault = await open({ DOCKER_HOST: proxy.dockerHost })
      .engine.list(DEADLINE_MS)
      .catch((error) => error.message);
    expect(fault).toMatch(/^GET \/containers\/json at unix:\/\/\S+: the Engine answered 500: disk \[31m is full x+$/);
    expect(fault.length).toBeLessThan(600);
  });

  test("silence is a timeout to the last byte, and the connection is closed", async () => {
    await using proxy = await createFaultyEngine(real.socketPath);
    const { engine } = open({ DOCKER_HOST: proxy.dockerHost });
    const half = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 900\r\n\r\n[";
    const drip = net.createServer((socket) => void socket.write(half));
    await new Promise<void>((resolve) => drip.listen(join(dir, "drip.sock"), resolve));
    try {
      proxy.fault(/./, { kind: "hang" });
      const outcomes = await Promise.allSettled([
        engine.list(300),
        engine.ping(300),
        engine.inspect(bench.id, 300),
        open({ DOCKER_HOST: `unix://${dir}/drip.sock` }).engine.list(300),
      ]);
      const timeout = { status: "rejected", reason: expect.objectContaining({ kind: "timeout" }) };
      expect<unknown[]>(outcomes).toEqual([timeout, timeout, timeout, timeout]);
      await until(() => proxy.open() === 0, "the end of the connections");
    } finally {
      drip.close();
    }
  });

  test("an event stream that breaks, and one that is nonsense", async () => {
    await using proxy = await createFaultyEngine(real.socketPath);
    const { engine } = open({ DOCKER_HOST: proxy.dockerHost });
    const follow = () => engine.events(ignore, new AbortController().signal);
    proxy.fault(/events/, { kind: "cut", bytes: 20 });
    await expect(follow()).rejects.toMatchObject({ kind: "lost" });
    proxy.fault(/events/, answer(200, "<html>\n"));
    await expect(follow()).rejects.toMatchObject({ kind: "malformed" });
    proxy.fault(/events/, answer(200, "x".repeat(2 * 1024 * 1024)));
    await expect(follow()).rejects.toMatchObject({ kind: "malformed" });
    proxy.fault(/events/, answer(500, "{}"));
    await expect(follow()).rejects.toMatchObject({ kind: "failed" });
    proxy.fault(/events/, answer(200, "\n{}\n"));
    await follow();
  });

  test("it restarts on the same socket: lost or unreachable meanwhile, then as before", async () => {
    const link = join(dir, "link.sock");
    const first = await createTestEngine();
    const { engine } = open({ DOCKER_HOST: `unix://${link}` });
    Bun.spawnSync(["ln", "-sfn", first.socketPath, link]);
    expect(await engine.list(DEADLINE_MS)).toEqual([]);
    const followed = engine.events(ignore, new AbortController().signal).then(
      () => "ended",
      (fault) => fault.kind,
    );
    await first.stop();
    expect(["ended", "lost"]).toContain(await followed);
    await expect(engine.list(DEADLINE_MS)).rejects.toMatchObject({ kind: "unreachable" });
    Bun.spawnSync(["ln", "-sfn", real.socketPath, link]);
    expect(await engine.list(DEADLINE_MS)).toHaveLength(1);
  });
});

describe.if(Bun.which("openssl") !== null)("an Engine behind TLS", () => {
  test("with client certificates everything works, hijacked streams too", async () => {
    await using tls = await createTlsEngine(real.socketPath);
    const env = { DOCKER_HOST: `tcp://${tls.address}`, DOCKER_TLS_VERIFY: "1", DOCKER_CERT_PATH: tls.certDir };
    const { engine, bench: docker } = open(env);
    expect(await engine.list(DEADLINE_MS)).toHaveLength(1);
    const run = (argv: string[], input?: string) =>
      docker.run(
        { containerId: bench.id, user: "dev", argv },
        input === undefined ? {} : { input: Buffer.from(input) },
      );
    expect((await run(["id", "-u"])).stdout).toBe("1000\n");
    expect((await run(["cat"], "through TLS")).stdout).toBe("through TLS");
    const stream = await docker.stream({ containerId: bench.id, user: "dev", argv: ["cat"] });
    stream.write("ping");
    for await (const piece of stream.output) {
      expect(Buffer.from(piece).toString()).toBe("ping");
      break;
    }
    stream.close();
  });

  test("a server that is not the one meant, a client that is not known, and no TLS at all", async () => {
    await using tls = await createTlsEngine(real.socketPath);
    const host = { DOCKER_HOST: `tcp://${tls.address}` };
    const list = (env: Record<string, string>) => open({ ...host, ...env }).engine.list(DEADLINE_MS);
    const stranger = { DOCKER_TLS_VERIFY: "1", DOCKER_CERT_PATH: tls.strangerDir };
    await expect(list(stranger)).rejects.toMatchObject({ kind: "unreachable" });
    const mixed = join(dir, "mixed");
    Bun.spawnSync(["cp", "-r", tls.strangerDir, mixed]);
    Bun.spawnSync(["cp", join(tls.certDir, "ca.pem"), mixed]);
    await expect(list({ ...stranger, DOCKER_CERT_PATH: mixed })).rejects.toMatchObject({
      kind: expect.stringMatching(/^(unreachable|lost)$/),
    });
    await expect(list({})).rejects.toMatchObject({ kind: expect.stringMatching(/^(unreachable|lost|malformed)$/) });
  });
});

test("DOCKER_HOST of the process does not leak into an endpoint that was resolved", async () => {
  const script = `
    import { systemClock } from "${import.meta.dir}/../../src/base/clock.ts";
    import { openDocker } from "${import.meta.dir}/../../src/docker/open.ts";
    const { engine } = openDocker({ DOCKER_HOST: "${real.dockerHost}" }, systemClock());
    console.log((await engine.list(5000)).length);
    process.exit(0);
  `;
  const env = { ...process.env, DOCKER_HOST: "tcp://127.0.0.1:1", DOCKER_TLS_VERIFY: "1" };
  const child = Bun.spawnSync([process.execPath, "-e", script], { env });
  expect(child.stdout.toString()).toBe("1\n");
});
