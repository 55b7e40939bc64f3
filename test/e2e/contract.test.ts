/** The acceptance checks of 06 §10 that need no bench, on the compiled executable over real sockets. */
import { describe, expect, test } from "bun:test";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { APP_CODES, type AppCode } from "../../src/contract/codes.ts";
import { appMethods, methods } from "../../src/contract/methods.ts";
import { createTower, type Envelope, type Tower } from "./tower.ts";

const quiet = "[containers]\nscan_interval_seconds = 0\n";

/** Starts a tower whose background discovery is off, so that nothing but the test writes. */
async function quietTower(): Promise<Tower> {
  const tower = await createTower({ config: quiet });
  await tower.start();
  return tower;
}

/** An answer on the app envelope: registered code, exactly the details of that code. */
function expectAppRefusal(answer: Envelope, code?: AppCode): void {
  expect(answer).toMatchObject({ ok: false, app_contract_version: "1.0" });
  if (code) expect(answer.error.code).toBe(code);
  const details = APP_CODES[answer.error.code as AppCode];
  expect(details).toBeDefined();
  expect(v.safeParse(details, answer.error.details).success).toBe(true);
  expect(answer.error.message).toMatch(/^[^\n]{1,512}$/);
}

function filesUnder(dir: string): string[] {
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

test("check 1: preflight, hello, readiness, dashboard by raw socket, every documented key with its type", async () => {
  await using tower = await quietTower();
  const preflight = await tower.call("app.preflight", ["ignored"]);
  expect(preflight).toEqual({
    ok: true,
    app_contract_version: "1.0",
    result: { socket_reachable: true, daemon_reachable: true, code: "ok" },
  });
  const hello = await tower.call("app.hello", { client_id: "raw" });
  expect(hello.result).toMatchObject({
    app_session_id: 1,
    app_contract_version: "1.0",
    supported_minor_range: { min: "1.0", max: "1.0" },
    schema_version: 9,
    host_user_id: String(process.getuid?.()),
    capability_flags: {},
    state: "ok",
  });
  const token = hello.result.app_session_token;
  expect(token).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);

  const readiness = await tower.call("app.readiness", { app_session_token: token });
  expect(readiness.result.subsystems.map((row: Envelope) => row.name)).toEqual([
    "docker",
    "tmux_discovery",
    "sqlite",
    "jsonl",
    "routing_worker",
    "log_attachment_workers",
  ]);
  // No Engine on this tower: said as such, and everything else goes on.
  expect(readiness.result.state).toBe("degraded");
  expect(readiness.result.subsystems[0]).toMatchObject({ name: "docker", status: "unavailable" });
  expect(readiness.result.hints.map((hint: Envelope) => hint.code)).toContain("docker_unavailable_hint");

  const dashboard = await tower.call("app.dashboard", { app_session_token: token });
  expect(dashboard.result.counts).toEqual({
    containers: { active: 0, inactive: 0, degraded_scan: 0 },
    panes: { total: 0, registered: 0, unregistered: 0 },
    agents: { total: 0, by_role: { master: 0, slave: 0, swarm: 0, "test-runner": 0, shell: 0, unknown: 0 } },
    log_attachments: { active: 0, degraded: 0, none: 0 },
    events: { total: 0 },
    queue: { queued: 0, blocked: 0, delivered: 0, canceled: 0, failed: 0 },
    routes: { enabled: 0, disabled: 0 },
  });
  expect(dashboard.result.recent).toEqual({ events: [], queue: [], routes: [] });
});

