/** `app call`, `app methods` and `app schema` (00 §2), as scripts and panels use them. */
import { describe, expect, test } from "bun:test";
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { methods } from "../../src/contract/methods.ts";
import { check, compileAlone } from "../contract/responses.ts";
import { standIn } from "./cli-stand-in.ts";
import { createTower, type Envelope, type Outcome, type RunOptions, type Tower } from "./tower.ts";

const QUIET = "[containers]\nscan_interval_seconds = 0\n";

async function quietTower(): Promise<Tower> {
  const tower = await createTower({ config: QUIET });
  await tower.start();
  return tower;
}

/** `app call …`; its answer is one JSON line and nothing is on stderr. */
async function appCall(tower: Tower, words: string[], exit: number, more: RunOptions = {}): Promise<Envelope> {
  const { code, stdout, stderr } = await tower.run(["app", "call", ...words], more);
  expect({ words, code, stderr }).toEqual({ words, code: exit, stderr: "" });
  expect(stdout).toMatch(/^[^\n]+\n$/);
  return JSON.parse(stdout);
}

describe("app call", () => {
  test("opens a session of its own where one is needed, which counts for nobody", async () => {
    await using tower = await quietTower();
    for (let i = 0; i < 12; i++) {
      const answer = await appCall(tower, ["app.dashboard"], 0);
      check("app.dashboard", answer);
    }
    // None of them is left over: all eight places are free.
    for (let i = 1; i <= 8; i++) expect((await tower.call("app.hello")).ok).toBe(true);
    check("app.hello", await appCall(tower, ["app.preflight"], 0).then(() => tower.call("app.hello")));
  });

  test("any method: app, legacy, unknown; exit 0 for ok, 1 for a refusal", async () => {
    await using tower = await quietTower();
    expect(await appCall(tower, ["ping"], 0)).toEqual({ ok: true, result: {} });
    expect((await appCall(tower, ["status"], 0)).result.pid).toBe(tower.daemonPid());
    check("app.pane.list", await appCall(tower, ["app.pane.list", '{"limit": 10}'], 0));
    expect((await appCall(tower, ["app.pane.list", '{"limit": 0}'], 1)).error).toMatchObject({
      code: "validation_failed",
      details: { field: "limit" },
    });
    expect((await appCall(tower, ["app.nope"], 1)).error.code).toBe("unknown_method");
    expect(await appCall(tower, ["nope"], 1)).toEqual({
      ok: false,
      error: { code: "unknown_method", message: "unknown method: nope" },
    });
    expect((await appCall(tower, ["list_panes", '{"container": 7}'], 1)).error.code).toBe("bad_request");
    expect((await appCall(tower, ["__proto__"], 1)).error.code).toBe("unknown_method");
  });

  test("params from a file and from standard input", async () => {
    await using tower = await quietTower();
    const file = join(tower.dir, "params.json");
    writeFileSync(file, '{\n  "limit": 0\n}\n');
    expect((await appCall(tower, ["app.pane.list", `@${file}`], 1)).error.details.field).toBe("limit");
    const input = '{"order_by": "nonsense"}';
    expect((await appCall(tower, ["app.pane.list", "-"], 1, { input })).error.details.field).toBe("order_by");
    expect((await appCall(tower, ["app.pane.list", "-"], 0, { input: "{}" })).ok).toBe(true);
    for (const [params, given] of [
      ["[]", undefined],
      ["null", undefined],
      ['"x"', undefined],
      ["7", undefined],
      ["{", undefined],
      ["", undefined],
      ["-", "[1]"],
      ["-", ""],
      [`@${tower.dir}/absent`, undefined],
      [`@${tower.dir}`, undefined],
    ] as const) {
      const options = given === undefined ? {} : { input: given };
      const outcome = await tower.run(["app", "call", "ping", params], options);
      expect({ params, code: outcome.code, stdout: outcome.stdout }).toEqual({ params, code: 2, stdout: "" });
      expect(outcome.stderr.split("\n").filter((line) => line.startsWith("error: "))).toHaveLength(1);
    }
  });

  test("--pretty is the same envelope, indented", async () => {
    await using tower = await quietTower();
    const plain = await appCall(tower, ["app.preflight"], 0);
    const { stdout, code } = await tower.run(["app", "call", "app.preflight", "--pretty"]);
    expect(code).toBe(0);
    expect(stdout).toBe(`${JSON.stringify(plain, null, 2)}\n`);
  });

  test("a session is reused from the environment or a file, never from the command line", async () => {
    await using tower = await quietTower();
    const hello = await appCall(tower, ["app.hello", '{"client_id":"script"}'], 0);
    const token = hello.result.app_session_token;
    const file = join(tower.dir, "token");
    writeFileSync(file, `${token}\n`, { mode: 0o600 });
    const asked: Envelope[] = [];
    using spy = await standIn(tower, (method, real) => {
      asked.push([method, real.ok]);
      return real;
    });
    const env = { ...spy.env, AGENTTOWER_APP_SESSION: token };
    expect((await appCall(tower, ["app.dashboard"], 0, { env })).ok).toBe(true);
    expect((await appCall(tower, ["app.dashboard", "--session", `@${file}`], 0, { env: spy.env })).ok).toBe(true);
    // The option wins over the environment.
    const stale = { ...spy.env, AGENTTOWER_APP_SESSION: "stale" };
    expect((await appCall(tower, ["app.dashboard", `--session=@${file}`], 0, { env: stale })).ok).toBe(true);
    expect((await appCall(tower, ["app.dashboard"], 1, { env: stale })).error.code).toBe("app_session_expired");
    // No hello of its own in any of them.
    expect(asked).toEqual([
      ["app.dashboard", true],
      ["app.dashboard", true],
      ["app.dashboard", true],
      ["app.dashboard", false],
    ]);
    expect((await tower.run(["app", "call", "app.dashboard", "--session", token])).code).toBe(2);
    expect((await tower.run(["app", "call", "app.dashboard", "--session", "@/absent"])).code).toBe(2);
  });

  test("hostile text in an answer reaches no terminal raw", async () => {
    await using tower = await createTower();
    using odd = await standIn(tower, () => '{"ok":true,"result":{"title":"a\u009b31mb\u202ec\u007fd"}}\n');
    const { code, stdout } = await tower.run(["app", "call", "ping"], { env: odd.env });
    expect(code).toBe(0);
    expect(stdout).not.toMatch(/[\u007f-\u009f\u202e]/);
    expect(JSON.parse(stdout).result.title).toBe("a\u009b31mb\u202ec\u007fd");
  });
});

