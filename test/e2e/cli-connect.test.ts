/** `app connect` (00 §2): the bridge for panels in any language. */
import { expect, test } from "bun:test";
import { createServer } from "node:net";
import { join } from "node:path";
import { check } from "../contract/responses.ts";
import { createTower, type Envelope, type Tower } from "./tower.ts";

const QUIET = "[containers]\nscan_interval_seconds = 0\n";

async function quietTower(): Promise<Tower> {
  const tower = await createTower({ config: QUIET });
  await tower.start();
  return tower;
}

/** A running bridge: lines in, answers out. */
function bridge(tower: Tower, env: Record<string, string> = {}) {
  const child = Bun.spawn([join(tower.bin, "agenttower"), "app", "connect"], {
    env: { ...tower.env, ...env },
    cwd: tower.dir,
    stdin: "pipe",
    stdout: "pipe",
    stderr: "pipe",
  });
  let text = "";
  const drained = (async () => {
    const decoder = new TextDecoder();
    for await (const chunk of child.stdout) text += decoder.decode(chunk, { stream: true });
  })();
  const stderr = new Response(child.stderr).text();
  const lines = () => text.split("\n").slice(0, -1);
  return {
    send(bytes: string | Uint8Array): void {
      child.stdin.write(bytes);
      child.stdin.flush();
    },
    end: () => void child.stdin.end(),
    raw: lines,
    answers: (): Envelope[] => lines().map((line) => JSON.parse(line)),
    /** Waits until so many answers are out. */
    got: (count: number) =>
      tower.until(() => (lines().length >= count ? lines().map((line) => JSON.parse(line)) : null)),
    /** @returns exit code and stderr once it has ended */
    async ended(): Promise<[number, string]> {
      const code = await child.exited;
      await drained;
      return [code, await stderr];
    },
    [Symbol.dispose]: () => child.kill("SIGKILL"),
  };
}

const line = (method: string, params: object = {}, more: object = {}): string =>
  `${JSON.stringify({ method, params, ...more })}\n`;

test("answers in order, ids echoed, one connection; input ends, exit 0", async () => {
  await using tower = await quietTower();
  using panel = bridge(tower);
  panel.send(line("app.hello", { client_id: "panel" }, { id: "h" }));
  const [hello] = await panel.got(1);
  check("app.hello", hello);
  expect(hello.id).toBe("h");
  const app_session_token = hello.result.app_session_token;
  const wanted: (number | string)[] = [];
  let burst = "";
  for (let id = 0; id < 200; id++) {
    wanted.push(id % 2 === 0 ? id : `é-${id}`);
    const method = ["ping", "app.dashboard", "app.preflight", "status"][id % 4] ?? "";
    burst += line(method, method === "app.dashboard" ? { app_session_token } : {}, { id: wanted.at(-1) });
  }
  panel.send(burst);
  const answers = (await panel.got(201)).slice(1);
  expect(answers.map((answer: Envelope) => answer.id)).toEqual(wanted);
  for (const answer of answers) expect(answer.ok).toBe(true);
  panel.end();
  expect(await panel.ended()).toEqual([0, ""]);
  expect(panel.raw()).toHaveLength(201);
});

test("every answer is out when input ends at once, also of a line without its end", async () => {
  await using tower = await quietTower();
  const input = `${line("ping", {}, { id: 1 })}${line("scan_containers", {}, { id: 2 })}${line("ping", {}, { id: 3 }).trimEnd()}`;
  const { code, stdout, stderr } = await tower.run(["app", "connect"], { input });
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const answers = stdout
    .trimEnd()
    .split("\n")
    .map((text) => JSON.parse(text));
  expect(answers.map((answer) => answer.id)).toEqual([1, 2, 3]);
  expect(answers[1].error.code).toBe("docker_unavailable");
  expect(await tower.run(["app", "connect"], { input: "" })).toEqual({ code: 0, stdout: "", stderr: "" });
});

