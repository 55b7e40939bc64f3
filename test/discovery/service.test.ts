/** Both scans as the daemon runs them: a real registry, an Engine and tmux as data for their faults. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { BenchFault } from "../../src/base/bench.ts";
import { Fault } from "../../src/contract/faults.ts";
import { createDiscovery, type Discovery, type DiscoveryDeps } from "../../src/discovery/service.ts";
import type { Tx } from "../../src/store/open.ts";
import { type FakeEngine, fakeEngine } from "../support/fake-bench.ts";
import { type ManualClock, manualClock } from "../support/manual-clock.ts";
import { type TestRegistry, testRegistry } from "../support/registry.ts";

const HOST = "f".repeat(64);

let clock: ManualClock;
let registry: TestRegistry;
let fake: FakeEngine;
let discovery: Discovery;
let lines: Record<string, unknown>[];
let log: string[];
let config: string | null;
/** What a line or an append ends with. */
let broken: { append: Error | null; log: string | null };
let hostPaths: string[];

function make(more: Partial<DiscoveryDeps> = {}): Discovery {
  return createDiscovery({
    store: registry.store,
    clock,
    engine: fake.engine,
    benchOf: () => fake.bench,
    events: {
      async append(line) {
        if (broken.append) throw broken.append;
        lines.push(line);
      },
    },
    log: {
      write(event, fields) {
        if (event === broken.log) throw new Error("the log is full");
        log.push(`${event} ${Object.values(fields).slice(1).join(" ")}`.trim());
      },
    },
    readConfigText: () => config,
    hostId: HOST,
    hostSockets: () => hostPaths,
    daemonUser: { name: "brett", passwdName: "" },
    daemonUid: 1000,
    useLinks: false,
    ...more,
  });
}

beforeEach(() => {
  clock = manualClock();
  registry = testRegistry(clock);
  fake = fakeEngine();
  lines = [];
  log = [];
  config = null;
  broken = { append: null, log: null };
  hostPaths = [];
  discovery = make();
});
afterEach(() => {
  discovery.stop();
  registry[Symbol.dispose]();
});

const read = <T>(fn: (tx: Tx) => T): T => registry.store.read(fn);
// biome-ignore lint/suspicious/noExplicitAny: rows of any table
const rows = (sql: string): any[] => read((tx) => tx.db.query(sql).all());
const codeOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => "none",
    (error: unknown) => (error instanceof Fault ? error.code : String(error)),
  );
const activePanes = () =>
  rows("SELECT tmux_socket_path s, tmux_pane_id p FROM panes WHERE active = 1 ORDER BY s, p").map(
    ({ s, p }) => `${s.slice("/tmp/tmux-1000/".length)} ${p}`,
  );
const degraded = () => rows("SELECT container_id FROM degraded_scan").map(({ container_id }) => container_id);