describe("check 2: the seven framing reasons, and a valid request afterwards", () => {
  const lines: [reason: string, bytes: Buffer | string, keepsOpen: boolean][] = [
    ["stray CR", '{"method":"ping"}\r\n', true],
    ["embedded NUL", '{"method":"app.hello\0"}\n', false],
    ["empty line", "\n", true],
    ["trailing content", '{"method":"app.hello"} {}\n', true],
    ["json decode error", '{"method":"app.hello",}\n', true],
    [
      "invalid utf-8",
      Buffer.concat([Buffer.from('{"method":"app.hello","x":"'), Buffer.from([0xff]), Buffer.from('"}\n')]),
      true,
    ],
  ];
  for (const [reason, bytes] of lines) {
    test(reason, async () => {
      await using tower = await quietTower();
      const connection = await tower.connect();
      connection.send(bytes);
      const answer = JSON.parse(await connection.line());
      expectAppRefusal(answer, "malformed_request");
      expect(answer.error.details).toEqual({ reason });
      expect((await tower.call("ping")).ok).toBe(true);
    });
  }

  test("missing newline terminator", async () => {
    await using tower = await quietTower();
    const connection = await tower.connect();
    connection.send('{"method":"app.hello"}');
    connection.end();
    const answer = JSON.parse(await connection.line());
    expect(answer.error).toMatchObject({
      code: "malformed_request",
      details: { reason: "missing newline terminator" },
    });
    expect((await tower.call("ping")).ok).toBe(true);
  });

  test("a kept connection outlives JSON-level errors and ends after a NUL", async () => {
    await using tower = await quietTower();
    const connection = await tower.connect();
    await connection.call("ping");
    for (const [, bytes] of lines.filter(([, , keepsOpen]) => keepsOpen)) {
      connection.send(bytes);
      expect(JSON.parse(await connection.line()).error.code).toBe("malformed_request");
    }
    expect((await connection.call("ping")).ok).toBe(true);
    connection.send('{"method":"ping"\0}\n');
    expect(JSON.parse(await connection.line()).error.details.reason).toBe("embedded NUL");
    await connection.closed;
  });
});

describe("check 3: both caps, at exactly those byte counts", () => {
  const padded = (method: string, bytes: number): string => {
    const head = `{"method":"${method}","x":"`;
    return `${head}${"a".repeat(bytes - head.length - 3)}"}\n`;
  };
  const ask = async (tower: Tower, line: string): Promise<Envelope> => {
    const connection = await tower.connect();
    connection.send(line);
    return JSON.parse(await connection.line());
  };

  test("legacy 65,536 and app 1,048,576", async () => {
    await using tower = await quietTower();
    expect(padded("ping", 65_536)).toHaveLength(65_536);
    expect((await ask(tower, padded("ping", 65_536))).ok).toBe(true);
    const legacy = await ask(tower, padded("ping", 65_537));
    expect(legacy.error.code).toBe("request_too_large");
    expect("app_contract_version" in legacy).toBe(false);

    expect((await ask(tower, padded("app.preflight", 1_048_576))).ok).toBe(true);
    const app = await ask(tower, padded("app.preflight", 1_048_577));
    expectAppRefusal(app, "payload_too_large");
    expect(app.error.details.size_limit_bytes).toBe(1_048_576);
    expect(app.error.details.actual_size_bytes).toBeGreaterThan(1_048_576);

    expect((await ask(tower, `{${" ".repeat(70_000)}"method":"app.preflight"}\n`)).error.code).toBe(
      "request_too_large",
    );
    expect((await tower.call("ping")).ok).toBe(true);
  });
});

test("check 4: dribbled bytes, a cut inside a character, two lines in one write", async () => {
  await using tower = await quietTower();
  const connection = await tower.connect();
  const line = Buffer.from('{"method":"app.hello","params":{"client_id":"zoë 🗼"},"keep_alive":true,"id":"é1"}\n');
  for (const byte of line) connection.send(Buffer.from([byte]));
  const answer = JSON.parse(await connection.line());
  expect(answer).toMatchObject({ ok: true, id: "é1" });
  connection.send('{"method":"ping","keep_alive":true,"id":1}\n{"method":"ping","keep_alive":true,"id":2}\n');
  expect(JSON.parse(await connection.line()).id).toBe(1);
  expect(JSON.parse(await connection.line()).id).toBe(2);
});

test("check 5: a process in another pid namespace gets host_only from every app. name, and can ping", async () => {
  await using tower = await quietTower();
  const inside = async (method: string): Promise<Envelope> => {
    const child = Bun.spawn(["unshare", "--pid", "--fork", tower.program, "app", "call", method], {
      env: { ...tower.env, AGENTTOWER_APP_SESSION: "x" },
      stdout: "pipe",
      stderr: "pipe",
    });
    return JSON.parse(await new Response(child.stdout).text());
  };
  for (const name of [...Object.keys(appMethods), "app.nope"]) {
    expectAppRefusal(await inside(name), "host_only");
  }
  expect(await inside("ping")).toEqual({ ok: true, result: {} });
});