describe("app call without a daemon: the envelope of the client, exit 3", () => {
  const preflight = (code: string, socket_reachable: boolean) => ({
    ok: true,
    app_contract_version: "1.0",
    result: { socket_reachable, daemon_reachable: false, code },
  });
  async function expectLocal(tower: Tower, code: string, reachable: boolean, more: RunOptions = {}): Promise<void> {
    expect(await appCall(tower, ["app.preflight"], 3, more)).toEqual(preflight(code, reachable));
    for (const method of ["app.hello", "app.dashboard", "app.nope"]) {
      const answer = await appCall(tower, [method], 3, more);
      expect(answer).toEqual({
        ok: false,
        app_contract_version: "1.0",
        error: { code, message: expect.stringMatching(/^[^\n]{1,512}$/), details: {} },
      });
      expect(answer.error.message).not.toContain("/");
    }
    expect(await appCall(tower, ["ping"], 3, more)).toEqual({
      ok: false,
      error: { code: "daemon_unavailable", message: expect.any(String) },
    });
  }

  test("no socket", async () => {
    await using tower = await createTower();
    await expectLocal(tower, "socket_missing", false);
    const pretty = await tower.run(["app", "call", "app.preflight", "--pretty"]);
    expect(pretty.code).toBe(3);
    expect(JSON.parse(pretty.stdout)).toEqual(preflight("socket_missing", false));
  });

  test("nobody behind the socket; one that closes; one that speaks another tongue", async () => {
    await using tower = await createTower();
    const pid = await tower.start();
    process.kill(pid, "SIGKILL");
    await tower.until(() => tower.daemonPid() === null, "end of the daemon");
    await expectLocal(tower, "daemon_unavailable", true);
    using closing = await standIn(tower, () => "");
    await expectLocal(tower, "daemon_unavailable", true, { env: closing.env });
    using foreign = await standIn(tower, () => "HTTP/1.1 400 Bad Request\r\n\r\n");
    await expectLocal(tower, "daemon_unavailable", true, { env: foreign.env });
  });

  test.if(process.getuid?.() === 0)("a socket that may not be used", async () => {
    await using tower = await quietTower();
    const open = (path: string) => chmodSync(path, 0o711);
    for (let dir = tower.stateDir; dir.startsWith(tower.dir); dir = join(dir, "..")) open(dir);
    const child = Bun.spawn(
      ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", tower.program, "app", "call", "app.preflight"],
      { env: { ...tower.env, AGENTTOWER_SOCKET: tower.socket }, stdout: "pipe", stderr: "pipe" },
    );
    expect(JSON.parse(await new Response(child.stdout).text())).toEqual(preflight("socket_permission_denied", false));
    expect(await child.exited).toBe(3);
  });

  test("--start brings one up first, and finds the one that runs", async () => {
    await using tower = await createTower();
    const answer = await appCall(tower, ["app.preflight", "--start"], 0);
    expect(answer.result).toEqual({ socket_reachable: true, daemon_reachable: true, code: "ok" });
    const pid = tower.daemonPid();
    expect((await appCall(tower, ["status", "--start"], 0)).result.pid).toBe(pid);
    // Where it cannot: the reason on stderr, the envelope on stdout.
    await tower.stop();
    chmodSync(tower.stateDir, 0o755);
    const refused = await tower.run(["app", "call", "app.dashboard", "--start"]);
    expect(refused.code).toBe(3);
    expect(refused.stderr).toStartWith("error: ");
    expect(JSON.parse(refused.stdout).ok).toBe(false);
  });
});

