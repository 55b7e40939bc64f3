import { afterAll, describe, expect, test } from "bun:test";
import { systemClock } from "../../src/base/clock.ts";
import { openDocker } from "../../src/docker/open.ts";
import { benchSuite } from "../support/bench-suite.ts";
import { type TestBench, testEngine } from "../support/engine.ts";
import { createFaultyEngine } from "../support/faulty-engine.ts";
import { until } from "../support/until.ts";

const clock = systemClock();
const benches: TestBench[] = [];
afterAll(() => Promise.all(benches.map((bench) => bench.remove())));

const SPEC = { user: "dev" };
async function newBench() {
  const engine = await testEngine();
  const container = await engine.bench(SPEC);
  benches.push(container);
  return { engine, container, docker: openDocker(engine.env, clock) };
}

benchSuite("a container", async () => {
  const { container, docker } = await newBench();
  return { bench: docker.bench, containerId: container.id, user: "dev" };
});

describe("what the Engine imposes", () => {
  const command = (containerId: string, argv: string[], user = "dev") => ({ containerId, user, argv });

  test("users by name, by number, and one that is not there", async () => {
    const { container, docker } = await newBench();
    const idOf = async (user: string) => docker.bench.run(command(container.id, ["id", "-u"], user));
    expect((await idOf("root")).stdout).toBe("0\n");
    expect((await idOf("ops")).stdout).toBe("1001\n");
    expect((await idOf("4321")).stdout).toBe("4321\n");
    const unknown = await idOf("brett");
    expect(unknown.exitCode).toBe(126);
    expect(unknown.stdout).toContain("unable to find user brett");
  });

  test("a paused container is a conflict that says so; it works again afterwards", async () => {
    const { container, docker } = await newBench();
    await container.pause();
    const refused = docker.bench.run(command(container.id, ["true"]));
    await expect(refused).rejects.toMatchObject({ kind: "conflict", message: expect.stringContaining("paused") });
    await container.unpause();
    expect((await docker.bench.run(command(container.id, ["true"]))).exitCode).toBe(0);
  });

  test("a stopped container is a conflict, an unknown one not found", async () => {
    const { container, docker } = await newBench();
    await container.stop();
    const run = (id: string) => docker.bench.run(command(id, ["true"]));
    await expect(run(container.id)).rejects.toMatchObject({ kind: "conflict" });
    await expect(run("ab".repeat(32))).rejects.toMatchObject({ kind: "not_found" });
    await expect(docker.bench.stream(command("ab".repeat(32), ["cat"]))).rejects.toMatchObject({ kind: "not_found" });
  });

  test("an image without tmux", async () => {
    const engine = await testEngine();
    await using container = await engine.bench({ image: "no-tmux" });
    const argv = ["tmux", "-V"];
    const { exitCode, stdout } = await openDocker(engine.env, clock).bench.run(command(container.id, argv, "root"));
    expect(exitCode).toBe(126);
    expect(stdout).toContain('exec: "tmux": executable file not found');
  });

  test("a tmux control link", async () => {
    const { container, docker } = await newBench();
    const pane = await container.pane("claude");
    const link = await docker.bench.stream(command(container.id, ["tmux", "-C", "attach", "-t", "claude"]));
    link.write("list-panes -a -F '<#{pane_id}>'\n");
    let text = "";
    for await (const piece of link.output) {
      text += Buffer.from(piece).toString();
      if (text.includes(`<${pane}>`)) break;
    }
    link.close();
    expect(text).toContain("%begin");
    const clients = async () => container.tmux(["list-clients"]);
    await until(async () => (await clients()) === "", "the client's leave");
  });

  test("while an abandoned program runs its container rests; then it is asked again", async () => {
    const { engine, container } = await newBench();
    await using proxy = await createFaultyEngine(engine.socketPath);
    const { bench } = openDocker({ DOCKER_HOST: proxy.dockerHost }, clock);
    const run = (argv: string[], deadlineMs = 5000) => bench.run(command(container.id, argv), { deadlineMs });
    await expect(run(["tail", "-f", "/dev/null"], 3000)).rejects.toMatchObject({ kind: "timeout" });
    await until(() => proxy.open() === 0, "the end of the connection");

    const creates = () => proxy.requests.filter((request) => /^POST .*\/exec$/.test(request)).length;
    const before = creates();
    await expect(run(["true"])).rejects.toMatchObject({ kind: "abandoned" });
    await expect(bench.stream(command(container.id, ["cat"]))).rejects.toMatchObject({ kind: "abandoned" });
    expect(creates()).toBe(before);

    const { container: other } = await newBench();
    expect((await bench.run(command(other.id, ["true"]))).exitCode).toBe(0);

    await container.must(["sh", "-c", "kill $(pidof tail)"]);
    await until(async () => (await run(["true"])).exitCode === 0, "a rested container");
  });
});