describe("container scan", () => {
  test("finds, ignores, inactivates, brings back", async () => {
    const bench = fake.add("py-bench", { labels: { a: "b" } });
    fake.add("redis");
    const first = await discovery.scanContainers();
    expect(first).toMatchObject({ status: "ok", matched_count: 1, ignored_count: 1, ignored_names: ["redis"] });
    expect(discovery.ignoredNames()).toBe(1);
    expect(rows("SELECT name, active, status FROM containers")).toEqual([
      { name: "py-bench", active: 1, status: "running" },
    ]);
    const [{ first_seen_at }] = rows("SELECT first_seen_at FROM containers");
    bench.running = false;
    await clock.advance(1000);
    expect(await discovery.scanContainers()).toMatchObject({ matched_count: 0, inactive_reconciled_count: 1 });
    expect(rows("SELECT active, status FROM containers")).toEqual([{ active: 0, status: "exited" }]);
    bench.running = true;
    await discovery.scanContainers();
    expect(rows("SELECT active, first_seen_at FROM containers")).toEqual([{ active: 1, first_seen_at }]);
    fake.remove(bench);
    await discovery.scanContainers();
    expect(rows("SELECT active, status FROM containers")).toEqual([{ active: 0, status: "removed" }]);
    expect(lines).toEqual([]);
    expect(log.slice(0, 2)).toEqual(["scan_started", "scan_completed ok 1 0 1"]);
    expect(rows("SELECT count(*) n FROM container_scans")).toEqual([{ n: 4 }]);
  });

  test("a failed inspect degrades the scan and keeps what is known", async () => {
    fake.add("bench-a");
    const b = fake.add("bench-b");
    await discovery.scanContainers();
    b.inspectFault = "failed";
    fake.add("bench-c", { inspectFault: "timeout" });
    const result = await discovery.scanContainers();
    expect(result).toMatchObject({
      status: "degraded",
      error_code: "docker_failed",
      error_message: "2 of 3 candidates failed inspect",
    });
    expect(result.error_details.map(({ error_code }) => error_code)).toEqual(["docker_failed", "docker_timeout"]);
    expect(rows("SELECT name FROM containers WHERE active = 1")).toHaveLength(2);
    expect(lines).toEqual([
      {
        type: "container_scan_degraded",
        payload: {
          scan_id: result.scan_id,
          error_code: "docker_failed",
          error_message: "2 of 3 candidates failed inspect",
          error_details: result.error_details,
          status: "degraded",
          matched_count: 3,
          inactive_reconciled_count: 0,
          ignored_count: 0,
        },
      },
    ]);
  });

  test.each([
    ["unreachable", "docker_unavailable"],
    ["permission", "docker_permission_denied"],
    ["timeout", "docker_timeout"],
    ["failed", "docker_failed"],
    ["malformed", "docker_malformed"],
  ] as const)("a list that ends with %s is %s", async (kind, code) => {
    fake.add("bench");
    await discovery.scanContainers();
    fake.listFault = kind;
    expect(await codeOf(discovery.scanContainers())).toBe(code);
    expect(rows("SELECT active FROM containers")).toEqual([{ active: 1 }]);
    expect(rows("SELECT status, matched_count, error_code, error_details_json FROM container_scans").at(-1)).toEqual({
      status: "degraded",
      matched_count: 0,
      error_code: code,
      error_details_json: null,
    });
    expect(lines).toHaveLength(1);
    expect(log.at(-1)).toBe(`scan_completed degraded 0 0 0 ${code}`);
  });

  test("a bad rule makes no Engine call", async () => {
    config = "[containers]\nname_contains = []";
    expect(await codeOf(discovery.scanContainers())).toBe("config_invalid");
    expect(fake.lists).toBe(0);
    expect(rows("SELECT error_message FROM container_scans")[0].error_message).toContain("must be a non-empty list");
    config = '[containers]\nname_contains = ["dev"]';
    fake.add("api-dev");
    expect((await discovery.scanContainers()).matched_count).toBe(1);
  });

  test("a bug in the middle leaves a row and is no refusal", async () => {
    fake.listFault = new Error("a bug");
    expect(await codeOf(discovery.scanContainers())).toBe("Error: a bug");
    expect(rows("SELECT error_code FROM container_scans")).toEqual([{ error_code: "internal_error" }]);
    expect(lines).toHaveLength(1);
  });

  test("an events file that fails: the row stays, the completed line is written, then internal_error", async () => {
    fake.listFault = "failed";
    broken.append = new Error("disk full");
    expect(await codeOf(discovery.scanContainers())).toBe("Error: disk full");
    expect(log).toEqual(["scan_started", "scan_jsonl_failed", "scan_completed degraded 0 0 0 docker_failed"]);
    expect(rows("SELECT error_code FROM container_scans")).toHaveLength(1);
    broken.append = null;
    fake.listFault = null;
    expect((await discovery.scanContainers()).status).toBe("ok");
  });

  test("a transaction that fails leaves nothing, and the turn is passed on", async () => {
    fake.add("bench");
    registry.store.write((tx) =>
      tx.db.run("CREATE TEMP TRIGGER no_scans BEFORE INSERT ON container_scans BEGIN SELECT raise(ABORT, 'no'); END"),
    );
    expect(await codeOf(discovery.scanContainers())).toContain("no");
    expect(rows("SELECT * FROM containers")).toEqual([]);
    registry.store.write((tx) => tx.db.run("DROP TRIGGER no_scans"));
    expect((await discovery.scanContainers()).matched_count).toBe(1);
  });

  test("a lost lifecycle line changes nothing", async () => {
    broken.log = "scan_started";
    expect((await discovery.scanContainers()).status).toBe("ok");
  });

  test("scans take turns: each has its id and starts after the one before has ended", async () => {
    const all = await Promise.all(Array.from({ length: 5 }, () => discovery.scanContainers()));
    expect(new Set(all.map(({ scan_id }) => scan_id)).size).toBe(5);
    expect(rows("SELECT count(*) n FROM container_scans")).toEqual([{ n: 5 }]);
  });

  test("the host bench needs no Engine", async () => {
    fake.away = "unreachable";
    config = "[host]\nenabled = true";
    const result = await discovery.scanContainers();
    expect(result).toMatchObject({ status: "degraded", error_code: "docker_unavailable", error_details: [] });
    expect(rows("SELECT container_id, name, active FROM containers")).toEqual([
      { container_id: HOST, name: "host", active: 1 },
    ]);
    config = null;
    fake.away = null;
    expect(await discovery.scanContainers()).toMatchObject({ inactive_reconciled_count: 1, matched_count: 0 });
  });
});

