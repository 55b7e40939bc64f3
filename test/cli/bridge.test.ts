import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { withKeepAlive } from "../../src/cli/bridge.ts";
import { linesOf } from "../../src/cli/input.ts";
import { APP_LINE_BYTES } from "../../src/contract/limits.ts";
import { createWorld, ok, refusal } from "./world.ts";

const added = (line: string): string => Buffer.from(withKeepAlive(Buffer.from(line))).toString();

test.each([
  ['{"method":"ping"}', '{"method":"ping","keep_alive":true}'],
  ['  {"a":{}}\t ', '  {"a":{},"keep_alive":true}\t '],
  ["{}", '{"keep_alive":true}'],
  ["{ \t }", '{ \t "keep_alive":true}'],
  ['{"keep_alive":false}', '{"keep_alive":false,"keep_alive":true}'],
  ["", ""],
  ["[1]", "[1]"],
  ["{", "{"],
  ["}", "}"],
  ["nonsense", "nonsense"],
])("%p becomes %p", (line, expected) => expect(added(line)).toBe(expected));

test("every object keeps its bytes and its keys in order, and asks to be kept", () =>
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (object) => {
      const line = JSON.stringify(object);
      const sent = added(line);
      expect(JSON.parse(sent)).toEqual({ ...JSON.parse(line), keep_alive: true });
      expect(sent.startsWith(line.slice(0, -1))).toBe(true);
    }),
  ));

test("bytes that are not UTF-8 stay as they are", () => {
  const line = Buffer.from([0x7b, 0xff, 0xfe, 0x7d]);
  expect([...withKeepAlive(line)].slice(0, 3)).toEqual([0x7b, 0xff, 0xfe]);
});

describe("lines of a stream", () => {
  async function* cutAt(bytes: Buffer, cuts: number[]) {
    const at = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
    for (let n = 1; n < at.length; n++) yield bytes.subarray(at[n - 1], at[n]);
  }
  const collect = async (stream: AsyncIterable<Uint8Array>): Promise<string[]> => {
    const lines: string[] = [];
    for await (const line of linesOf(stream)) lines.push(Buffer.from(line).toString("latin1"));
    return lines;
  };

  test("do not depend on how bytes were cut", () =>
    fc.assert(
      fc.asyncProperty(fc.array(fc.constantFrom("a", "\n", "é")), fc.array(fc.nat()), async (text, cuts) => {
        const bytes = Buffer.from(text.join(""));
        expect(await collect(cutAt(bytes, cuts))).toEqual(await collect(cutAt(bytes, [])));
      }),
    ));

  test("the last one need not be ended, an empty one counts", async () => {
    expect(await collect(cutAt(Buffer.from("a\n\nb"), []))).toEqual(["a", "", "b"]);
    expect(await collect(cutAt(Buffer.from("a\n"), []))).toEqual(["a"]);
  });

  test("of a huge line just enough is kept to be refused, and the next one is whole", async () => {
    const lines = await collect(cutAt(Buffer.from(`${"x".repeat(3 * APP_LINE_BYTES)}\nnext`), [10, 2_000_000]));
    expect(lines.map((line) => line.length)).toEqual([APP_LINE_BYTES + 1, 4]);
  });
});

const request = (method: string, id: number): string => JSON.stringify({ method, id });
const lines = (text: string) =>
  text
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line));

describe("app connect", () => {
  const echo = (line: string): string => {
    const { method, id } = JSON.parse(line);
    return JSON.stringify({ ok: true, result: { method }, id });
  };

  test("answers in order over one kept connection", async () => {
    using world = createWorld();
    await world.serve(echo);
    const input = Array.from({ length: 50 }, (_, n) => `${request("ping", n)}\n`).join("");
    const { exit, stdout, stderr } = await world.run(["app", "connect"], { input });
    expect([exit, stderr]).toEqual([0, ""]);
    expect(lines(stdout).map(({ id }) => id)).toEqual(Array.from({ length: 50 }, (_, n) => n));
    expect(world.connections()).toBe(1);
    for (const line of world.requests) expect(JSON.parse(line).keep_alive).toBe(true);
  });

  test("a first line that could not be read ends its connection, the next line has its own", async () => {
    using world = createWorld();
    await world.serve((line) => (line.startsWith("{") ? echo(line) : refusal("bad_json")));
    const input = `nonsense\n${request("ping", 1)}\nnonsense\n${request("ping", 2)}\n`;
    const { exit, stdout } = await world.run(["app", "connect"], { input });
    expect(exit).toBe(0);
    expect(lines(stdout).map(({ ok: fine, id }) => [fine, id ?? null])).toEqual([
      [false, null],
      [true, 1],
      [false, null],
      [true, 2],
    ]);
    // Kept by a good line, it outlives a bad one.
    expect(world.connections()).toBe(2);
  });

  test("nobody answers: every waiting line gets its envelope, exit 3", async () => {
    using world = createWorld();
    await world.serve(() => null);
    const input = `${request("app.dashboard", 1)}\n${request("ping", 2)}\nnonsense\n${request("app.preflight", 4)}`;
    const { exit, stdout, stderr } = await world.run(["app", "connect"], { input });
    expect([exit, stderr]).toEqual([3, ""]);
    const version = { app_contract_version: "1.0" };
    const error = { code: "daemon_unavailable", message: "the daemon does not answer", details: {} };
    expect(lines(stdout)).toEqual([
      { ok: false, ...version, error, id: 1 },
      { ok: false, error: { code: "daemon_unavailable", message: error.message }, id: 2 },
      { ok: false, ...version, error },
      {
        ok: true,
        ...version,
        result: { socket_reachable: true, daemon_reachable: false, code: "daemon_unavailable" },
        id: 4,
      },
    ]);
  });

  test("no input, no connection", async () => {
    using world = createWorld();
    await world.serve(echo);
    expect(await world.run(["app", "connect"])).toEqual({ exit: 0, stdout: "", stderr: "" });
    expect(world.connections()).toBe(0);
  });
});

