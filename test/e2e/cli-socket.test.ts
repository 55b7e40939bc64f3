/** The legacy envelope under every bad input (01 §8): acceptance checks 19, 20 and 34 of 01 §18, over raw sockets. */
import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, renameSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import { LEGACY_CODES } from "../../src/contract/codes.ts";
import { legacyMethods } from "../../src/contract/methods.ts";
import { check } from "../contract/responses.ts";
import { createTower, type Envelope, type Tower } from "./tower.ts";

const QUIET = "[containers]\nscan_interval_seconds = 0\n";
const TABLES = ["containers", "panes", "container_scans", "pane_scans", "agents", "events", "message_queue", "routes"];

async function quietTower(): Promise<Tower> {
  const tower = await createTower({ config: QUIET });
  await tower.start();
  return tower;
}

async function ask(tower: Tower, bytes: string | Uint8Array, { end = false } = {}): Promise<Envelope> {
  const connection = await tower.connect();
  connection.send(bytes);
  if (end) connection.end();
  const answer = JSON.parse(await connection.line());
  connection.close();
  return answer;
}

/** A refusal on the legacy envelope and nothing beside it. */
function expectLegacy(answer: Envelope, code: string): void {
  expect(answer).toEqual({ ok: false, error: { code, message: expect.any(String) } });
  expect((LEGACY_CODES as readonly string[]).includes(answer.error.code)).toBe(true);
  // One clean line of prose.
  expect(answer.error.message).toMatch(/^[^\p{Cc}]{1,2048}$/u);
  expect(answer.error.message).not.toMatch(/\bat .*:\d+:\d+|SELECT|node_modules|\/root\//);
}

function expectNothingWritten(tower: Tower): void {
  for (const table of TABLES)
    expect([table, tower.rows(`SELECT count(*) AS n FROM ${table}`)]).toEqual([table, [{ n: 0 }]]);
  expect(existsSync(tower.eventsFile)).toBe(false);
}

describe("check 19: every row of the table", () => {
  const bytes = (...parts: (string | number[])[]): Uint8Array =>
    Buffer.concat(parts.map((part) => (typeof part === "string" ? Buffer.from(part) : Buffer.from(part))));
  const long = (size: number): string => {
    const head = '{"method":"ping","x":"';
    return `${head}${"a".repeat(size - head.length - 3)}"}\n`;
  };

  const LEGACY: [row: string, code: string, input: string | Uint8Array][] = [
    ["3: over the cap", "request_too_large", long(65_537)],
    ["3: far over the cap, without an end", "request_too_large", "x".repeat(200_000)],
    ["6: not UTF-8", "bad_json", bytes('{"method":"ping","x":"', [0xff, 0xfe], '"}\n')],
    ["6: an overlong form", "bad_json", bytes('{"method":"ping","x":"', [0xc0, 0x80], '"}\n')],
    ["6: half of a surrogate pair, encoded", "bad_json", bytes('{"method":"ping","x":"', [0xed, 0xa0, 0x80], '"}\n')],
    ["6: prose", "bad_json", "hello\n"],
    ["6: blanks only", "bad_json", "   \n"],
    ["6: cut off", "bad_json", '{"method":"ping"\n'],
    ["6: a comma too many", "bad_json", '{"method":"ping",}\n'],
    ["6: NaN", "bad_json", '{"method":"ping","x":NaN}\n'],
    ["6: Infinity", "bad_json", '{"method":"ping","x":-Infinity}\n'],
    ["6: a byte order mark", "bad_json", bytes([0xef, 0xbb, 0xbf], '{"method":"ping"}\n')],
    ["7: two values", "bad_request", '{"method":"ping"} {"method":"ping"}\n'],
    ["7: a word behind it", "bad_request", '{"method":"ping"}x\n'],
    ["7: behind a value that is no request", "bad_request", "1 2\n"],
    ["8: a list", "bad_request", '["ping"]\n'],
    ["8: a string", "bad_request", '"ping"\n'],
    ["8: a number", "bad_request", "7\n"],
    ["8: null", "bad_request", "null\n"],
    ["8: no method", "bad_request", "{}\n"],
    ["8: an empty method", "bad_request", '{"method":""}\n'],
    ["8: a method that is a number", "bad_request", '{"method":1}\n'],
    ["8: a method that is null", "bad_request", '{"method":null}\n'],
    ["9: params null", "bad_request", '{"method":"ping","params":null}\n'],
    ["9: params a list", "bad_request", '{"method":"ping","params":[]}\n'],
    ["9: params a string", "bad_request", '{"method":"ping","params":"x"}\n'],
    ["9: params a number", "bad_request", '{"method":"ping","params":0}\n'],
    ["9: params false", "bad_request", '{"method":"ping","params":false}\n'],
    ["9 comes before 10", "bad_request", '{"method":"nope","params":null}\n'],
    ["10: an unknown method", "unknown_method", '{"method":"nope"}\n'],
    ["10: a name of every object", "unknown_method", '{"method":"__proto__"}\n'],
    ["10: another", "unknown_method", '{"method":"constructor"}\n'],
    ["10: another case", "unknown_method", '{"method":"PING"}\n'],
    ["10: app without a point", "unknown_method", '{"method":"app"}\n'],
  ];

  test("rows 3 to 10 on the legacy envelope, and a ping after each", async () => {
    await using tower = await quietTower();
    for (const [row, code, input] of LEGACY) {
      const answer = await ask(tower, input);
      expect([row, answer.error?.code]).toEqual([row, code]);
      expectLegacy(answer, code);
      expect(await tower.call("ping")).toEqual({ ok: true, result: {} });
    }
    expect((await ask(tower, '{"method":"nope"}\n')).error.message).toBe("unknown method: nope");
    expectNothingWritten(tower);
    expect(tower.log("handler_failed")).toEqual([]);
  });

  test("row 2: a peer that says nothing hears nothing", async () => {
    await using tower = await quietTower();
    const connection = await tower.connect();
    connection.end();
    await connection.closed;
    expect(connection.line()).rejects.toThrow('left over: ""');
    expect((await tower.call("ping")).ok).toBe(true);
  });

  test("row 4: bytes without an end", async () => {
    await using tower = await quietTower();
    for (const input of ['{"method":"ping"}', "x", " "]) {
      expectLegacy(await ask(tower, input, { end: true }), "bad_request");
      expect((await tower.call("ping")).ok).toBe(true);
    }
  });

  test("row 5: the app envelope, whatever the method", async () => {
    await using tower = await quietTower();
    const cases: [string, string][] = [
      ["empty line", "\n"],
      ["stray CR", '{"method":"ping"}\r\n'],
      ["stray CR", "\r\n"],
      ["stray CR", '{"method":\r"ping"}\n'],
      ["embedded NUL", '{"method":"ping"}\0\n'],
      ["embedded NUL", "\0\n"],
    ];
    for (const [reason, input] of cases) {
      const answer = await ask(tower, input);
      expect(answer).toEqual({
        ok: false,
        app_contract_version: "1.0",
        error: { code: "malformed_request", message: expect.any(String), details: { reason } },
      });
      check("ping", answer);
      expect((await tower.call("ping")).ok).toBe(true);
    }
    // CRLF is a habit of many clients: the refusal says what to do.
    expect((await ask(tower, '{"method":"ping"}\r\n')).error.message).toContain("\\n");
  });

  test("row 11: a handler that fails says so in the log only", async () => {
    await using tower = await quietTower();
    const registry = new Database(tower.database);
    registry.run("ALTER TABLE panes RENAME TO panes_gone");
    const answers = [await tower.call("list_panes"), await tower.call("list_panes", { active_only: true })];
    for (const answer of answers) expectLegacy(answer, "internal_error");
    expect(answers[0].error.message).toBe(answers[1].error.message);
    expect(answers[0].error.message).not.toContain("panes");
    expect((await tower.call("ping")).ok).toBe(true);
    expect((await tower.call("list_containers")).ok).toBe(true);
    const told = tower.log("handler_failed");
    expect(told.map((line) => [line.level, line.fields["method"]])).toEqual([
      ["error", "list_panes"],
      ["error", "list_panes"],
    ]);
    expect(told[0]?.fields["error_message"]).toContain("panes");
    registry.run("ALTER TABLE panes_gone RENAME TO panes");
    registry.close();
    expect((await tower.call("list_panes")).ok).toBe(true);
  });

  test("a pane scan whose line cannot be logged does not run; a container scan does, and the daemon lives", async () => {
    await using tower = await quietTower();
    const log = join(tower.logsDir, "agenttowerd.log");
    renameSync(log, `${log}.away`);
    mkdirSync(log);
    expectLegacy(await tower.call("scan_panes"), "internal_error");
    expect(tower.rows("SELECT count(*) AS n FROM pane_scans")).toEqual([{ n: 0 }]);
    await tower.call("scan_containers");
    expect(tower.rows("SELECT count(*) AS n FROM container_scans")).toEqual([{ n: 1 }]);
    rmdirSync(log);
    renameSync(`${log}.away`, log);
    expect(await tower.call("scan_panes")).toMatchObject({ ok: true, result: { status: "ok" } });
    expect(tower.log("pane_scan_completed")).toHaveLength(1);
  });

  test("what is good is served: blanks around, unknown keys, the last of two equal keys, other letters", async () => {
    await using tower = await quietTower();
    for (const input of [
      '{"method":"ping"}\n',
      '  {"method" : "ping" }\t \n',
      '{"method":"ping","params":{}}\n',
      '{"method":"ping","params":{"what":["ever",1,null]},"more":{"x":1}}\n',
      '{"method":"shutdown","method":"ping"}\n',
      '{"\\u006dethod":"pi\\u006eg","x":"zoë 🗼"}\n',
    ]) {
      expect([input, await ask(tower, input)]).toEqual([input, { ok: true, result: {} }]);
    }
  });

  test("bytes behind the first line are ignored", async () => {
    await using tower = await quietTower();
    expect(await ask(tower, '{"method":"ping"}\n{"method":"shutdown"}\n')).toEqual({ ok: true, result: {} });
    expect(await ask(tower, Buffer.concat([Buffer.from('{"method":"ping"}\n'), Buffer.alloc(100_000, 0xff)]))).toEqual({
      ok: true,
      result: {},
    });
    expect((await tower.call("ping")).ok).toBe(true);
  });
});

test("check 34: every legacy method with params null, a list, missing and of wrong types: a code, no crash, nothing written", async () => {
  await using tower = await quietTower();
  const pid = tower.daemonPid();
  const wrong: unknown[] = [null, true, 0, -1, 1.5, "", "x".repeat(5000), "\u0000\u001b[31m", [], [[]], {}, { a: 1 }];
  const answered = (name: string, params: unknown, answer: Envelope): void => {
    check(name, answer);
    if (answer.ok) return;
    expectLegacy(answer, answer.error.code);
    expect([name, params, answer.error.code]).not.toEqual([name, params, "internal_error"]);
  };
  // These do something when their params are taken: an Engine is asked, the daemon ends.
  const acting = new Set(["shutdown", "scan_containers"]);
  for (const [name, method] of Object.entries(legacyMethods)) {
    for (const params of [null, [], [1], "x", 7, true]) {
      const answer = await tower.call(name, params);
      expectLegacy(answer, "bad_request");
      answered(name, params, answer);
    }
    if (acting.has(name)) continue;
    const keys = "params" in method ? Object.keys(method.params.entries) : [];
    for (const key of keys) {
      for (const value of wrong) answered(name, { [key]: value }, await tower.call(name, { [key]: value }));
    }
    if (name !== "scan_panes") answered(name, {}, await tower.call(name, { unknown_key: wrong }));
  }
  for (const value of [true, 0, [], {}]) {
    expectLegacy(await tower.call("list_panes", { container: value }), "bad_request");
    expectLegacy(await tower.call("scan_panes", { container: value }), "bad_request");
  }
  for (const value of ["true", 1, null, []]) {
    // That null counts as absent is a rule of the app contract alone (06 §1).
    expectLegacy(await tower.call("list_containers", { active_only: value }), "bad_request");
  }
  expect(tower.daemonPid()).toBe(pid);
  expect(tower.log("handler_failed")).toEqual([]);
  for (const table of TABLES.filter((name) => name !== "pane_scans")) {
    expect([table, tower.rows(`SELECT count(*) AS n FROM ${table}`)]).toEqual([table, [{ n: 0 }]]);
  }
  expect(existsSync(tower.eventsFile)).toBe(false);
});