test("check 6: a peer with another uid is refused on both envelopes, with one log line each", async () => {
  await using tower = await quietTower();
  // The file modes keep others out already; opened here, so that only the kernel's word about the peer stands.
  for (let dir = tower.stateDir; dir.startsWith(tower.dir); dir = join(dir, "..")) chmodSync(dir, 0o711);
  chmodSync(tower.socket, 0o666);
  const foreignHome = join(tower.dir, "foreign");
  mkdirSync(foreignHome);
  const ask = async (method: string): Promise<Envelope> => {
    const child = Bun.spawn(
      ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", tower.program, "app", "call", method],
      {
        env: { ...tower.env, HOME: foreignHome, AGENTTOWER_SOCKET: tower.socket, AGENTTOWER_APP_SESSION: "x" },
        stdout: "pipe",
        stderr: "pipe",
      },
    );
    return JSON.parse(await new Response(child.stdout).text());
  };
  expectAppRefusal(await ask("app.preflight"), "permission_denied");
  expectAppRefusal(await ask("app.dashboard"), "permission_denied");
  const legacy = await ask("shutdown");
  expect(legacy.error).toMatchObject({
    code: "internal_error",
    message: "request refused: peer credential check failed",
  });
  expect(tower.log("socket_peer_uid_mismatch").map((line) => line.fields)).toEqual(
    Array.from({ length: 3 }, () => ({ observed_uid: "65534", expected_uid: String(process.getuid?.()) })),
  );
  expect((await tower.call("ping")).ok).toBe(true);
});

test("check 7: nine hellos from one living process; nine from processes that ended", async () => {
  await using tower = await quietTower();
  for (let i = 1; i <= 8; i++) expect((await tower.call("app.hello")).result.app_session_id).toBe(i);
  const ninth = await tower.call("app.hello");
  expectAppRefusal(ninth, "validation_failed");
  expect(ninth.error.details).toEqual({ field: "app.hello", reason: "too_many_sessions" });

  await tower.stop();
  await tower.start();
  const hello = async () => JSON.parse((await tower.run(["app", "call", "app.hello", '{"client_id":"once"}'])).stdout);
  for (let i = 0; i < 9; i++) expect(await hello()).toMatchObject({ ok: true });
});

test("check 8: every method without token, with a wrong one, with odd params: registered codes, nothing written", async () => {
  await using tower = await quietTower();
  const session = await tower.session();
  const odd: unknown[] = [null, true, -1, 1.5, "", "x".repeat(5000), [], {}, [[]]];
  const tables = [
    "containers",
    "panes",
    "container_scans",
    "pane_scans",
    "agents",
    "events",
    "message_queue",
    "routes",
  ];
  const left = new Set(["shutdown", "scan_containers", "scan_panes", "app.scan.containers", "app.scan.panes"]);
  for (const [name, method] of Object.entries(methods).filter(([name]) => !left.has(name))) {
    if (method.session) {
      expectAppRefusal(await tower.call(name), "app_session_required");
      expectAppRefusal(await tower.call(name, { app_session_token: 7 }), "app_session_required");
      expectAppRefusal(await tower.call(name, { app_session_token: "nope" }), "app_session_expired");
      expectAppRefusal(await tower.call(name, []), "app_session_required");
    }
    const keys = "params" in method ? Object.keys(method.params.entries) : [];
    for (const key of [...keys, "unknown_key"]) {
      for (const value of odd) {
        const answer = await session.call(name, { [key]: value });
        if (!answer.ok && name.startsWith("app.")) expectAppRefusal(answer);
        if (!answer.ok) expect(answer.error.code).not.toBe("internal_error");
      }
    }
  }
  for (const table of tables) expect(tower.rows(`SELECT count(*) AS n FROM ${table}`)).toEqual([{ n: 0 }]);
  expect(existsSync(tower.eventsFile)).toBe(false);
  expect(tower.log("handler_failed")).toEqual([]);
});

test("check 15: the daemon listens on one Unix socket and nowhere else", async () => {
  await using tower = await quietTower();
  const pid = tower.daemonPid();
  const inodes = new Set(
    readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
      try {
        return readFileSync(`/proc/${pid}/fdinfo/${fd}`) && statSync(`/proc/${pid}/fd/${fd}`).isSocket()
          ? [String(statSync(`/proc/${pid}/fd/${fd}`).ino)]
          : [];
      } catch {
        // Descriptors come and go while we look.
        return [];
      }
    }),
  );
  const network = ["tcp", "tcp6", "udp", "udp6", "raw", "raw6"].flatMap((family) =>
    readFileSync(`/proc/${pid}/net/${family}`, "utf8")
      .split("\n")
      .slice(1)
      .filter((line) => inodes.has(line.trim().split(/\s+/)[9] ?? "")),
  );
  expect(network).toEqual([]);
  // Columns of /proc/net/unix: … flags (__SO_ACCEPTCON is 0x10000) … inode path
  const listening = readFileSync(`/proc/${pid}/net/unix`, "utf8")
    .split("\n")
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter((columns) => columns[3] === "00010000" && inodes.has(columns[6] ?? ""));
  expect(listening.map((columns) => columns[7])).toEqual([tower.socket]);
});