describe("app call", () => {
  const hello = ok({ app_session_token: "token" });
  const daemon = (line: string): string =>
    JSON.parse(line).method === "app.hello" ? hello : ok({ got: JSON.parse(line) });
  const sent = (world: { requests: string[] }) => world.requests.map((line) => JSON.parse(line));

  test("a method without a session is one request; its answer comes out whole", async () => {
    using world = createWorld();
    await world.serve(() => '{"ok":true,  "result":{}, "future":[1]}');
    expect(await world.run(["app", "call", "ping"])).toEqual({
      exit: 0,
      stdout: '{"ok":true,  "result":{}, "future":[1]}\n',
      stderr: "",
    });
    expect(sent(world)).toEqual([{ method: "ping", params: {} }]);
  });

  test("a session is opened on the same connection", async () => {
    using world = createWorld();
    await world.serve(daemon);
    const { exit } = await world.run(["app", "call", "app.pane.list", '{"limit":3}']);
    expect(exit).toBe(0);
    expect(world.connections()).toBe(1);
    expect(sent(world)).toMatchObject([
      { method: "app.hello", params: { ephemeral: true }, keep_alive: true },
      { method: "app.pane.list", params: { limit: 3, app_session_token: "token" } },
    ]);
  });

  test("a given session is used, from the environment or a file, never from the command line", async () => {
    using world = createWorld({ AGENTTOWER_APP_SESSION: "mine" });
    await world.serve(daemon);
    await world.run(["app", "call", "app.dashboard"]);
    await Bun.write(`${world.home}/token`, "filed\n");
    await world.run(["app", "call", "app.dashboard", "--session", `@${world.home}/token`]);
    await world.run(["app", "call", "app.dashboard", '{"app_session_token":"own"}']);
    expect(sent(world).map(({ params }) => params.app_session_token)).toEqual(["mine", "filed", "own"]);
    const bare = await world.run(["app", "call", "app.dashboard", "--session", "mine"]);
    expect([bare.exit, bare.stdout]).toEqual([2, ""]);
    expect(bare.stderr).not.toContain("mine");
  });

  test("params from standard input and from a file", async () => {
    using world = createWorld();
    await world.serve(daemon);
    await Bun.write(`${world.home}/params.json`, '{"active_only":true}');
    await world.run(["app", "call", "list_panes", "-"], { input: '{"container":"x"}' });
    await world.run(["app", "call", "list_panes", `@${world.home}/params.json`]);
    expect(sent(world).map(({ params }) => params)).toEqual([{ container: "x" }, { active_only: true }]);
  });

  test.each(["[1]", "null", "5", "{", "@/nowhere", ""])(
    "PARAMS %p is refused before anything is sent",
    async (params) => {
      using world = createWorld();
      await world.serve(daemon);
      const { exit, stdout, stderr } = await world.run(["app", "call", "ping", params]);
      expect([exit, stdout]).toEqual([2, ""]);
      expect(stderr).toMatch(/^usage: agenttower app call [^\n]+\nerror: PARAMS [^\n]+\n$/);
      expect(world.requests).toEqual([]);
    },
  );

  test("a refusal is exit 1, of hello too", async () => {
    using world = createWorld();
    await world.serve(() => refusal("host_only"));
    expect(await world.run(["app", "call", "app.dashboard"])).toEqual({
      exit: 1,
      stdout: `${refusal("host_only")}\n`,
      stderr: "",
    });
    expect(world.requests).toHaveLength(1);
  });

  test.each([
    ["app.dashboard", false],
    ["app.preflight", true],
    ["ping", false],
    ["app.of_the_future", false],
  ])("nobody answers %s: the envelope is made here, exit 3", async (method, fine) => {
    using world = createWorld();
    await world.serve(() => null);
    const { exit, stdout, stderr } = await world.run(["app", "call", method, "--pretty"]);
    expect([exit, stderr, JSON.parse(stdout).ok]).toEqual([3, "", fine]);
    expect(stdout).toContain('\n  "ok"');
  });
});