describe("the contract from the executable", () => {
  const output = (outcome: Outcome): string => {
    expect({ code: outcome.code, stderr: outcome.stderr }).toEqual({ code: 0, stderr: "" });
    return outcome.stdout;
  };

  test("app methods: every method, as a table and as JSON, without a daemon", async () => {
    await using tower = await createTower();
    const rows = output(await tower.run(["app", "methods"]))
      .trimEnd()
      .split("\n")
      .map((line) => line.split("\t"));
    expect(rows.slice(1).map(([name]) => name)).toEqual(Object.keys(methods));
    for (const row of rows) expect(row).toHaveLength(rows[0]?.length ?? 0);
    const { methods: listed } = JSON.parse(output(await tower.run(["app", "methods", "--json"])));
    expect(listed.map((row: Envelope) => row.name)).toEqual(Object.keys(methods));
  });

  test("app schema is what specs/generated holds; one method's stands alone", async () => {
    await using tower = await createTower();
    const whole = JSON.parse(output(await tower.run(["app", "schema"])));
    const generated = new URL("../../specs/generated/contract.schema.json", import.meta.url).pathname;
    expect(whole).toEqual(JSON.parse(readFileSync(generated, "utf8")));
    expect(whole.$schema).toBe("https://json-schema.org/draft/2020-12/schema");
    for (const name of ["app.hello", "app.pane.list", "list_panes"]) {
      const schema = JSON.parse(output(await tower.run(["app", "schema", name])));
      expect(Object.keys(schema.properties).sort()).toEqual(["error", "params", "result"]);
      compileAlone(schema);
    }
    const unknown = await tower.run(["app", "schema", "app.pane.lists"]);
    expect(unknown.code).toBe(2);
    expect(unknown.stderr).toContain("did you mean app.pane.list?");
  });
});
