import { describe, expect, test } from "bun:test";
import { refuse } from "../../src/contract/faults.ts";
import { RESPONSE_BYTES } from "../../src/contract/limits.ts";
import { appMethods, legacyMethods } from "../../src/contract/methods.ts";
import { newDoor, newLink } from "./door.ts";

type Door = ReturnType<typeof newDoor>;

async function ask(door: Door, request: unknown, link = newLink(), kept = false) {
  const text = typeof request === "string" ? request : JSON.stringify(request);
  const { line, after } = await door.dispatch.answer({ kind: "line", bytes: Buffer.from(text) }, link, kept);
  expect(line.endsWith("\n")).toBe(true);
  expect(line.slice(0, -1)).not.toContain("\n");
  return { ...JSON.parse(line), after };
}
const hello = async (door: Door) => (await ask(door, { method: "app.hello" })).result.app_session_token as string;
const code = async (...args: Parameters<typeof ask>) => (await ask(...args)).error?.code ?? "ok";

const CONTAINER = newLink({ host: false });
const FOREIGN = newLink({ uid: 4242, host: false });

describe("gates in order", () => {
  test("a foreign uid hears nothing but the refusal, whatever it sends", async () => {
    const door = newDoor();
    for (const line of ['{"method":"ping"}', "garbage", "", '{"method":"nope"}', "{} x"]) {
      const { error, after } = await ask(door, line, FOREIGN);
      expect(error).toEqual({ code: "internal_error", message: "request refused: peer credential check failed" });
      expect(after).toBe("linger");
    }
    for (const line of [
      '{"method":"app.hello"}',
      '{"method":"app.nope","params":[]}',
      '{"method":"app.x"',
      '{"method":"app.x"}\r',
    ]) {
      const { error } = await ask(door, line, FOREIGN);
      expect(error).toMatchObject({ code: "permission_denied", details: {} });
    }
    expect(door.log).toHaveLength(9);
    expect(door.log[0]).toEqual({
      event: "socket_peer_uid_mismatch",
      observed_uid: 4242,
      expected_uid: process.geteuid?.() ?? -1,
    });
  });

  test("a container peer gets host_only from every app name, before anything is looked at", async () => {
    const door = newDoor();
    for (const name of [...Object.keys(appMethods), "app.nope", "app."]) {
      for (const params of [undefined, null, [], {}])
        expect(await code(door, { method: name, params }, CONTAINER)).toBe("host_only");
    }
    expect(await code(door, { method: "ping" }, CONTAINER)).toBe("ok");
    door.stopping.abort();
    expect(await code(door, { method: "app.preflight" }, CONTAINER)).toBe("host_only");
  });

  test("unknown, session, shutdown, params, each before the next", async () => {
    const door = newDoor({ app: { "app.scan.status": () => refuse("scan_not_found", { scan_id: "s" }, "gone") } });
    const token = await hello(door);
    const call = (params: unknown) => code(door, { method: "app.scan.status", params });
    expect(await code(door, { method: "app.nope", params: [] })).toBe("unknown_method");
    expect(await code(door, { method: "app.__proto__" })).toBe("unknown_method");
    for (const params of [undefined, null, [], {}, { app_session_token: "" }, { app_session_token: 5 }]) {
      expect(await call(params)).toBe("app_session_required");
    }
    expect(await call({ app_session_token: "nope", scan_id: 5 })).toBe("app_session_expired");
    expect(await call({ app_session_token: token, scan_id: 5 })).toBe("validation_failed");
    expect(await call({ app_session_token: token, scan_id: "s" })).toBe("scan_not_found");

    door.stopping.abort();
    expect(await call({ app_session_token: "nope" })).toBe("app_session_expired");
    expect(await call({ app_session_token: token, scan_id: 5 })).toBe("internal_error");
    expect((await ask(door, { method: "app.hello" })).error.details).toEqual({ reason: "shutting_down" });
    expect((await ask(door, { method: "app.preflight", params: [] })).result.code).toBe("daemon_unavailable");
    expect(await code(door, { method: "nope" })).toBe("unknown_method");
    for (const name of Object.keys(legacyMethods))
      expect(await code(door, { method: name })).toBe("daemon_shutting_down");
  });

  test("names of Object.prototype are no methods", async () => {
    const door = newDoor();
    for (const name of ["__proto__", "constructor", "toString", "hasOwnProperty"]) {
      expect((await ask(door, { method: name })).error).toEqual({
        code: "unknown_method",
        message: `unknown method: ${name}`,
      });
    }
  });

  test("an unknown name is quoted clean and bounded", async () => {
    const door = newDoor();
    const legacy = await ask(door, { method: `\x1b[31m\n${"é".repeat(5000)}` });
    expect(legacy.error.message).toStartWith("unknown method: [31m ééé");
    expect([...legacy.error.message].length).toBe(2048);
    const app = await ask(door, { method: `app.${"x".repeat(5000)}` });
    expect(app.error.message).toBe(`unknown method: app.${"x".repeat(60)}`);
  });
});

