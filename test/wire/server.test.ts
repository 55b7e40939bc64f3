import { describe, expect, test } from "bun:test";
import { chmodSync, existsSync, lstatSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "../../src/base/clock.ts";
import { APP_CODES, LEGACY_CODES } from "../../src/contract/codes.ts";
import {
  APP_LINE_BYTES,
  IDLE_CONNECTION_MS,
  LEGACY_LINE_BYTES,
  LINE_DEADLINE_MS,
  MAX_CONNECTIONS,
  SLOW_READER_MS,
} from "../../src/contract/limits.ts";
import { createPeerOf } from "../../src/wire/peer.ts";
import { startServer } from "../../src/wire/server.ts";
import { hostileLine, seeded } from "../support/hostile-lines.ts";
import { manualClock } from "../support/manual-clock.ts";
import { until } from "../support/until.ts";
import { newDoor, newServer, rawClient } from "./door.ts";

const PING = '{"method":"ping"}\n';
const KEPT = '{"method":"ping","keep_alive":true}\n';
const BIG = { rows: [], total: 0, total_estimate: null, ordering: "" };

/** One request on a connection of its own; everything until the daemon closes. */
async function oneShot(path: string, bytes: string | Uint8Array, end = false) {
  const client = await rawClient(path);
  client.send(bytes);
  if (end) client.socket.shutdown();
  await client.finished;
  return client;
}

async function ping(path: string) {
  const begun = performance.now();
  const client = await oneShot(path, PING);
  expect(client.lines()).toEqual(['{"ok":true,"result":{}}']);
  return performance.now() - begun;
}

describe("the socket", () => {
  test("is 0600 and ours whatever the umask, which comes back", async () => {
    const before = process.umask(0);
    try {
      await using server = newServer();
      expect(process.umask()).toBe(0);
      const stat = lstatSync(server.path);
      expect(stat.isSocket()).toBe(true);
      expect(stat.mode & 0o7777).toBe(0o600);
      expect(stat.uid).toBe(process.geteuid?.() ?? -1);
    } finally {
      process.umask(before);
    }
  });

  test("may have a path of any length", async () => {
    await using server = newServer();
    const folder = join(server.folder, "a".repeat(120), "b".repeat(120));
    mkdirSync(folder, { recursive: true });
    const path = join(folder, "agenttowerd.sock");
    const { dispatch, stopping } = newDoor();
    const clock = systemClock();
    const second = startServer({
      socketPath: path,
      dispatch,
      peerOf: createPeerOf(),
      clock,
      stopping: stopping.signal,
    });
    await ping(path);
    second.closeListener();
    await second.drain(0);
  });

  test("is not put over something else", async () => {
    await using server = newServer();
    const path = join(server.folder, "file");
    writeFileSync(path, "mine");
    const { dispatch, stopping } = newDoor();
    const bind = () =>
      startServer({
        socketPath: path,
        dispatch,
        peerOf: createPeerOf(),
        clock: systemClock(),
        stopping: stopping.signal,
      });
    expect(bind).toThrow();
    expect(await Bun.file(path).text()).toBe("mine");
  });
});

describe("one request, one answer, close", () => {
  test("bytes after the first line are ignored", async () => {
    await using server = newServer();
    const client = await oneShot(server.path, `${PING}${PING}garbage`);
    expect(client.answers()).toEqual([{ ok: true, result: {} }]);
  });

  test("a client that ends its side still gets its answer, also a late one", async () => {
    const gate = Promise.withResolvers<Record<never, never>>();
    await using server = newServer({ legacy: { ping: () => gate.promise } });
    const client = await rawClient(server.path);
    client.send(PING);
    client.socket.shutdown();
    await until(() => server.server.connections() === 1);
    gate.resolve({});
    await until(() => client.closed);
    expect(client.answers()).toEqual([{ ok: true, result: {} }]);
  });

  test("silence is answered with silence", async () => {
    await using server = newServer();
    const client = await oneShot(server.path, "", true);
    expect(client.receivedBytes).toBe(0);
    expect(server.log).toEqual([]);
  });

  test("bytes without a line feed", async () => {
    await using server = newServer();
    expect((await oneShot(server.path, '{"method":"ping"}', true)).answers()[0].error.code).toBe("bad_request");
    expect((await oneShot(server.path, '{"method":"app.hello"}', true)).answers()[0].error.details).toEqual({
      reason: "missing newline terminator",
    });
  });

  test("a request may come byte by byte, cut inside a character", async () => {
    await using server = newServer();
    const client = await rawClient(server.path);
    for (const byte of Buffer.from('{"method":"ping","id":"é😀"}\n')) {
      client.send(new Uint8Array([byte]));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await until(() => client.closed);
    expect(client.answers()).toEqual([{ ok: true, result: {}, id: "é😀" }]);
  });

  test("caps to the byte", async () => {
    await using server = newServer();
    const line = (start: string, size: number) => `${start}${"x".repeat(size - start.length - 3)}"}\n`;
    const legacy = '{"method":"ping","x":"';
    const app = '{"method":"app.preflight","x":"';
    const outcome = async (text: string) => {
      const [answer] = (await oneShot(server.path, text)).answers();
      return answer.ok ? "ok" : answer.error.code;
    };
    expect(await outcome(line(legacy, LEGACY_LINE_BYTES))).toBe("ok");
    expect(await outcome(line(legacy, LEGACY_LINE_BYTES + 1))).toBe("request_too_large");
    expect(await outcome(line(app, APP_LINE_BYTES))).toBe("ok");
    expect(await outcome(line(app, APP_LINE_BYTES + 1))).toBe("payload_too_large");
    expect(await outcome(line(app, 3 * APP_LINE_BYTES))).toBe("payload_too_large");
    expect(await outcome(`{${" ".repeat(70_000)}`)).toBe("request_too_large");
    await ping(server.path);
  });
});

describe("kept connections", () => {
  test("answers come in the order of the requests, each with its id", async () => {
    const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    let calls = 0;
    await using server = newServer({
      legacy: {
        ping: async () => {
          await gates[calls++]?.promise;
          return {};
        },
      },
    });
    const client = await rawClient(server.path);
    const ids = [1, 2, 3, 4, 5];
    client.send(ids.map((id) => `{"method":"${id % 2 ? "ping" : "nope"}","id":${id},"keep_alive":true}\n`).join(""));
    await until(() => calls === 1);
    expect(client.lines()).toEqual([]);
    gates[0]?.resolve();
    gates[1]?.resolve();
    await until(() => client.lines().length === 5);
    expect(client.answers().map(({ id }) => id)).toEqual(ids);
    client.socket.end();
  });

  test("thousands of requests in one write are all answered, and others get their turn", async () => {
    await using server = newServer();
    const client = await rawClient(server.path);
    const count = 20_000;
    client.send(KEPT.repeat(count));
    const others = await Promise.all(Array.from({ length: 20 }, () => ping(server.path)));
    expect(Math.max(...others)).toBeLessThan(1_000);
    await until(() => client.lines().length === count);
    expect(client.closed).toBe(false);
    client.send(PING);
    await until(() => client.closed);
    expect(client.lines().length).toBe(count + 1);
  });

  test("while one request is being answered, the rest waits outside", async () => {
    const gate = Promise.withResolvers<Record<never, never>>();
    await using server = newServer({ legacy: { ping: () => gate.promise } });
    const client = await rawClient(server.path);
    const count = 4_000;
    client.send(`{"method":"ping","keep_alive":true,"x":"${"x".repeat(1_000)}"}\n`.repeat(count));
    for (let i = 0; i < 20; i++) await oneShot(server.path, '{"method":"nope"}\n');
    expect(client.unsentBytes).toBeGreaterThan(2_000_000);
    gate.resolve({});
    await until(() => client.lines().length === count);
    client.socket.terminate();
  });

  test("JSON errors do not end them, framing errors do", async () => {
    await using server = newServer();
    const client = await rawClient(server.path);
    client.send(`${KEPT}garbage\n[]\n\n{"method":"ping"}\r\n${KEPT}`);
    await until(() => client.lines().length === 6);
    expect(client.closed).toBe(false);
    client.send(`\0\n${KEPT}`);
    await until(() => client.closed);
    expect(client.answers().map((answer) => answer.error?.code ?? "ok")).toEqual([
      "ok",
      "bad_json",
      "bad_request",
      "malformed_request",
      "malformed_request",
      "ok",
      "malformed_request",
    ]);
  });

  test("an ephemeral session lives as long as its connection", async () => {
    await using server = newServer();
    const client = await rawClient(server.path);
    client.send('{"method":"app.hello","params":{"ephemeral":true},"keep_alive":true}\n');
    await until(() => client.lines().length === 1);
    const token = client.answers()[0].result.app_session_token;
    expect(server.sessions.use(token)).not.toBeNull();
    client.socket.terminate();
    await until(() => server.sessions.use(token) === null);
  });

  test("a handler learns that its client is gone", async () => {
    let signal: AbortSignal | null = null;
    await using server = newServer({
      legacy: {
        ping: (context) => {
          signal = context.signal;
          return new Promise((resolve) => context.signal.addEventListener("abort", () => resolve({})));
        },
      },
    });
    const client = await rawClient(server.path);
    client.send(PING);
    await until(() => signal);
    client.socket.terminate();
    await until(() => signal?.aborted);
    await until(() => server.server.connections() === 0);
  });
});

describe("bad company", () => {
  test("200 half-open clients do not slow a ping", async () => {
    await using server = newServer();
    const stalled = await Promise.all(Array.from({ length: 200 }, () => rawClient(server.path)));
    for (const client of stalled) client.send('{"method":"pi');
    await until(() => server.server.connections() === 200);
    const times: number[] = [];
    for (let i = 0; i < 20; i++) times.push(await ping(server.path));
    expect(Math.max(...times)).toBeLessThan(100);
    for (const client of stalled) client.socket.terminate();
  });

  test("when full, the oldest without a line makes room; kept ones only after those", async () => {
    await using server = newServer();
    const kept = await rawClient(server.path);
    kept.send(KEPT);
    await until(() => kept.lines().length === 1);
    const silent: Awaited<ReturnType<typeof rawClient>>[] = [];
    for (let i = 1; i < MAX_CONNECTIONS; i++) silent.push(await rawClient(server.path));
    await until(() => server.server.connections() === MAX_CONNECTIONS);
    await ping(server.path);
    await until(() => silent[0]?.closed);
    expect(silent.filter(({ closed }) => closed).length).toBe(1);
    expect(kept.closed).toBe(false);
    for (const client of silent) client.socket.terminate();
    kept.socket.terminate();
  });

  test("when all are being answered, the newcomer is closed", async () => {
    const gate = Promise.withResolvers<Record<never, never>>();
    let calls = 0;
    const ping = () => {
      calls++;
      return gate.promise;
    };
    await using server = newServer({ legacy: { ping } });
    const busy = await Promise.all(Array.from({ length: MAX_CONNECTIONS }, () => rawClient(server.path)));
    for (const client of busy) client.send(PING);
    await until(() => calls === MAX_CONNECTIONS);
    const newcomer = await oneShot(server.path, "");
    expect(newcomer.receivedBytes).toBe(0);
    gate.resolve({});
    await until(() => busy.every(({ closed }) => closed));
    expect(busy.every((client) => client.lines().length === 1)).toBe(true);
  });

  test("deadlines: first line, a begun line, idle, a reader that does not read", async () => {
    const clock = manualClock();
    let made = false;
    await using server = newServer({
      clock,
      app: {
        "app.container.list": () => {
          made = true;
          return { ...BIG, cursor_next: "x".repeat(6_000_000) };
        },
      },
    });
    const silent = await rawClient(server.path);
    const half = await rawClient(server.path);
    const idle = await rawClient(server.path);
    const begun = await rawClient(server.path);
    half.send('{"method"');
    for (const client of [idle, begun]) client.send(KEPT);
    await until(() => idle.lines().length === 1 && begun.lines().length === 1 && server.server.connections() === 4);
    await clock.advance(LINE_DEADLINE_MS - 1);
    expect([silent.closed, half.closed]).toEqual([false, false]);
    await clock.advance(200);
    await until(() => silent.closed && half.closed);
    expect([idle.closed, begun.closed]).toEqual([false, false]);

    await clock.advance(60_000);
    begun.send(`${KEPT}{"meth`);
    await until(() => begun.lines().length === 2);
    await clock.advance(LINE_DEADLINE_MS + 200);
    await until(() => begun.closed);
    expect(idle.closed).toBe(false);

    const token = await rawClient(server.path);
    token.send('{"method":"app.hello"}\n');
    await until(() => token.closed);
    const slow = await rawClient(server.path);
    slow.socket.pause();
    slow.send(
      `{"method":"app.container.list","keep_alive":true,"params":{"app_session_token":"${token.answers()[0].result.app_session_token}"}}\n`,
    );
    await until(() => made);
    await clock.advance(SLOW_READER_MS - 1_000);
    expect(server.server.connections()).toBe(2);
    await clock.advance(1_200);
    await until(() => server.server.connections() === 1);
    expect(idle.closed).toBe(false);

    await clock.advance(IDLE_CONNECTION_MS);
    await until(() => idle.closed);
    expect(clock.sleeping).toBe(0);
    slow.socket.terminate();
  });

  test("a slow reader gets everything, others meanwhile are served", async () => {
    const size = 6_000_000;
    await using server = newServer({
      app: { "app.container.list": () => ({ ...BIG, cursor_next: "é".repeat(size / 2) }) },
    });
    const hello = await oneShot(server.path, '{"method":"app.hello"}\n');
    const token = hello.answers()[0].result.app_session_token;
    const slow = await rawClient(server.path);
    slow.socket.pause();
    slow.send(
      `{"method":"app.container.list","keep_alive":true,"params":{"app_session_token":"${token}"}}\n`.repeat(3),
    );
    for (let i = 0; i < 5; i++) expect(await ping(server.path)).toBeLessThan(100);
    slow.socket.resume();
    await until(() => slow.lines().length === 3);
    expect(slow.answers().every(({ result }) => result.cursor_next.length === size / 2)).toBe(true);
    slow.socket.terminate();
  });

  test("thousands of hostile lines: every answer is one of the contract's envelopes, the server lives on", async () => {
    await using server = newServer();
    const random = seeded(20_261_125);
    const hello = await oneShot(server.path, '{"method":"app.hello"}\n');
    const token = hello.answers()[0].result.app_session_token;
    for (let i = 0; i < 4_000; i++) {
      const { bytes } = hostileLine(random, token);
      const client = await oneShot(server.path, bytes);
      expect(client.lines().length).toBe(1);
      const [answer] = client.answers();
      if (!answer.ok) expect([...LEGACY_CODES, ...Object.keys(APP_CODES)]).toContain(answer.error.code);
      expect(JSON.stringify(server.log)).not.toContain(token);
      server.log.length = 0;
    }
    await ping(server.path);
  }, 60_000);
});

describe("who is there", () => {
  const ASK = `
    const socket = await Bun.connect({ unix: process.argv[1], socket: {
      data(_s, chunk) { process.stdout.write(chunk); }, close() { process.exit(0); } } });
    socket.write(process.argv[2] + "\\n");
    setTimeout(() => process.exit(9), 5000);
  `;
  const askAs = async (prefix: string[], path: string, request: string) => {
    const child = Bun.spawn([...prefix, process.execPath, "-e", ASK, path, request], { stderr: "pipe" });
    const text = await new Response(child.stdout).text();
    if ((await child.exited) !== 0) throw new Error(await new Response(child.stderr).text());
    return JSON.parse(text);
  };
  const root = process.geteuid?.() === 0;
  const otherPids = root ? ["unshare", "--pid", "--fork"] : ["unshare", "--user", "--map-root-user", "--pid", "--fork"];
  const unshared = Bun.spawnSync([...otherPids, "true"]).exitCode === 0;

  test("a process on the host is a host peer, and the session is its own", async () => {
    await using server = newServer();
    const answer = await askAs([], server.path, '{"method":"app.hello"}');
    const session = server.sessions.use(answer.result.app_session_token);
    expect(session?.pid).toBeGreaterThan(0);
    expect(session?.pid).not.toBe(process.pid);
    expect(session?.startTime).toBeGreaterThan(0);
  });

  test("nine hellos of processes that exit: none is refused", async () => {
    await using server = newServer();
    for (let i = 1; i <= 9; i++) {
      expect((await askAs([], server.path, '{"method":"app.hello"}')).result.app_session_id).toBe(i);
    }
  });

  test.if(unshared)("a process in another pid namespace may ping, and gets host_only from app names", async () => {
    await using server = newServer();
    expect(await askAs(otherPids, server.path, '{"method":"ping"}')).toEqual({ ok: true, result: {} });
    for (const name of ["app.hello", "app.preflight", "app.nope"]) {
      expect((await askAs(otherPids, server.path, `{"method":"${name}"}`)).error.code).toBe("host_only");
    }
  });

  test.if(root)("another uid is refused, once logged, even where the file lets it in", async () => {
    await using server = newServer();
    chmodSync(server.folder, 0o711);
    chmodSync(server.path, 0o666);
    const other = ["setpriv", "--reuid=65534", "--clear-groups"];
    expect((await askAs(other, server.path, '{"method":"ping"}')).error).toEqual({
      code: "internal_error",
      message: "request refused: peer credential check failed",
    });
    expect((await askAs(other, server.path, '{"method":"app.hello"}')).error.code).toBe("permission_denied");
    const line = { event: "socket_peer_uid_mismatch", observed_uid: 65534, expected_uid: 0 };
    expect(server.log).toEqual([line, line]);
  });
});

describe("the end", () => {
  test("listener and file first, running requests finish, new ones hear of it", async () => {
    const gate = Promise.withResolvers<Record<never, never>>();
    await using server = newServer({ legacy: { scan_containers: () => gate.promise as never } });
    const running = await rawClient(server.path);
    running.send('{"method":"scan_containers"}\n');
    const kept = await rawClient(server.path);
    kept.send(KEPT);
    await until(() => kept.lines().length === 1);

    server.stopping.abort();
    server.server.closeListener();
    expect(existsSync(server.path)).toBe(false);
    let drained = false;
    const drain = server.server.drain(10_000).then(() => {
      drained = true;
    });
    kept.send(
      '{"method":"ping","keep_alive":true}\n{"method":"app.preflight","keep_alive":true}\n{"method":"app.hello","keep_alive":true}\n',
    );
    await until(() => kept.lines().length === 4);
    const [, ping, preflight, hello] = kept.answers();
    expect(ping.error.code).toBe("daemon_shutting_down");
    expect(preflight.result).toEqual({ socket_reachable: true, daemon_reachable: false, code: "daemon_unavailable" });
    expect(hello.error).toMatchObject({ code: "internal_error", details: { reason: "shutting_down" } });
    expect(drained).toBe(false);

    gate.reject(new Error("stopped"));
    await drain;
    await until(() => running.closed && kept.closed);
    expect(running.answers()[0].error.code).toBe("internal_error");
    expect(server.server.connections()).toBe(0);
  });

  test("a waiting handler wakes up, an idle end takes no time", async () => {
    let called = false;
    await using server = newServer({
      legacy: {
        ping: ({ signal }) => {
          called = true;
          return new Promise((resolve) => signal.addEventListener("abort", () => resolve({}), { once: true }));
        },
      },
    });
    const waiting = await rawClient(server.path);
    waiting.send(PING);
    await until(() => called);
    const begun = performance.now();
    server.stopping.abort();
    server.server.closeListener();
    await server.server.drain(10_000);
    expect(performance.now() - begun).toBeLessThan(100);
    await until(() => waiting.closed);
    expect(waiting.answers()).toEqual([{ ok: true, result: {} }]);
  });

  test("what never ends is cut off at the deadline", async () => {
    const clock = manualClock();
    let called = false;
    const ping = () => {
      called = true;
      return new Promise<Record<never, never>>(() => undefined);
    };
    await using server = newServer({ clock, legacy: { ping } });
    const client = await rawClient(server.path);
    client.send(PING);
    await until(() => called);
    server.stopping.abort();
    server.server.closeListener();
    const drain = server.server.drain(2_000);
    await until(() => clock.sleeping > 1); // the sweep, and the drain
    await clock.advance(2_000);
    await drain;
    await until(() => client.closed);
    expect(client.receivedBytes).toBe(0);
  });

  test("an answer is out before what waits for it runs", async () => {
    const order: string[] = [];
    await using server = newServer({
      legacy: {
        shutdown: ({ link }) => {
          link.afterAnswer(() => {
            order.push("after");
            server.stopping.abort();
            server.server.closeListener();
          });
          return { shutting_down: true };
        },
      },
    });
    const client = await oneShot(server.path, '{"method":"shutdown"}\n');
    expect(client.answers()).toEqual([{ ok: true, result: { shutting_down: true } }]);
    expect(order).toEqual(["after"]);
    expect(existsSync(server.path)).toBe(false);
  });
});
