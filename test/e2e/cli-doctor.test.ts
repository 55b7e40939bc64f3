/**
 * `config doctor` (01 §11) from every place it can be started: acceptance checks 27 to 30 of 01 §18, as far as they need no Engine
 * (`cli-bench.test.ts` has a real container).
 */
import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { lstatSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { containerId, containerRow, paneRow } from "../support/rows.ts";
import { standIn } from "./cli-stand-in.ts";
import { HOST, runIn, type World } from "./cli-world.ts";
import { createTower, type Envelope, type Outcome, type Tower } from "./tower.ts";

const QUIET = "[containers]\nscan_interval_seconds = 0\n";
const CHECKS = [
  "socket_resolved",
  "socket_reachable",
  "daemon_status",
  "container_identity",
  "tmux_present",
  "tmux_pane_match",
];
const A = containerId("a");
const B = containerId("b");
const TMUX = { TMUX: "/tmp/tmux-1000/default,1234,$0", TMUX_PANE: "%0" };

/** A daemon that knows three benches, each with a pane `%0` and a dead pane `%9`. */
async function towerWithBenches(): Promise<Tower> {
  const tower = await createTower({ config: QUIET });
  await tower.init();
  const registry = new Database(tower.database);
  const insert = (table: string, row: object): void => {
    const columns = Object.keys(row);
    registry.run(
      `INSERT INTO ${table} (${columns.join(", ")}) VALUES (${columns.map(() => "?").join(", ")})`,
      Object.values(row),
    );
  };
  for (const [name, container_id] of [
    ["a-bench", A],
    ["b-bench", B],
    ["c-bench", containerId("c")],
  ] as const) {
    insert("containers", containerRow({ container_id, name }));
    const own = { container_id, container_name: name };
    insert("panes", paneRow(own));
    insert("panes", paneRow({ ...own, tmux_window_index: 1, tmux_pane_id: "%9", active: 0 }));
  }
  registry.close();
  await tower.start();
  return tower;
}

type Report = { outcome: Outcome; checks: Record<string, Envelope>; summary: Envelope };

/** Runs the doctor both ways and holds what is true of every report (check 28). */
async function doctor(tower: Tower, world: World, env: Record<string, string> = {}): Promise<Report> {
  const before = filesOf(tower);
  const outcome = await runIn(world, tower, ["config", "doctor", "--json"], env);
  const text = await runIn(world, tower, ["config", "doctor"], env);
  expect(filesOf(tower)).toEqual(before);

  expect(outcome.stderr).toBe("");
  expect(outcome.stdout.trimEnd()).not.toContain("\n");
  const { summary, checks, ...rest } = JSON.parse(outcome.stdout);
  expect(rest).toEqual({});
  expect(Object.keys(checks)).toEqual(CHECKS);
  expect(Object.keys(summary)).toEqual(["exit_code", "total", "passed", "warned", "failed", "info"]);
  expect(summary.exit_code).toBe(outcome.code);
  const count = (status: string) => CHECKS.filter((name) => checks[name].status === status).length;
  expect(summary).toMatchObject({
    total: 6,
    passed: count("pass"),
    warned: count("warn"),
    failed: count("fail"),
    info: count("info"),
  });
  for (const name of CHECKS) {
    const { status, details, ...more } = checks[name];
    expect(["pass", "warn", "fail", "info"]).toContain(status);
    expect(details.length).toBeLessThanOrEqual(2048);
    for (const key of Object.keys(more)) {
      expect(["source", "sub_code", "actionable_message", "cgroup_candidates", "daemon_container_set_empty"]).toContain(
        key,
      );
    }
  }
  expect(outcome.stdout).not.toMatch(/not_in_container|no_containers_known|ENOENT|ECONNREFUSED/);

  expect({ code: text.code, stderr: text.stderr }).toEqual({ code: outcome.code, stderr: "" });
  const lines = CHECKS.flatMap((name) => {
    const { status, details, actionable_message: message } = checks[name];
    return [`${name}\t${status}\t${details}`, ...(message === undefined ? [] : [`    ${message}`])];
  });
  expect(text.stdout).toBe(
    [...lines, `summary\t${outcome.code}\t${summary.passed}/6 checks passed`].map((line) => `${line}\n`).join(""),
  );
  return { outcome, checks, summary };
}

/** Name, size and time of change of every file of the home; what SQLite's readers share is not the doctor's. */
function filesOf(tower: Tower): unknown[] {
  return readdirSync(tower.home, { recursive: true })
    .map(String)
    .sort()
    .map((name) => {
      const { size, mtimeMs, mode } = lstatSync(join(tower.home, name));
      return { name, size, mtimeMs, mode };
    });
}

const codes = ({ checks }: Report) => CHECKS.map((name) => [checks[name].status, checks[name].sub_code ?? null]);

describe("check 28: on the host", () => {
  test("healthy: three pass, three are information, exit 0", async () => {
    await using tower = await towerWithBenches();
    const report = await doctor(tower, HOST);
    expect(codes(report)).toEqual([
      ["pass", null],
      ["pass", null],
      ["pass", null],
      ["info", "host_context"],
      ["info", "not_in_tmux"],
      ["info", "not_in_tmux"],
    ]);
    expect(report.outcome.code).toBe(0);
    expect(report.checks["socket_resolved"]).toEqual({
      status: "pass",
      details: `${tower.socket} (host_default)`,
      source: "host_default",
    });
    const version = (await tower.run(["--version"])).stdout.trim().split(" ")[1];
    expect(report.checks["socket_reachable"]).toEqual({
      status: "pass",
      details: `daemon_version=${version} schema_version=9`,
      source: "round_trip",
    });
    expect(report.checks["daemon_status"].source).toBe("schema_check");
  });

  test("not initialized, and daemon down: exit 2, what depends on it is not asked", async () => {
    await using tower = await createTower({ config: QUIET });
    const fresh = await doctor(tower, HOST);
    expect(fresh.outcome.code).toBe(2);
    expect(fresh.checks["socket_reachable"]).toMatchObject({
      status: "fail",
      sub_code: "socket_missing",
      source: "round_trip",
      details: `socket_missing: ${tower.socket}`,
      actionable_message: expect.stringContaining("agenttower ensure-daemon"),
    });
    await tower.start();
    await tower.stop();
    const report = await doctor(tower, { dockerenv: true, hostname: "a-bench" }, TMUX);
    expect(report.outcome.code).toBe(2);
    expect(codes(report)).toEqual([
      ["pass", null],
      ["fail", "socket_missing"],
      ["info", "daemon_unavailable"],
      ["info", "daemon_unavailable"],
      ["pass", null],
      ["info", "daemon_unavailable"],
    ]);
  });

  test("a socket that nobody serves any more: connection_refused", async () => {
    await using tower = await createTower({ config: QUIET });
    const pid = await tower.start();
    process.kill(pid, "SIGKILL");
    await tower.until(() => tower.daemonPid() === null, "end of the daemon");
    const report = await doctor(tower, HOST);
    expect(report.outcome.code).toBe(2);
    expect(report.checks["socket_reachable"]).toMatchObject({
      sub_code: "connection_refused",
      details: `connection_refused: ${tower.socket}`,
      actionable_message: expect.stringContaining("agenttower ensure-daemon"),
    });
  });

  test("the host is told apart from a container by local files alone", async () => {
    await using tower = await towerWithBenches();
    const places: [string, boolean][] = [
      ["0::/docker/ab12cd34ef56\n", true],
      ["1:name=systemd:/kubepods/burstable/podx/ab12cd34ef56\n", true],
      ["0::/lxc/mine\n", true],
      ["0::/system.slice/containerd/x\n", true],
      ["0::/firejail.slice\n", false],
      ["0::/system.slice/docker.service\n", false],
      ["", false],
    ];
    for (const [cgroup, contained] of places) {
      const { stdout } = await runIn({ cgroup, socket: tower.socket }, tower, ["config", "paths"]);
      const source = contained ? "mounted_default" : "host_default";
      expect([cgroup, stdout.match(/^SOCKET_SOURCE=(.*)$/m)?.[1]]).toEqual([cgroup, source]);
    }
  });
});

describe("check 27: the mounted socket", () => {
  test("in a container it is used; without it the default path is not there: exit 2; on the host it is ignored", async () => {
    await using tower = await towerWithBenches();
    await using elsewhere = await createTower({ config: QUIET });
    const mounted = { dockerenv: true, socket: tower.socket };
    // The other home has no daemon: what answers came through the mount.
    const paths = await runIn(mounted, elsewhere, ["config", "paths"]);
    expect(paths.stdout).toContain("SOCKET=/run/agenttower/agenttowerd.sock\n");
    expect(paths.stdout).toContain("SOCKET_SOURCE=mounted_default\n");
    const inside = JSON.parse((await runIn(mounted, elsewhere, ["status", "--json"])).stdout);
    const host = await tower.json(["status"]);
    expect({ ...inside.result, uptime_seconds: 0 }).toEqual({ ...host.result, uptime_seconds: 0 });

    const without = await runIn({ dockerenv: true }, elsewhere, ["status"]);
    expect(without.code).toBe(2);
    expect(without.stdout).toBe("");
    const report = await doctor(elsewhere, { dockerenv: true, hostname: "a-bench" });
    expect(report.outcome.code).toBe(2);
    expect(report.checks["socket_resolved"].source).toBe("host_default");
    expect(report.checks["socket_reachable"].sub_code).toBe("socket_missing");

    const ignored = await runIn({ socket: tower.socket }, elsewhere, ["config", "paths"]);
    expect(ignored.stdout).toContain("SOCKET_SOURCE=host_default\n");
    expect((await runIn({ socket: tower.socket }, elsewhere, ["status"])).code).toBe(2);
  });
});

describe("checks 28 and 29: in a container", () => {
  const inside = (tower: Tower, more: World = {}): World => ({ dockerenv: true, socket: tower.socket, ...more });

  test("healthy, `%0` in three containers: all six pass, the pane of this one is matched", async () => {
    await using tower = await towerWithBenches();
    const cgroup = `0::/docker/${B}\n`;
    const report = await doctor(tower, inside(tower, { cgroup }), TMUX);
    expect(report.outcome.code).toBe(0);
    expect(codes(report)).toEqual([
      ["pass", null],
      ["pass", null],
      ["pass", null],
      ["pass", "unique_match"],
      ["pass", null],
      ["pass", "pane_match"],
    ]);
    expect(report.checks["container_identity"]).toMatchObject({
      details: `unique_match: ${B} (b-bench)`,
      source: "cgroup",
    });
    expect(report.checks["tmux_present"].source).toBe("env");
    expect(report.checks["tmux_pane_match"]).toMatchObject({
      details: "pane_match: %0 in b-bench:main",
      source: "list_panes",
    });
  });

  test("every source of identity, in its order", async () => {
    await using tower = await towerWithBenches();
    const mountinfo = `36 35 98:0 /var/lib/docker/containers/${B}/hostname /etc/hostname rw - ext4 /dev/sda rw\n`;
    const cases: [World, Record<string, string>, string, string][] = [
      [
        { cgroup: `0::/docker/${A}\n`, hostname: "b-bench\n" },
        { AGENTTOWER_CONTAINER_ID: " c-bench " },
        "env",
        "c-bench",
      ],
      [{ cgroup: `0::/docker/${A}\n`, hostname: "b-bench\n" }, {}, "cgroup", "a-bench"],
      [{ cgroup: `0::/system.slice/docker-${A}.scope\n` }, {}, "cgroup", "a-bench"],
      [{ cgroup: `2:cpu:/docker/${A}\n1:mem:/docker/${A}\n0::/docker/${A}\n` }, {}, "cgroup", "a-bench"],
      [{ cgroup: `1:x:/kubepods/burstable/pod0123/${A}\n` }, {}, "cgroup", "a-bench"],
      [{ hostname: `${B.slice(0, 12)}\n` }, { HOSTNAME: "a-bench" }, "hostname", "b-bench"],
      [{ hostname: "b-bench" }, {}, "hostname", "b-bench"],
      [{}, { HOSTNAME: A }, "hostname_env", "a-bench"],
      [{ hostname: "b-bench" }, { AGENTTOWER_CONTAINER_ID: "" }, "hostname", "b-bench"],
    ];
    for (const [world, env, source, name] of cases) {
      const { stdout } = await runIn(inside(tower, world), tower, ["config", "doctor", "--json"], env);
      const row = JSON.parse(stdout).checks.container_identity;
      expect([source, row]).toEqual([
        source,
        {
          status: "pass",
          sub_code: "unique_match",
          source,
          details: expect.stringMatching(new RegExp(`\\(${name}\\)$`)),
        },
      ]);
    }
    // A private cgroup namespace says `0::/`; the mount table still knows.
    const { stdout } = await runIn(inside(tower, { cgroup: "0::/\n", mountinfo, hostname: "custom" }), tower, [
      "config",
      "doctor",
      "--json",
    ]);
    expect(JSON.parse(stdout).checks.container_identity).toMatchObject({
      status: "pass",
      details: `unique_match: ${B} (b-bench)`,
    });
  });

  test("two ids in the cgroup table: never one of them", async () => {
    await using tower = await towerWithBenches();
    const report = await doctor(tower, inside(tower, { cgroup: `1:cpu:/docker/${A}\n0::/docker/${B}\n` }));
    expect(report.outcome.code).toBe(5);
    expect(report.checks["container_identity"]).toMatchObject({
      status: "fail",
      sub_code: "multi_match",
      source: "cgroup",
      details: `multi_match: ${A}, ${B}`,
      cgroup_candidates: [A, B],
    });
  });

  test("unknown container: no_match; nothing to go by: no_candidate; a daemon that knows none says so", async () => {
    await using tower = await towerWithBenches();
    const unknown = await doctor(tower, inside(tower, { hostname: "nobody" }));
    expect(unknown.outcome.code).toBe(5);
    expect(unknown.checks["container_identity"]).toEqual({
      status: "fail",
      details: "no_match: nobody (hostname)",
      source: "hostname",
      sub_code: "no_match",
      actionable_message: expect.stringContaining("agenttower scan --containers"),
    });
    // Eleven characters are too few for a prefix.
    const short = await runIn(inside(tower, { hostname: A.slice(0, 11) }), tower, ["config", "doctor", "--json"]);
    expect(JSON.parse(short.stdout).checks.container_identity.sub_code).toBe("no_match");
    const none = await doctor(tower, inside(tower));
    expect(none.checks["container_identity"]).toMatchObject({
      status: "fail",
      sub_code: "no_candidate",
      actionable_message: expect.stringContaining("agenttower scan --containers"),
    });

    await using empty = await createTower({ config: QUIET });
    await empty.start();
    const alone = await doctor(empty, inside(empty, { hostname: "nobody" }));
    expect(alone.checks["container_identity"]).toMatchObject({
      sub_code: "no_match",
      daemon_container_set_empty: true,
    });
  });

  test("a name on the host is looked up too", async () => {
    await using tower = await towerWithBenches();
    const report = await doctor(tower, HOST, { AGENTTOWER_CONTAINER_ID: "a-bench", ...TMUX });
    expect(report.outcome.code).toBe(0);
    expect(report.checks["container_identity"].sub_code).toBe("unique_match");
    expect(report.checks["tmux_pane_match"].details).toBe("pane_match: %0 in a-bench:main");
  });

  test("tmux: none, malformed, a dead pane, one that is in several containers when none is known", async () => {
    await using tower = await towerWithBenches();
    const world = inside(tower, { cgroup: `0::/docker/${B}\n` });
    const cases: [Record<string, string>, string | null, string, number][] = [
      [{ TMUX_PANE: "%0" }, "not_in_tmux", "not_in_tmux", 0],
      [{ TMUX: "", TMUX_PANE: "%0" }, "not_in_tmux", "not_in_tmux", 0],
      [{ TMUX: "/tmp/tmux-1000/default,1234", TMUX_PANE: "%0" }, "output_malformed", "not_in_tmux", 5],
      [{ TMUX: ",1,$0", TMUX_PANE: "%0" }, "output_malformed", "not_in_tmux", 5],
      [{ ...TMUX, TMUX_PANE: "0" }, "output_malformed", "not_in_tmux", 5],
      [{ ...TMUX, TMUX_PANE: "%a" }, "output_malformed", "not_in_tmux", 5],
      [{ ...TMUX, TMUX_PANE: "% 1" }, "output_malformed", "not_in_tmux", 5],
      [{ TMUX: TMUX.TMUX }, "output_malformed", "not_in_tmux", 5],
      [{ ...TMUX, TMUX_PANE: "%9" }, null, "pane_unknown_to_daemon", 5],
      [{ ...TMUX, TMUX: "/tmp/tmux-1000/other,1234,$0" }, null, "pane_unknown_to_daemon", 5],
    ];
    for (const [env, present, match, exit] of cases) {
      const report = await runIn(world, tower, ["config", "doctor", "--json"], env);
      const { checks } = JSON.parse(report.stdout);
      expect(checks.socket_reachable).toMatchObject({ status: "pass" });
      expect([env, checks.tmux_present.sub_code ?? null, checks.tmux_pane_match.sub_code, report.code]).toEqual([
        env,
        present,
        match,
        exit,
      ]);
      if (match === "pane_unknown_to_daemon") {
        expect(checks.tmux_pane_match.actionable_message).toContain("agenttower scan --panes");
      }
    }
    const ambiguous = await doctor(tower, inside(tower, { hostname: "nobody" }), TMUX);
    expect(ambiguous.checks["tmux_pane_match"].sub_code).toBe("pane_ambiguous");
    expect(ambiguous.outcome.code).toBe(5);
  });

  test("hostile values are one clean, short line", async () => {
    await using tower = await towerWithBenches();
    const hostile = `\u001b[2Jx\ty\nz\u007f${"é".repeat(6000)}`;
    const report = await doctor(tower, inside(tower), { AGENTTOWER_CONTAINER_ID: hostile });
    const { details } = report.checks["container_identity"];
    expect(details).toStartWith("no_match: [2Jx y z");
    expect([...details]).toHaveLength(2048);
    expect(details).toEndWith("…");
  });
});

test("within its budget, two at once as well", async () => {
  await using tower = await towerWithBenches();
  const env = { AGENTTOWER_CONTAINER_ID: "a-bench", ...TMUX };
  const timed = async (words: string[]): Promise<number> => {
    const before = performance.now();
    expect(await tower.run(words, { env })).toMatchObject({ code: 0, stderr: "" });
    return performance.now() - before;
  };
  const pair = async (...words: string[]): Promise<number> =>
    Math.max(...(await Promise.all([timed(words), timed(words)])));
  // What a start of the program costs on this machine now is not the doctor's; the best of five, because others work here too.
  const floor: number[] = [];
  const took: number[] = [];
  for (let round = 0; round < 5; round++) {
    floor.push(await pair("--version"));
    took.push(await pair("config", "doctor"));
  }
  expect(Math.min(...took) - Math.min(...floor)).toBeLessThan(500);
});

describe("check 30: a daemon of another generation", () => {
  const withSchema = (version: unknown) => (method: string, answer: Envelope) =>
    method === "status" ? { ...answer, result: { ...answer.result, schema_version: version } } : answer;

  test("newer: exit 3; older: a warning, exit 0", async () => {
    await using tower = await towerWithBenches();
    using newer = await standIn(tower, withSchema(10));
    const refused = await doctor(tower, { dockerenv: true, hostname: "a-bench" }, { ...newer.env, ...TMUX });
    expect(refused.outcome.code).toBe(3);
    expect(codes(refused)).toEqual([
      ["pass", null],
      ["pass", null],
      ["fail", "schema_version_newer"],
      ["info", "daemon_unavailable"],
      ["pass", null],
      ["info", "daemon_unavailable"],
    ]);
    expect(new Set(newer.asked)).toEqual(new Set(["status"]));

    using older = await standIn(tower, withSchema(8));
    const warned = await doctor(tower, { dockerenv: true, hostname: "a-bench" }, { ...older.env, ...TMUX });
    expect(warned.checks["socket_reachable"]).toMatchObject({ status: "pass" });
    expect(warned.outcome.code).toBe(0);
    expect(warned.checks["daemon_status"]).toMatchObject({ status: "warn", sub_code: "schema_version_older" });
    expect(warned.checks["container_identity"].sub_code).toBe("unique_match");
    expect(warned.summary.warned).toBe(1);
    expect(new Set(older.asked)).toEqual(new Set(["status", "list_containers", "list_panes"]));
  });

  test("an error envelope is reachable and exit 3; no numeric schema likewise", async () => {
    await using tower = await towerWithBenches();
    using failing = await standIn(tower, () => ({
      ok: false,
      error: { code: "internal_error", message: "boom" },
    }));
    const report = await doctor(tower, HOST, failing.env);
    expect(report.outcome.code).toBe(3);
    expect(report.checks["socket_reachable"].status).toBe("pass");
    expect(report.checks["daemon_status"]).toMatchObject({
      status: "fail",
      sub_code: "daemon_error",
      source: "daemon_error",
      details: "daemon_error: internal_error",
    });
    using strange = await standIn(tower, withSchema("nine"));
    const odd = await doctor(tower, HOST, strange.env);
    expect(odd.outcome.code).toBe(3);
    expect(odd.checks["daemon_status"]).toMatchObject({ status: "fail", sub_code: "daemon_error" });
  });

  test("a list that fails is not an empty list", async () => {
    await using tower = await towerWithBenches();
    using failing = await standIn(tower, (method, answer) =>
      method === "status" ? answer : { ok: false, error: { code: "internal_error", message: "boom" } },
    );
    const report = await doctor(tower, { dockerenv: true, hostname: "a-bench" }, { ...failing.env, ...TMUX });
    expect(report.outcome.code).toBe(0);
    for (const [name, method] of [
      ["container_identity", "list_containers"],
      ["tmux_pane_match", "list_panes"],
    ] as const) {
      expect(report.checks[name]).toMatchObject({ status: "info", sub_code: "daemon_unavailable" });
      expect(report.checks[name].details).toContain(method);
    }
  });

  test("what answers in another tongue is a protocol error", async () => {
    await using tower = await createTower();
    for (const answer of ["HTTP/1.1 400 Bad Request\r\n\r\n", "{}\n", '{"ok":true,"result":[]}\n', "\u00ff\n", ""]) {
      using listener = await standIn(tower, () => answer);
      const report = await doctor(tower, HOST, listener.env);
      expect([answer, report.outcome.code, report.checks["socket_reachable"].sub_code]).toEqual([
        answer,
        2,
        "protocol_error",
      ]);
    }
  });
});
