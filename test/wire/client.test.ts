import { afterAll, describe, expect, test } from "bun:test";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type CallLimits, callOnce, connect, exchangeOnce, parseEnvelope, requestLine } from "../../src/wire/client.ts";
import { localEnvelope, TransportFault, type TransportKind } from "../../src/wire/transport.ts";
import { newServer } from "./door.ts";

const LIMITS: CallLimits = { connectMs: 1_000, totalMs: 5_000 };
const folder = mkdtempSync(join(tmpdir(), "client-"));
afterAll(() => rmSync(folder, { recursive: true }));

const faultOf = async (act: Promise<unknown>) => {
  const error = await act.then(
    () => "no fault",
    (reason: unknown) => reason,
  );
  if (!(error instanceof TransportFault)) throw new Error(`not a transport fault: ${String(error)}`);
  return error;
};

/** Something that is not our daemon: answers every first chunk with these bytes, then closes if asked. */
function impostor(answer: string | Uint8Array, close = true) {
  const path = join(folder, `${crypto.randomUUID()}.sock`);
  let unsent: Uint8Array = Buffer.from(answer);
  const send = (socket: { write(bytes: Uint8Array): number; end(): void }) => {
    const written = socket.write(unsent);
    unsent = written < 0 ? new Uint8Array(0) : unsent.subarray(written);
    if (unsent.length === 0 && close) socket.end();
  };
  const listener = Bun.listen({ unix: path, socket: { data: (socket) => send(socket), drain: send } });
  return { path, [Symbol.dispose]: () => listener.stop(true) };
}

describe("calls", () => {
  test("one-shot, typed by the method table", async () => {
    await using server = newServer();
    const hello = await callOnce(server.path, "app.hello", { client_id: "test" }, LIMITS);
    if (!hello.ok) throw new Error(hello.error.code);
    const id: number = hello.result.app_session_id;
    expect(id).toBe(1);
    const token = hello.result.app_session_token;
    expect(await callOnce(server.path, "app.readiness", {}, LIMITS, { session: token })).toMatchObject({
      error: { code: "internal_error", details: {} },
    });
    expect(await callOnce(server.path, "app.readiness", {}, LIMITS)).toMatchObject({
      error: { code: "app_session_required" },
    });
    expect(await callOnce(server.path, "ping", {}, LIMITS)).toEqual({ ok: true, result: {} });
  });

  test("many over one connection, each with its own answer", async () => {
    await using server = newServer();
    const connection = await connect(server.path, 1_000);
    const calls = Array.from({ length: 500 }, () => connection.call("app.hello", { ephemeral: true }, 5_000));
    const answers = await Promise.all(calls);
    const ids = answers.flatMap((answer) => (answer.ok ? [answer.result.app_session_id] : []));
    expect(ids).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(await connection.call("ping", {}, 5_000)).toEqual({ ok: true, result: {} });
    connection.close();
    connection.close();
    expect((await faultOf(connection.exchange("{}", 1_000))).kind).toBe("protocol_error");
  });

  test("raw lines go and come as they are", async () => {
    await using server = newServer();
    expect(await exchangeOnce(server.path, '{"method":"ping","id":"é"}', LIMITS)).toBe(
      '{"ok":true,"result":{},"id":"é"}',
    );
    expect(requestLine("ping", {}, { keepAlive: true, id: 1 })).toBe(
      '{"method":"ping","params":{},"keep_alive":true,"id":1}',
    );
  });

  test("a request of a megabyte is sent whole, its refusal is read", async () => {
    await using server = newServer();
    const pad = (size: number) => ({ pad: "x".repeat(size) });
    expect(await callOnce(server.path, "app.preflight", pad(1_000_000), LIMITS)).toMatchObject({ ok: true });
    const refused = await callOnce(server.path, "app.preflight", pad(2_500_000), LIMITS);
    expect(refused).toMatchObject({ ok: false, error: { code: "payload_too_large" } });
  });

  test("answers of almost 8 MiB are read", async () => {
    const cursor_next = "é".repeat(4_000_000);
    await using server = newServer({
      app: { "app.container.list": () => ({ rows: [], total: 0, total_estimate: null, cursor_next, ordering: "" }) },
    });
    const hello = await callOnce(server.path, "app.hello", {}, LIMITS);
    const session = hello.ok ? hello.result.app_session_token : "";
    const list = await callOnce(server.path, "app.container.list", {}, LIMITS, { session });
    expect(list.ok && list.result.cursor_next).toBe(cursor_next);
  });

  test("a path of any length, and a link to the socket", async () => {
    await using server = newServer();
    const deep = join(folder, "d".repeat(200));
    mkdirSync(deep);
    const link = join(deep, "link.sock");
    symlinkSync(server.path, link);
    expect(await callOnce(link, "ping", {}, LIMITS)).toEqual({ ok: true, result: {} });
  });
});