describe("pane scan", () => {
  test("panes of two servers; a killed pane takes its agent and log along", async () => {
    const bench = fake.add("bench", { servers: { default: [{}, {}, {}], work: [{}, {}] } });
    await discovery.scanContainers();
    expect(await discovery.scanPanes(null)).toMatchObject({
      status: "ok",
      containers_scanned: 1,
      sockets_scanned: 2,
      panes_seen: 5,
      panes_newly_active: 5,
      container_filter: null,
    });
    registerAgents(bench.id);
    bench.servers["default"] = [{}, { id: "%2", pane: 2, pid: 102, tty: "/dev/pts/2" }];
    await clock.advance(1000);
    const result = await discovery.scanPanes(null);
    expect(result).toMatchObject({ panes_seen: 4, panes_newly_active: 0, panes_reconciled_to_inactive: 1 });
    expect(activePanes()).toEqual(["default %0", "default %2", "work %0", "work %1"]);
    expect(rows("SELECT agent_id, active, last_seen_at IS NULL unseen FROM agents ORDER BY agent_id")).toEqual([
      { agent_id: "agt_0", active: 1, unseen: 0 },
      { agent_id: "agt_1", active: 0, unseen: 1 },
    ]);
    expect(rows("SELECT status, last_status_at FROM log_attachments")).toEqual([
      { status: "stale", last_status_at: result.started_at },
    ]);
    expect(lines).toEqual([
      {
        type: "log_attachment_change",
        payload: {
          attachment_id: "lat_1",
          agent_id: "agt_1",
          prior_status: "active",
          new_status: "stale",
          prior_path: "/log",
          new_path: "/log",
          prior_pipe_target: null,
          source: "explicit",
          socket_peer_uid: 1000,
          actor: "daemon",
        },
      },
    ]);
    expect(log.at(-1)).toBe("pane_scan_completed ok 1 2 4 0 1 0 0");
  });

  test("a renamed session and a new process", async () => {
    const bench = fake.add("bench", { servers: { default: [{}, {}] } });
    await discovery.scanContainers();
    await discovery.scanPanes(null);
    registerAgents(bench.id);
    bench.servers["default"] = [{ session: "new" }, { session: "new" }];
    expect(await discovery.scanPanes(null)).toMatchObject({ panes_newly_active: 0, panes_reconciled_to_inactive: 0 });
    expect(
      rows("SELECT DISTINCT tmux_session_name s FROM panes UNION SELECT DISTINCT tmux_session_name FROM agents"),
    ).toEqual([{ s: "new" }]);
    expect(rows("SELECT tmux_session_name s, status FROM log_attachments")).toEqual([{ s: "new", status: "active" }]);
    bench.servers["default"] = [{ session: "new" }, { session: "new", pid: 999 }];
    expect(await discovery.scanPanes(null)).toMatchObject({ panes_newly_active: 0, panes_reconciled_to_inactive: 0 });
    expect(activePanes()).toEqual(["default %0", "default %1"]);
    expect(rows("SELECT active FROM agents ORDER BY agent_id")).toEqual([{ active: 1 }, { active: 0 }]);
    expect(lines.map(({ type }) => type)).toEqual(["log_attachment_change"]);
  });

  test("faults stay with their container or socket, in order", async () => {
    fake.add("bench-1", { execFault: "timeout" });
    fake.add("bench-2", { servers: { default: [{}], bad: { fault: "overflow" }, odd: [{ pid: "x" }, {}] } });
    fake.add("bench-3", { listing: { exitCode: 1, stderr: "ls: /tmp/tmux-1000: No such file or directory" } });
    fake.add("bench-4", { servers: { default: { exitCode: 126, stderr: 'exec: "tmux": executable file not found' } } });
    fake.add("bench-5", { configUser: "nobody-here" });
    fake.add("bench-6", { servers: { default: [{ title: "t".repeat(3000) }] } });
    fake.add("bench-7", { configUser: null, servers: { default: [{}] } });
    fake.add("bench-8", { execFault: "conflict" });
    await discovery.scanContainers();
    const result = await discovery.scanPanes(null);
    expect(
      result.error_details.map((one) => [
        Number.parseInt(one.container_id.slice(0, 4), 16),
        one.error_code,
        one.tmux_socket_path?.slice(15),
      ]),
    ).toEqual([
      [1, "docker_exec_timeout", undefined],
      [2, "output_malformed", "bad"],
      [2, "output_malformed", "odd"],
      [3, "socket_dir_missing", undefined],
      [4, "tmux_unavailable", "default"],
      [5, "docker_exec_failed", undefined],
      [6, "output_malformed", "default"],
      [8, "docker_exec_failed", undefined],
    ]);
    expect(result).toMatchObject({
      status: "degraded",
      error_code: "docker_exec_timeout",
      error_message: "id -u gave no answer within 5 s",
      containers_scanned: 8,
      sockets_scanned: 6,
      panes_seen: 4,
      containers_tmux_unavailable: 5,
    });
    expect(result.error_details[2]?.error_message).toBe("1 of 2 tmux list-panes rows malformed");
    expect(result.error_details[6]).toMatchObject({
      error_message: "1 pane field(s) truncated",
      pane_truncations: [{ tmux_pane_id: "%0", field: "pane_title", original_len: 3000 }],
    });
    expect(result.containers.map(({ state, container_user }) => [state, container_user])).toEqual([
      ["failed", "dev"],
      ["degraded", "dev"],
      ["failed", "dev"],
      ["failed", "dev"],
      ["failed", "nobody-here"],
      ["degraded", "dev"],
      ["ok", "root"],
      ["failed", "dev"],
    ]);
    // Cuts alone are no failure.
    expect(
      degraded()
        .map((id) => Number.parseInt(id.slice(0, 4), 16))
        .sort(),
    ).toEqual([1, 2, 3, 4, 5, 8]);
    expect(lines).toHaveLength(1);
    const stored = JSON.parse(rows("SELECT error_details_json j FROM pane_scans")[0].j);
    expect(stored[6].pane_truncations[0]).toEqual({
      tmux_pane_id: "%0",
      tmux_socket_path: "/tmp/tmux-1000/default",
      container_id: fake.containers[5]?.id,
      field: "pane_title",
      original_len: 3000,
    });
    // A restarted daemon knows the same from the scan row.
    registry.store.write((tx) => tx.db.run("DELETE FROM degraded_scan"));
    make().stop();
    expect(degraded()).toHaveLength(6);
  });

  test("only cuts: output_malformed and the short message", async () => {
    fake.add("bench", { servers: { default: [{ path: `/${"p".repeat(5000)}` }] } });
    await discovery.scanContainers();
    expect(await discovery.scanPanes(null)).toMatchObject({
      error_code: "output_malformed",
      error_message: "pane field(s) truncated",
    });
    expect(degraded()).toEqual([]);
  });

  test("nobody to run as", async () => {
    discovery.stop();
    discovery = make({ daemonUser: { name: "", passwdName: "" } });
    fake.add("bench", { configUser: null });
    await discovery.scanContainers();
    const runs = fake.runs.length;
    expect(await discovery.scanPanes(null)).toMatchObject({
      error_code: "bench_user_unresolved",
      containers_scanned: 0,
      containers_tmux_unavailable: 1,
    });
    expect(fake.runs).toHaveLength(runs);
  });

  test("an Engine that is away fails the whole scan and touches nothing", async () => {
    const bench = fake.add("bench", { servers: { default: [{}] } });
    await discovery.scanContainers();
    await discovery.scanPanes(null);
    bench.execFault = "permission";
    expect(await codeOf(discovery.scanPanes(null))).toBe("docker_unavailable");
    expect(activePanes()).toEqual(["default %0"]);
    expect(degraded()).toEqual([bench.id]);
    const [, row] = rows("SELECT * FROM pane_scans ORDER BY rowid");
    expect(row).toMatchObject({ status: "degraded", containers_scanned: 0, error_details_json: null });
    expect(row.error_message).toContain("permission denied");
    expect(lines).toHaveLength(1);
    // As soon as anybody answers, it is that container's failure alone.
    fake.add("bench-2", { servers: { default: [{}] } });
    await discovery.scanContainers();
    expect(await discovery.scanPanes(null)).toMatchObject({ error_code: "docker_exec_failed", panes_seen: 1 });
  });

  test("no active container: no program, healthy; inactive ones are skipped", async () => {
    fake.away = "unreachable";
    expect(await discovery.scanPanes(null)).toMatchObject({ status: "ok", containers_scanned: 0 });
    fake.away = null;
    const bench = fake.add("bench", { servers: { default: [{}] } });
    await discovery.scanContainers();
    await discovery.scanPanes(null);
    fake.remove(bench);
    await discovery.scanContainers();
    const runs = fake.runs.length;
    expect(await discovery.scanPanes(null)).toMatchObject({
      status: "ok",
      containers_skipped_inactive: 1,
      panes_reconciled_to_inactive: 1,
      containers: [{ state: "skipped_inactive", container_name: "bench" }],
    });
    expect(await discovery.scanPanes(null)).toMatchObject({
      containers_skipped_inactive: 1,
      panes_reconciled_to_inactive: 0,
    });
    expect(fake.runs).toHaveLength(runs);
  });

  test("a server that ended: preserved once, gone after 5 s", async () => {
    const bench = fake.add("bench", { servers: { default: [{}], work: [{}] } });
    await discovery.scanContainers();
    await discovery.scanPanes(null);
    bench.servers["work"] = { exitCode: 1, stderr: "no server running on /tmp/tmux-1000/work" };
    expect(await discovery.scanPanes(null)).toMatchObject({ status: "degraded", error_code: "tmux_no_server" });
    expect(activePanes()).toHaveLength(2);
    await clock.advance(6000);
    expect(await discovery.scanPanes(null)).toMatchObject({
      status: "ok",
      panes_reconciled_to_inactive: 1,
      sockets_scanned: 2,
    });
    expect(activePanes()).toEqual(["default %0"]);
  });

  test("a scope is an id in either case or a name; anything else scans nothing", async () => {
    const one = fake.add("bench-1", { servers: { default: [{}] } });
    fake.add("bench-2", { servers: { default: [{}] } });
    await discovery.scanContainers();
    expect(await discovery.scanPanes(one.id.toUpperCase())).toMatchObject({
      containers_scanned: 1,
      container_filter: one.id.toUpperCase(),
    });
    expect(await discovery.scanPanes("bench-2")).toMatchObject({ containers_scanned: 1, panes_newly_active: 1 });
    expect(await discovery.scanPanes("nothing")).toMatchObject({
      status: "ok",
      containers_scanned: 0,
      container_filter: "nothing",
    });
  });

  test("lines that cannot be written", async () => {
    fake.add("bench", { execFault: "failed" });
    await discovery.scanContainers();
    broken.log = "pane_scan_started";
    const runs = fake.runs.length;
    expect(await codeOf(discovery.scanPanes(null))).toContain("the log is full");
    expect([fake.runs.length, rows("SELECT * FROM pane_scans")]).toEqual([runs, []]);
    broken.log = "pane_scan_completed";
    expect(await codeOf(discovery.scanPanes(null))).toContain("the log is full");
    expect(rows("SELECT * FROM pane_scans")).toHaveLength(1);
    broken.log = null;
    broken.append = new Error("disk full");
    expect(await codeOf(discovery.scanPanes(null))).toBe("Error: disk full");
    expect(log.slice(-2)).toEqual([
      "pane_scan_jsonl_failed",
      "pane_scan_completed degraded 1 0 0 0 0 0 1 docker_exec_failed",
    ]);
  });

  test("the host bench: named sockets, a missing one is not listed, Docker benches fail on their own", async () => {
    config = '[host]\nenabled = true\nsockets = ["a", "b"]';
    hostPaths = ["/tmp/tmux-1000/a", "/tmp/tmux-1000/b"];
    const docker = fake.add("bench", { execFault: "unreachable" });
    await discovery.scanContainers();
    fake.add("host", { id: HOST, running: false, users: { "1000": 1000 }, servers: { a: [{}] } });
    const result = await discovery.scanPanes(null);
    expect(
      result.containers.map(({ container_id, state, container_user }) => [container_id, state, container_user]),
    ).toEqual([
      [docker.id, "failed", "dev"],
      [HOST, "ok", "1000"],
    ]);
    expect(result).toMatchObject({ error_code: "docker_exec_failed", sockets_scanned: 1, panes_seen: 1 });
  });
});