describe("params", () => {
  const door = () => {
    const seen: unknown[] = [];
    const opened = newDoor({
      app: {
        "app.container.list": (_ctx, params) => {
          seen.push(params);
          return { rows: [], total: 0, total_estimate: null, cursor_next: null, ordering: "name:asc" };
        },
      },
      legacy: {
        list_panes: (_ctx, params) => {
          seen.push(params);
          return { filter: "all", container_filter: null, panes: [] };
        },
      },
    });
    return { ...opened, seen };
  };
  const failure = (response: {
    error?: { code: string; details: Record<string, unknown> };
  }): Record<string, unknown> => ({
    code: response.error?.code,
    ...response.error?.details,
  });

  test("null is absent, but not for limit; unknown keys are dropped", async () => {
    const d = door();
    const token = await hello(d);
    const list = (params: object) =>
      ask(d, { method: "app.container.list", params: { app_session_token: token, ...params } });
    await list({ order_by: null, cursor_next: null, newer: 1, constructor: 2 });
    expect(d.seen).toEqual([{ limit: 50 }]);
    expect(failure(await list({ limit: null }))).toEqual({
      code: "validation_failed",
      field: "limit",
      reason: "must be an integer",
    });
    expect(failure(await list({ limit: 0 }))).toEqual({
      code: "validation_failed",
      field: "limit",
      reason: "out of bounds [1,200]",
    });
  });

  test("the first offender is the first in the request", async () => {
    const d = door();
    const token = await hello(d);
    const list = (params: string) =>
      ask(d, `{"method":"app.container.list","params":{"app_session_token":"${token}",${params}}}`);
    expect(failure(await list('"order_by":"x","limit":0'))).toMatchObject({ field: "order_by" });
    expect(failure(await list('"limit":0,"order_by":"x"'))).toMatchObject({ field: "limit" });
    expect(failure(await list('"__proto__":{"limit":1},"limit":"1"'))).toMatchObject({ field: "limit" });
    expect(d.seen).toEqual([]);
  });

  test("what is missing comes after what is wrong", async () => {
    const d = door();
    const token = await hello(d);
    const status = (params: object) =>
      ask(d, { method: "app.scan.status", params: { app_session_token: token, ...params } });
    expect(failure(await status({}))).toEqual({ code: "validation_failed", field: "scan_id", reason: "is required" });
  });

  test("params that are no object", async () => {
    const d = door();
    for (const params of [[], "x", 1, true]) {
      expect(failure(await ask(d, { method: "app.hello", params }))).toMatchObject({
        code: "validation_failed",
        field: "params",
      });
      expect(await code(d, { method: "app.preflight", params })).toBe("ok");
      expect(await code(d, { method: "ping", params })).toBe("bad_request");
    }
  });

  test("legacy: null is a value, and the message names the field", async () => {
    const d = door();
    expect(await code(d, { method: "list_panes", params: { container: null } })).toBe("ok");
    const { error } = await ask(d, { method: "list_panes", params: { active_only: null, container: 5 } });
    expect(error).toEqual({ code: "bad_request", message: "active_only: must be a boolean" });
  });

  test("no answer quotes a value, of any wrong type, for any method", async () => {
    const d = newDoor();
    const token = await hello(d);
    const secret = "S3CRET-VALUE";
    for (const [name, method] of Object.entries({ ...appMethods, ...legacyMethods })) {
      for (const key of Object.keys("params" in method ? method.params.entries : {})) {
        for (const value of [secret, [secret], { x: secret }, { state: secret }]) {
          const answer = await ask(d, { method: name, params: { app_session_token: token, [key]: value } });
          expect(JSON.stringify(answer)).not.toContain(secret);
        }
      }
    }
    for (const params of [secret, [secret]]) {
      expect(JSON.stringify(await ask(d, { method: "app.hello", params }))).not.toContain(secret);
    }
    expect(
      JSON.stringify(await ask(d, { method: "app.readiness", params: { app_session_token: secret } })),
    ).not.toContain(secret);
  });
});