describe("what a newer daemon may say", () => {
  test("unknown codes, keys, hints and subsystems are handed on", async () => {
    const error = { code: "code_of_tomorrow", message: "m", details: { x: 1 }, more: 2 };
    using future = impostor(`${JSON.stringify({ ok: false, app_contract_version: "1.7", error, more: 3 })}\n`);
    expect(await callOnce(future.path, "app.readiness", {}, LIMITS)).toEqual({
      ok: false,
      error: { code: "code_of_tomorrow", message: "m", details: { x: 1 } },
    });
    const result = { state: "splendid", subsystems: [{ name: "new" }], hints: [{ code: "new_hint" }], more: 1 };
    using more = impostor(`${JSON.stringify({ ok: true, result })}\n`);
    expect(await callOnce(more.path, "app.readiness", {}, LIMITS)).toMatchObject({ ok: true, result });
  });
});

describe("transport failures", () => {
  const kindAt = async (path: string) => (await faultOf(callOnce(path, "ping", {}, LIMITS))).kind;

  test("by what is at the path", async () => {
    const file = join(folder, "file");
    writeFileSync(file, "");
    const orphan = join(folder, "orphan.sock");
    // Bun removes the file when it stops listening; a killed process leaves it.
    const script = `require("node:net").createServer().listen(process.argv[1], () => process.kill(process.pid, "SIGKILL"))`;
    await Bun.spawn([process.execPath, "-e", script, orphan]).exited;
    expect(await kindAt(join(folder, "nothing.sock"))).toBe("socket_missing");
    expect(await kindAt(join(folder, "no", "such", "folder.sock"))).toBe("socket_missing");
    expect(await kindAt(file)).toBe("socket_not_unix");
    expect(await kindAt(folder)).toBe("socket_not_unix");
    expect(await kindAt(orphan)).toBe("connection_refused");
  });

  test.if(process.geteuid?.() === 0)("without permission", async () => {
    await using server = newServer();
    chmodSync(server.folder, 0o711);
    const module = join(import.meta.dir, "../../src/wire/client.ts");
    const script = `const { connect } = await import(process.argv[2]);
      process.seteuid(65534);
      await connect(process.argv[1], 1000).then(() => console.log("connected"), (e) => console.log(e.kind));`;
    const child = Bun.spawn([process.execPath, "-e", script, server.path, module]);
    expect((await new Response(child.stdout).text()).trim()).toBe("permission_denied");
  });

  test.each<[string, string | Uint8Array]>([
    ["no answer", ""],
    ["a cut answer", '{"ok":true'],
    ["no JSON", "hello\n"],
    ["no UTF-8", new Uint8Array([0x22, 0xff, 0x22, 0x0a])],
    ["no envelope", "[]\n"],
    ["no ok", '{"result":{}}\n'],
    ["a result that is no object", '{"ok":true,"result":[]}\n'],
    ["an error that is no object", '{"ok":false,"error":"x"}\n'],
    ["more than 8 MiB", "x".repeat(9_000_000)],
  ])("%s is a protocol error", async (_what, answer) => {
    using daemon = impostor(answer);
    expect(await kindAt(daemon.path)).toBe("protocol_error");
  });

  test("one deadline for the whole call, also while bytes trickle in", async () => {
    using daemon = impostor("x", false);
    const begun = performance.now();
    const fault = await faultOf(callOnce(daemon.path, "ping", {}, { connectMs: 1_000, totalMs: 150 }));
    expect(fault.kind).toBe("connect_timeout");
    expect(performance.now() - begun).toBeLessThan(1_000);
  });

  test("an answer with another id is nobody's answer", async () => {
    using daemon = impostor('{"ok":true,"result":{},"id":99}\n', false);
    const connection = await connect(daemon.path, 1_000);
    expect((await faultOf(connection.call("ping", {}, 1_000))).kind).toBe("protocol_error");
  });

  test("the text names no errno", async () => {
    const fault = await faultOf(callOnce(join(folder, "nothing.sock"), "ping", {}, LIMITS));
    expect(fault.message).toBe("the socket does not exist");
  });

  test("an envelope is read leniently, but is one", () => {
    expect(parseEnvelope("/p", '{"ok":false,"error":{"code":"x"}}')).toMatchObject({
      error: { code: "x", message: "", details: {} },
    });
    expect(() => parseEnvelope("/p", "null")).toThrow(TransportFault);
  });
});

describe("what the client says when no daemon answers", () => {
  test.each<[TransportKind, boolean, string]>([
    ["socket_missing", false, "socket_missing"],
    ["socket_not_unix", false, "socket_missing"],
    ["permission_denied", false, "socket_permission_denied"],
    ["connection_refused", true, "daemon_unavailable"],
    ["connect_timeout", true, "daemon_unavailable"],
    ["protocol_error", true, "daemon_unavailable"],
  ])("%s", (kind, reachable, code) => {
    expect(localEnvelope("app.preflight", kind)).toEqual({
      ok: true,
      app_contract_version: "1.0",
      result: { socket_reachable: reachable, daemon_reachable: false, code },
    });
    expect(localEnvelope("app.hello", kind)).toMatchObject({
      ok: false,
      app_contract_version: "1.0",
      error: { code, details: {} },
    });
    expect(localEnvelope("ping", kind)).toEqual({
      ok: false,
      error: { code: "daemon_unavailable", message: expect.any(String) },
    });
  });
});