test("keep_alive is added and nothing else: every other byte of a line arrives as it was, and of an answer as well", async () => {
  await using tower = await quietTower();
  const path = join(tower.dir, "spy.sock");
  const heard: string[] = [];
  const reply = '{"ok":true ,"result":{"x":"zoë \\u00e9","n":1.0e3} }';
  const server = createServer((socket) => {
    let rest = "";
    // The bridge goes away when it is done.
    socket.on("error", () => socket.destroy());
    socket.on("data", (chunk) => {
      rest += chunk.toString("latin1");
      for (let at = rest.indexOf("\n"); at >= 0; at = rest.indexOf("\n")) {
        heard.push(Buffer.from(rest.slice(0, at), "latin1").toString("utf8"));
        rest = rest.slice(at + 1);
        socket.write(`${reply}\n`);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  try {
    const sent = [
      '{"method":"ping"}',
      ' { "params" : { "text":"zoë 🗼 \\u0000" } , "method":"ping" } ',
      '{"method":"ping","id":1e2,"a":0.10,"keep_alive":false}',
      "{}",
    ];
    using panel = bridge(tower, { AGENTTOWER_SOCKET: path });
    for (const text of sent) panel.send(`${text}\n`);
    await panel.got(sent.length);
    panel.end();
    expect(await panel.ended()).toEqual([0, ""]);
    expect(panel.raw()).toEqual(sent.map(() => reply));
    expect(heard).toHaveLength(sent.length);
    for (const [index, text] of sent.entries()) {
      const arrived = heard[index] ?? "";
      expect(JSON.parse(arrived)).toEqual({ ...JSON.parse(text), keep_alive: true });
      // Cut out what was added: what is left is what was sent.
      expect(arrived.replace(/,?\s*"keep_alive"\s*:\s*true\s*,?/, "").replace(/\s+$/, "")).toBe(
        text.replace(/\s+$/, ""),
      );
    }
  } finally {
    server.close();
  }
});

test("refused lines are answered in their place, and the next line is served", async () => {
  await using tower = await quietTower();
  using panel = bridge(tower);
  const bad: [input: string | Uint8Array, code: string][] = [
    ["hello\n", "bad_json"],
    ["\n", "malformed_request"],
    ['{"method":"ping"}\r\n', "malformed_request"],
    ['{"method":"app.hello"} {}\n', "malformed_request"],
    ['{"method":"ping","x":"\0"}\n', "malformed_request"],
    [Buffer.concat([Buffer.from('{"method":"ping","x":"'), Buffer.from([0xff]), Buffer.from('"}\n')]), "bad_json"],
    ["[]\n", "bad_request"],
    ['{"method":"nope"}\n', "unknown_method"],
    [`{"method":"ping","x":"${"a".repeat(70_000)}"}\n`, "request_too_large"],
    [`{"method":"app.preflight","x":"${"a".repeat(1_100_000)}"}\n`, "payload_too_large"],
  ];
  for (const [index, [input, code]] of bad.entries()) {
    panel.send(input);
    panel.send(line("ping", {}, { id: code }));
    const answers = (await panel.got(2 * (index + 1))).slice(-2);
    expect([code, answers[0].error?.code, answers[1]]).toEqual([code, code, { ok: true, id: code, result: {} }]);
  }
  panel.end();
  expect(await panel.ended()).toEqual([0, ""]);
});

test("no daemon: every line still waiting gets the envelope of the client, exit 3", async () => {
  await using tower = await createTower();
  const input = `${line("app.preflight", {}, { id: 1 })}${line("app.dashboard", {}, { id: "two" })}${line("ping", {}, { id: 3 })}`;
  const { code, stdout, stderr } = await tower.run(["app", "connect"], { input });
  expect({ code, stderr }).toEqual({ code: 3, stderr: "" });
  const [preflight, dashboard, ping, ...more] = stdout
    .trimEnd()
    .split("\n")
    .map((text) => JSON.parse(text));
  expect(more).toEqual([]);
  expect(preflight).toEqual({
    ok: true,
    app_contract_version: "1.0",
    result: { socket_reachable: false, daemon_reachable: false, code: "socket_missing" },
    id: 1,
  });
  expect(dashboard).toEqual({
    ok: false,
    app_contract_version: "1.0",
    error: { code: "socket_missing", message: expect.any(String), details: {} },
    id: "two",
  });
  expect(ping).toEqual({ ok: false, error: { code: "daemon_unavailable", message: expect.any(String) }, id: 3 });
});

test("a daemon that dies under it: the line that waited and those behind it are answered, exit 3", async () => {
  await using tower = await quietTower();
  const pid = tower.daemonPid() ?? 0;
  using panel = bridge(tower);
  panel.send(line("ping", {}, { id: 0 }));
  await panel.got(1);
  process.kill(pid, "SIGSTOP");
  panel.send(line("app.preflight", {}, { id: 1 }) + line("app.dashboard", {}, { id: 2 }));
  process.kill(pid, "SIGKILL");
  await tower.until(() => tower.daemonPid() === null, "end of the daemon");
  const answers = await panel.got(3);
  expect(answers.map((answer: Envelope) => answer.id)).toEqual([0, 1, 2]);
  expect(answers[1]).toMatchObject({ ok: true, result: { daemon_reachable: false, code: "daemon_unavailable" } });
  expect(answers[2]).toMatchObject({ ok: false, error: { code: "daemon_unavailable", details: {} } });
  expect((await panel.ended())[0]).toBe(3);
});

test("a daemon that restarts between two lines is found again", async () => {
  await using tower = await quietTower();
  using panel = bridge(tower);
  panel.send(line("status", {}, { id: 1 }));
  const [before] = await panel.got(1);
  await tower.json(["daemon", "restart"]);
  panel.send(line("status", {}, { id: 2 }));
  const [, after] = await panel.got(2);
  expect(after).toMatchObject({ ok: true, id: 2 });
  expect(after.result.pid).not.toBe(before.result.pid);
  panel.end();
  expect(await panel.ended()).toEqual([0, ""]);
});