test("an app scan has the id of its row", async () => {
  const answer = await discovery.jobs.start("panes", true);
  expect(answer).toMatchObject({
    state: "completed",
    result: { scan_id: answer.scan_id, panes_reconciled_inactive: 0 },
  });
  expect(rows("SELECT scan_id FROM pane_scans")).toEqual([{ scan_id: answer.scan_id }]);
});

describe("background", () => {
  let stop: AbortController;
  let done: Promise<void>;
  beforeEach(() => {
    stop = new AbortController();
  });
  afterEach(async () => {
    stop.abort();
    await done;
  });
  const begin = async () => {
    done = discovery.runBackground(stop.signal);
    await clock.advance(0);
  };
  const scans = () => [rows("SELECT * FROM container_scans").length, rows("SELECT * FROM pane_scans").length];

  test("finds what is there, follows changes, and an idle hour writes nothing", async () => {
    const bench = fake.add("bench", { servers: { default: [{}] } });
    await begin();
    await clock.advance(100);
    expect(activePanes()).toEqual(["default %0"]);
    await clock.advance(10_000);
    const before = [scans(), log.length, lines.length];
    bench.status = "Up 3 hours";
    await clock.advance(3_600_000);
    expect([scans(), log.length, lines.length]).toEqual(before);
    expect(fake.lists).toBeGreaterThan(700);
    bench.running = false;
    fake.emit({ containerId: bench.id, action: "die" });
    await clock.advance(1000);
    expect(activePanes()).toEqual([]);
    expect(rows("SELECT active FROM containers")).toEqual([{ active: 0 }]);
    expect(lines).toEqual([]);
  });

  test("an outage is told once, and so is its end", async () => {
    fake.add("bench", { servers: { default: [{}] } });
    await begin();
    await clock.advance(1000);
    fake.away = "unreachable";
    await clock.advance(600_000);
    expect(lines.map(({ type }) => type)).toEqual(["container_scan_degraded", "pane_scan_degraded"]);
    const during = scans();
    fake.away = null;
    await clock.advance(150_000);
    expect(scans()).toEqual(during.map((count) => count + 1));
    expect(lines).toHaveLength(2);
    expect(degraded()).toEqual([]);
  });

  test("a scan that fails after a good look is made up for though the list stays as it is", async () => {
    fake.add("bench", { servers: { default: [{}] } });
    let lists = 0;
    const engine = {
      ...fake.engine,
      async list(deadlineMs: number) {
        if (++lists === 2) throw new BenchFault("timeout", "the second list takes too long");
        return fake.engine.list(deadlineMs);
      },
    };
    discovery = make({ engine });
    await begin();
    await clock.advance(1000);
    expect(lines).toMatchObject([{ payload: { error_code: "docker_timeout" } }]);
    await clock.advance(40_000);
    expect(activePanes()).toEqual(["default %0"]);
    expect(lines).toHaveLength(1);
  });

  test("a registry that could not be written catches up once it can", async () => {
    fake.add("bench", { servers: { default: [{}] } });
    let isFull = false;
    const store: typeof registry.store = {
      ...registry.store,
      write(fn) {
        if (isFull) throw new Error("the disk is full");
        return registry.store.write(fn);
      },
    };
    discovery = make({ store });
    isFull = true;
    await begin();
    await clock.advance(60_000);
    expect(rows("SELECT * FROM containers")).toEqual([]);
    isFull = false;
    await clock.advance(60_000);
    expect(activePanes()).toEqual(["default %0"]);
  });

  test("a bench that keeps failing is told once though others change", async () => {
    fake.add("bench-1", { execFault: "timeout" });
    await begin();
    await clock.advance(1000);
    expect(lines).toHaveLength(1);
    const other = fake.add("bench-2", { servers: { default: [{}] } });
    await clock.advance(200_000);
    other.servers["default"] = [{}, {}];
    await clock.advance(200_000);
    expect(activePanes()).toHaveLength(2);
    // One more line for the change that a scan of all saw; none for the failure that is known.
    expect(lines.map(({ type }) => type)).toEqual(["pane_scan_degraded", "pane_scan_degraded"]);
  });

  test("off means off, until a container scan reads another interval", async () => {
    config = "[containers]\nscan_interval_seconds = 0";
    fake.add("bench");
    await begin();
    await clock.advance(60_000);
    expect(fake.lists).toBe(0);
    config = "[containers]\nscan_interval_seconds = 10";
    await discovery.scanContainers();
    await clock.advance(0);
    const asked = fake.lists;
    await clock.advance(60_000);
    expect(fake.lists - asked).toBeGreaterThanOrEqual(6);
  });

  test("a bad configuration is told once and heals by itself", async () => {
    config = "[containers]\nname_contains = []";
    fake.add("bench", { servers: { default: [{}] } });
    await begin();
    await clock.advance(60_000);
    expect(lines).toHaveLength(1);
    config = null;
    await clock.advance(60_000);
    expect(activePanes()).toEqual(["default %0"]);
  });

  test("a requested scan does not wait for more than the running one", async () => {
    await begin();
    await clock.advance(1000);
    const held = Promise.withResolvers<void>();
    fake.gate = held.promise;
    const requested = discovery.scanContainers();
    held.resolve();
    fake.gate = null;
    expect((await requested).status).toBe("ok");
  });
});

/** An agent on `%0` and one with an attached log on `%1` of the default server. */
function registerAgents(containerId: string): void {
  registry.store.write((tx) => {
    for (const n of [0, 1]) {
      tx.db
        .query(
          "INSERT INTO agents VALUES (?,?,'/tmp/tmux-1000/default','main',0,?,?,'slave','claude','','',NULL,'{}','t','t',NULL,1)",
        )
        .run(`agt_${n}`, containerId, n, `%${n}`);
    }
    tx.db
      .query(
        `INSERT INTO log_attachments VALUES ('lat_1','agt_1',?,'/tmp/tmux-1000/default','main',0,1,'%1','/log','active','explicit',
         'x',NULL,'t','t',NULL,NULL,'t')`,
      )
      .run(containerId);
  });
}