test("check 16: no token in any file under the state directory", async () => {
  await using tower = await quietTower();
  const session = await tower.session({ client_id: "client-that-must-not-be-logged" });
  await session.call("app.dashboard");
  await session.call("app.dashboard", { recent_limit: 99 });
  await tower.call("app.readiness", { app_session_token: `${session.token}x` });
  const files = filesUnder(tower.stateDir).filter((file) => statSync(file).size > 0);
  expect(files.length).toBeGreaterThan(1);
  for (const file of files) {
    const bytes = readFileSync(file);
    expect(bytes.includes(session.token)).toBe(false);
    expect(bytes.includes("client-that-must-not-be-logged")).toBe(false);
  }
});

test("check 19: another major is refused with both numbers and opens no session", async () => {
  await using tower = await quietTower();
  const answer = await tower.call("app.hello", { client_app_contract_major: 2 });
  expectAppRefusal(answer, "app_contract_major_unsupported");
  expect(answer.error.details).toEqual({ daemon_app_contract_version: "1.0", client_app_contract_major: 2 });
  expectAppRefusal(await tower.call("app.dashboard"), "app_session_required");
  expect((await tower.call("app.hello")).result.app_session_id).toBe(1);
  for (const wrong of ["1", 1.5, true, 0, -1]) {
    const refusal = await tower.call("app.hello", { client_app_contract_major: wrong });
    expectAppRefusal(refusal, "validation_failed");
    expect(refusal.error.details.field).toBe("client_app_contract_major");
  }
});

test("check 23: operators are refused in every filter, unknown filters by their name", async () => {
  await using tower = await quietTower();
  const session = await tower.session();
  const filters = { "app.container.list": ["state"], "app.pane.list": ["container_id"] } as const;
  for (const [name, keys] of Object.entries(filters)) {
    for (const key of keys) {
      for (const value of ["<a", ">a", "~a", "a*", "%a", "a LIKE b"]) {
        const answer = await session.call(name, { filters: { [key]: value } });
        expect(answer.error.details).toEqual({ field: key, reason: "operator syntax not supported" });
      }
    }
    const unknown = await session.call(name, { filters: { nope: 1 } });
    expect(unknown.error.details).toEqual({ field: "nope", reason: "unknown filter" });
    const order = await session.call(name, { order_by: "nope:asc" });
    expect(order.error.details.field).toBe("order_by");
  }
});

test("check 30: nine one-shot calls at once beside a panel with eight sessions all succeed", async () => {
  await using tower = await quietTower();
  for (let i = 0; i < 8; i++) expect((await tower.call("app.hello")).ok).toBe(true);
  const answers = await Promise.all(Array.from({ length: 9 }, () => tower.run(["app", "call", "app.dashboard"])));
  for (const { code, stdout } of answers) {
    expect(JSON.parse(stdout)).toMatchObject({ ok: true });
    expect(code).toBe(0);
  }
});

test("check 32: a secret planted in every string parameter comes back in no answer and no file", async () => {
  await using tower = await quietTower();
  const session = await tower.session();
  const secret = "sk-planted-7f3a9c";
  for (const [name, method] of Object.entries(methods)) {
    if (!("params" in method) || method.since === "legacy") continue;
    const keys = [...Object.keys(method.params.entries), "filters", "x"];
    for (const key of keys) {
      const value = key === "filters" ? { [secret.slice(0, 3)]: secret, state: secret, container_id: secret } : secret;
      const answer = await session.call(name, { [key]: value });
      const asked =
        name === "app.pane.detail" && key === "pane_id" ? ["pane_id"] : name === "app.scan.status" ? ["scan_id"] : [];
      // A code may be required to name what was not found; nothing else may repeat it.
      for (const field of asked) delete answer.error?.details?.[field];
      expect(JSON.stringify(answer)).not.toContain(secret);
    }
  }
  for (const file of filesUnder(tower.stateDir)) expect(readFileSync(file).includes(secret)).toBe(false);
});