describe("what a handler does", () => {
  const boom = new Error("secret path /home/x: SQL exploded");

  test.each([
    [
      "throws",
      () => {
        throw boom;
      },
    ],
    ["rejects", () => Promise.reject(boom)],
  ])("%s: a constant answer, the story in the log", async (_what, ping) => {
    const door = newDoor({ legacy: { ping } });
    const { error } = await ask(door, { method: "ping" });
    expect(error.code).toBe("internal_error");
    expect(error.message).not.toContain("secret");
    expect(door.log).toEqual([
      {
        event: "handler_failed",
        method: "ping",
        error: "Error",
        error_message: expect.stringContaining("SQL exploded"),
      },
    ]);
  });

  test("throws something that is no error", async () => {
    const door = newDoor({
      legacy: {
        ping: () => {
          throw "text";
        },
      },
    });
    expect(await code(door, { method: "ping" })).toBe("internal_error");
    expect(door.log[0]).toMatchObject({ error: "thrown", error_message: "text" });
  });

  test("refuses with a code that its surface does not have: a bug", async () => {
    const door = newDoor({ app: { "app.preflight": () => refuse("body_empty", {}, "legacy only") } });
    expect(await code(door, { method: "app.preflight" })).toBe("internal_error");
    expect(door.log[0]).toMatchObject({
      method: "app.preflight",
      error_message: expect.stringContaining("body_empty"),
    });
  });

  test("refuses with details that miss a required key: a bug", async () => {
    const door = newDoor({ app: { "app.preflight": () => refuse("scan_not_found", {} as { scan_id: string }, "x") } });
    expect(await code(door, { method: "app.preflight" })).toBe("internal_error");
  });

  test("a façade refusal on the legacy envelope is bad_request", async () => {
    const door = newDoor({ legacy: { ping: () => refuse("docker_timeout", {}, "Engine\ttook \x1b too long") } });
    expect((await ask(door, { method: "ping" })).error).toEqual({
      code: "docker_timeout",
      message: "Engine took  too long",
    });
  });

  test("a result off its schema is a bug, told without values", async () => {
    const door = newDoor({ app: { "app.preflight": () => ({ socket_reachable: "S3CRET", code: "ok" }) as never } });
    expect(await code(door, { method: "app.preflight" })).toBe("internal_error");
    expect(door.log[0]?.["error_message"]).toContain("socket_reachable");
    expect(JSON.stringify(door.log)).not.toContain("S3CRET");
  });

  test("what the contract does not declare does not go out", async () => {
    const result = { socket_reachable: true, daemon_reachable: true, code: "ok" as const, extra: 1 };
    const door = newDoor({ app: { "app.preflight": () => result } });
    expect((await ask(door, { method: "app.preflight" })).result).toEqual({
      socket_reachable: true,
      daemon_reachable: true,
      code: "ok",
    });
  });

  test("a response of exactly 8 MiB goes out, one byte more is internal_error", async () => {
    let size = 0;
    const door = newDoor({
      app: {
        "app.container.list": () => ({
          rows: [],
          total: 0,
          total_estimate: null,
          cursor_next: "x".repeat(size),
          ordering: "",
        }),
      },
    });
    const request = { method: "app.container.list", params: { app_session_token: await hello(door) } };
    const bare = JSON.stringify({
      ok: true,
      app_contract_version: "1.0",
      result: { rows: [], total: 0, total_estimate: null, cursor_next: "", ordering: "" },
    });
    size = RESPONSE_BYTES - bare.length - 1;
    const { line } = await door.dispatch.answer(
      { kind: "line", bytes: Buffer.from(JSON.stringify(request)) },
      newLink(),
      false,
    );
    expect(Buffer.byteLength(line)).toBe(RESPONSE_BYTES);
    size++;
    expect(await code(door, request)).toBe("internal_error");
    expect(door.log[0]?.["error_message"]).toContain("8 MiB");
  });

  test("a log that cannot be written does not cost the answer", async () => {
    const door = newDoor();
    door.log.push = () => {
      throw new Error("disk full");
    };
    expect(await code(door, { method: "status" })).toBe("internal_error");
    expect(await code(door, { method: "ping" }, FOREIGN)).toBe("internal_error");
  });
});

describe("connection and envelope", () => {
  test("ids come back on results and refusals alike", async () => {
    const door = newDoor();
    expect(await ask(door, { method: "ping", id: "é\n" })).toEqual({ ok: true, result: {}, id: "é\n", after: "close" });
    expect(await ask(door, { method: "app.nope", id: 7 })).toMatchObject({
      ok: false,
      app_contract_version: "1.0",
      id: 7,
    });
    expect(await ask(door, '{"method":"","id":8}')).toMatchObject({ ok: false, id: 8 });
    expect(await ask(door, { method: "ping", id: 1.5 })).toEqual({ ok: true, result: {}, after: "close" });
  });

  test("keep_alive keeps; JSON-level errors do not end a kept connection, broken framing does", async () => {
    const door = newDoor();
    const after = async (line: string, kept: boolean) => (await ask(door, line, newLink(), kept)).after;
    expect(await after('{"method":"ping","keep_alive":true}', false)).toBe("keep");
    expect(await after('{"method":"ping"}', true)).toBe("close");
    expect(await after('{"method":"nope","keep_alive":true}', true)).toBe("keep");
    for (const line of ["garbage", "", "\r", "[]", "{} x", '{"method":"app.x",}']) {
      expect(await after(line, true)).toBe("keep");
      expect(await after(line, false)).toBe("close");
    }
    expect(await after("\0", true)).toBe("linger");
  });
});