describe("a broken Engine", () => {
  let shared: ReturnType<typeof newBench> | undefined;
  const setting = async () => {
    shared ??= newBench();
    const { engine, container } = await shared;
    const proxy = await createFaultyEngine(engine.socketPath);
    const { bench } = openDocker({ DOCKER_HOST: proxy.dockerHost }, clock);
    const run = (options: { input?: Uint8Array; deadlineMs?: number } = {}) =>
      bench.run(
        { containerId: container.id, user: "dev", argv: ["echo", "hello"] },
        { deadlineMs: 20_000, ...options },
      );
    return { proxy, run };
  };
  const CREATE = /^POST \/containers\/.*\/exec$/;
  const START = /^POST \/exec\/.*\/start$/;
  const STATE = /^GET \/exec\/.*\/json$/;

  test("every step that hangs is a timeout, and the connection is closed", async () => {
    for (const step of [CREATE, START, STATE]) {
      const { proxy, run } = await setting();
      proxy.fault(step, { kind: "hang" });
      await expect(run({ deadlineMs: 400 })).rejects.toMatchObject({ kind: "timeout" });
      await until(() => proxy.open() === 0, "the end of the connection");
      await proxy[Symbol.asyncDispose]();
    }
  });

  test("an error at every step is told with the Engine's words", async () => {
    for (const step of [CREATE, START, STATE]) {
      const { proxy, run } = await setting();
      proxy.fault(step, { kind: "answer", status: 500, body: '{"message": "disk on\\u001b fire"}' });
      const fault = { kind: "failed", message: expect.stringContaining("500: disk on fire") };
      await expect(run()).rejects.toMatchObject(fault);
      await proxy[Symbol.asyncDispose]();
    }
  });

  test("nonsense is malformed", async () => {
    for (const step of [CREATE, STATE]) {
      for (const body of ["<html>", "null", "[]"]) {
        const { proxy, run } = await setting();
        proxy.fault(step, { kind: "answer", status: 201, body });
        await expect(run()).rejects.toMatchObject({ kind: "malformed" });
        await proxy[Symbol.asyncDispose]();
      }
    }
  });

  test("output without frames, and output cut in the middle", async () => {
    for (const input of [undefined, new Uint8Array()]) {
      const options = input === undefined ? {} : { input };
      {
        const { proxy, run } = await setting();
        const head = input ? "HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp" : "HTTP/1.1 200 OK";
        proxy.fault(START, { kind: "raw", bytes: `${head}\r\n\r\nhello, this is no frame` });
        await expect(run(options)).rejects.toMatchObject({ kind: "frames" });
        await proxy[Symbol.asyncDispose]();
      }
      {
        const { proxy, run } = await setting();
        const frame = Buffer.from([1, 0, 0, 0, 0, 0, 0, 9, 65]).toString("latin1");
        const head = input ? "HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp" : "HTTP/1.1 200 OK";
        proxy.fault(START, { kind: "raw", bytes: Buffer.from(`${head}\r\n\r\n${frame}`, "latin1") });
        await expect(run(options)).rejects.toMatchObject({ kind: "lost" });
        await proxy[Symbol.asyncDispose]();
      }
    }
  });

  test("an end without an exit code, and one that never comes", async () => {
    {
      const { proxy, run } = await setting();
      proxy.fault(STATE, { kind: "answer", status: 200, body: '{"Running": false, "ExitCode": null}' });
      await expect(run()).rejects.toMatchObject({ kind: "no_exit" });
      await proxy[Symbol.asyncDispose]();
    }
    {
      const { proxy, run } = await setting();
      proxy.fault(STATE, { kind: "answer", status: 200, body: '{"Running": true, "ExitCode": null}' });
      await expect(run({ deadlineMs: 500 })).rejects.toMatchObject({ kind: "timeout" });
      await proxy[Symbol.asyncDispose]();
    }
  });
});
