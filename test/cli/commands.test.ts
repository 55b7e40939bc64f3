import { describe, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { SCHEMA_VERSION } from "../../src/contract/limits.ts";
import { createWorld, ok, refusal } from "./world.ts";

const NOT_RUNNING = "error: daemon is not running or socket is unreachable: try `agenttower ensure-daemon`\n";
const BAD_SOCKET = "error: AGENTTOWER_SOCKET must be an absolute path to a Unix socket: ";

const status = {
  alive: true,
  pid: 42,
  uptime_seconds: 7,
  start_time_utc: "2026-05-05T12:34:56.789012+00:00",
  socket_path: "/s",
  state_path: "/d",
  schema_version: SCHEMA_VERSION,
  daemon_version: "1.2.3",
  routing: {
    value: "enabled",
    routes_total: 3,
    routes_enabled: 2,
    routes_disabled: 1,
    last_routing_cycle_at: null,
    events_consumed_total: 5,
    skips_by_reason: {},
    most_stalled_route: null,
    routing_worker_degraded: false,
    degraded_routing_audit_persistence: true,
  },
};

const containerScan = {
  scan_id: "s1",
  started_at: "2026-05-05T12:00:00.000000+00:00",
  completed_at: "2026-05-05T12:00:00.250900+00:00",
  status: "ok",
  matched_count: 2,
  inactive_reconciled_count: 1,
  ignored_count: 3,
  error_code: null,
  error_message: null,
  error_details: [],
};

const paneScan = {
  ...containerScan,
  scan_id: "s2",
  containers_scanned: 1,
  sockets_scanned: 2,
  panes_seen: 3,
  panes_newly_active: 4,
  panes_reconciled_to_inactive: 5,
  containers_skipped_inactive: 6,
  containers_tmux_unavailable: 7,
};

const CONTAINER_BLOCK = "scan_id=s1\nstatus=ok\nmatched=2\ninactive_reconciled=1\nignored=3\nduration_ms=250\n";
const PANE_BLOCK =
  "scan_id=s2\nstatus=ok\ncontainers_scanned=1\nsockets_scanned=2\npanes_seen=3\npanes_newly_active=4\n" +
  "panes_reconciled_inactive=5\ncontainers_skipped_inactive=6\ncontainers_tmux_unavailable=7\nduration_ms=250\n";

/** Answers by method. */
const serving = (answers: Record<string, string>) => (line: string) =>
  answers[JSON.parse(line).method] ?? refusal("unknown_method");

describe("status", () => {
  test("six lines, then the routing block", async () => {
    using world = createWorld();
    await world.serve(serving({ status: ok(status) }));
    expect(await world.run(["status"])).toEqual({
      exit: 0,
      stderr: "",
      stdout:
        "alive=true\npid=42\nstart_time=2026-05-05T12:34:56.789012+00:00\nuptime_seconds=7\nsocket_path=/s\nstate_path=/d\n" +
        "Routing:\n  Routes: 3 total (2 enabled, 1 disabled)\n  Last cycle: (never)\n  Events consumed (since start): 5\n" +
        "  Skips by reason: (none)\n  Most stalled: (none)\n  Worker degraded: false\n  Audit buffer degraded: true\n",
    });
    expect(JSON.parse(world.requests[0] ?? "")).toEqual({ method: "status", params: {} });
  });

  test("reasons are sorted, the stalled route named", async () => {
    using world = createWorld();
    const routing = {
      ...status.routing,
      skips_by_reason: { zeta: 1, alpha: 2 },
      most_stalled_route: { route_id: "r1", lag: 9 },
      last_routing_cycle_at: "2026-05-05T12:34:56.789Z",
    };
    await world.serve(serving({ status: ok({ ...status, routing }) }));
    const { stdout } = await world.run(["status"]);
    expect(stdout).toContain("  Last cycle: 2026-05-05T12:34:56.789Z\n");
    expect(stdout).toContain("  Skips by reason:\n    alpha: 2\n    zeta: 1\n  Most stalled: r1 (lag=9)\n");
  });

  test("--json is one line; a refusal is text on stderr as well", async () => {
    using world = createWorld();
    await world.serve(serving({ status: ok(status) }));
    const { stdout } = await world.run(["status", "--json"]);
    expect(stdout).toBe(`${JSON.stringify({ ok: true, result: status })}\n`);
    using other = createWorld();
    await other.serve(serving({ status: refusal("internal_error", "broken") }));
    expect(await other.run(["status", "--json"])).toEqual({
      exit: 3,
      stdout: '{"ok":false,"error":{"code":"internal_error","message":"broken"}}\n',
      stderr: "error: broken\ncode: internal_error\n",
    });
  });
});

describe("nobody answers", () => {
  const commands = [["status"], ["scan", "--containers"], ["list-containers"], ["list-panes"]];

  test.each(commands)("%s %s", async (...words) => {
    using world = createWorld();
    await world.serve(() => null);
    const line = words.filter((word) => word !== undefined);
    const text = await world.run(line);
    expect(text).toEqual({
      exit: 2,
      stdout: "",
      stderr: `${NOT_RUNNING}detail: protocol_error: ${world.socket}: the connection was closed without an answer\n`,
    });
    const json = await world.run([...line, "--json"]);
    expect(json).toMatchObject({ exit: 2, stderr: text.stderr });
    expect(JSON.parse(json.stdout)).toMatchObject({ ok: false, error: { code: "daemon_unavailable" } });
  });

  test("stop-daemon has words of its own", async () => {
    using world = createWorld();
    await world.serve(() => null);
    const { exit, stderr } = await world.run(["stop-daemon"]);
    expect(exit).toBe(2);
    expect(stderr).toStartWith("error: no reachable daemon to stop\ndetail: protocol_error: ");
  });

  test("an answer that is none is told apart by its second line", async () => {
    using world = createWorld();
    await world.serve(() => "[1]");
    const { exit, stderr } = await world.run(["status"]);
    expect(exit).toBe(2);
    expect(stderr).toBe(
      `${NOT_RUNNING}detail: protocol_error: ${world.socket}: the answer is not an envelope of the protocol\n`,
    );
  });
});

describe("a bad AGENTTOWER_SOCKET ends every client command before anything is sent", () => {
  test.each([
    [["status", "--json"]],
    [["scan", "--panes"]],
    [["config", "paths"]],
    [["config", "doctor", "--json"]],
    [["app", "call", "app.preflight"]],
    [["app", "connect"]],
    [["ensure-daemon", "--json"]],
    [["stop-daemon"]],
  ])("%p", async (words) => {
    using world = createWorld({ AGENTTOWER_SOCKET: "relative" });
    expect(await world.run(words)).toEqual({ exit: 1, stdout: "", stderr: `${BAD_SOCKET}value is not absolute\n` });
  });
});

test("no home is one line", async () => {
  using world = createWorld({ HOME: "" });
  expect(await world.run(["config", "paths"])).toEqual({ exit: 1, stdout: "", stderr: "error: HOME is not set\n" });
});

describe("scan", () => {
  test("needs a target, before it looks for a daemon", async () => {
    using world = createWorld({ AGENTTOWER_SOCKET: "" });
    expect(await world.run(["scan", "--json"])).toEqual({
      exit: 1,
      stdout: "",
      stderr: "error: scan requires a target flag (e.g. --containers, --panes)\n",
    });
  });

  test("both: containers first, own connection each, blocks apart", async () => {
    using world = createWorld();
    await world.serve(serving({ scan_containers: ok(containerScan), scan_panes: ok(paneScan) }));
    expect(await world.run(["scan", "--panes", "--containers"])).toEqual({
      exit: 0,
      stderr: "",
      stdout: `${CONTAINER_BLOCK}\n${PANE_BLOCK}`,
    });
    expect(world.requests.map((line) => JSON.parse(line).method)).toEqual(["scan_containers", "scan_panes"]);
    expect(world.connections()).toBe(2);
    const { stdout } = await world.run(["scan", "--panes", "--containers", "--json"]);
    expect(stdout).toBe(`${ok(containerScan)}\n${ok(paneScan)}\n`);
  });

  test("a refused container scan ends it", async () => {
    using world = createWorld();
    await world.serve(serving({ scan_containers: refusal("config_invalid", "bad block"), scan_panes: ok(paneScan) }));
    expect(await world.run(["scan", "--panes", "--containers"])).toEqual({
      exit: 3,
      stdout: "",
      stderr: "error: bad block\ncode: config_invalid\n",
    });
    expect(world.requests).toHaveLength(1);
    expect(await world.run(["scan", "--containers", "--json"])).toEqual({
      exit: 3,
      stdout: '{"ok":false,"error":{"code":"config_invalid","message":"bad block"}}\n',
      stderr: "",
    });
  });

  test("a degraded container scan goes on; the exit is 5, also with --json and a quiet stderr", async () => {
    using world = createWorld();
    const degraded = {
      ...containerScan,
      status: "degraded",
      error_code: "docker_failed",
      error_message: "one\nfailed",
    };
    await world.serve(serving({ scan_containers: ok(degraded), scan_panes: ok(paneScan) }));
    const text = await world.run(["scan", "--panes", "--containers"]);
    expect(text.exit).toBe(5);
    expect(text.stderr).toBe("error: one failed\ncode: docker_failed\n");
    expect(text.stdout).toEndWith(PANE_BLOCK);
    const json = await world.run(["scan", "--containers", "--json"]);
    expect(json).toEqual({ exit: 5, stdout: `${ok(degraded)}\n`, stderr: "" });
  });

  test("details of panes: ten, then how many more; cut fields get a line", async () => {
    using world = createWorld();
    const cuts = [
      { tmux_pane_id: "%3", field: "pane_title", original_len: 5000 },
      { tmux_pane_id: "%4", field: "pane_title", original_len: 3000 },
    ];
    const entry = (n: number) => ({
      container_id: `c${n}`,
      error_code: "docker_exec_failed",
      error_message: "m\x1b[2J",
    });
    const error_details = [
      { ...entry(0), tmux_socket_path: "/tmp/s", pane_truncations: cuts },
      ...Array.from({ length: 12 }, (_, n) => entry(n + 1)),
    ];
    const degraded = {
      ...paneScan,
      status: "degraded",
      error_code: "docker_exec_failed",
      error_message: "some",
      error_details,
    };
    await world.serve(serving({ scan_panes: ok(degraded) }));
    const { exit, stderr } = await world.run(["scan", "--panes"]);
    expect(exit).toBe(5);
    expect(stderr.split("\n")).toEqual([
      "error: some",
      "code: docker_exec_failed",
      "detail: c0 [socket=/tmp/s] docker_exec_failed: m[2J",
      "detail: c0 [socket=/tmp/s] truncated pane_title=5000chars on pane %3 (+1 more)",
      ...Array.from({ length: 9 }, (_, n) => `detail: c${n + 1} docker_exec_failed: m[2J`),
      "detail: ... (3 more)",
      "",
    ]);
  });

  test("a clock that was set back gives no negative duration", async () => {
    using world = createWorld();
    await world.serve(
      serving({ scan_containers: ok({ ...containerScan, completed_at: "2020-01-01T00:00:00.000000+00:00" }) }),
    );
    expect((await world.run(["scan", "--containers"])).stdout).toContain("duration_ms=0\n");
  });
});

describe("lists", () => {
  const at = "2026-05-05T12:00:00.000000+00:00";
  const container = {
    id: "a".repeat(64),
    name: "py\tbench",
    image: "img",
    status: "running",
    active: true,
    last_scanned_at: at,
  };
  const pane = {
    container_id: container.id,
    container_name: "py-bench",
    tmux_socket_path: "/tmp/s",
    tmux_session_name: "main",
    tmux_window_index: 0,
    tmux_pane_index: 1,
    tmux_pane_id: "%1",
    pane_pid: 9,
    pane_tty: "/dev/pts/1",
    pane_current_command: "sh",
    pane_current_path: "/w\nx",
    pane_title: "t",
    pane_active: true,
    active: false,
    last_scanned_at: at,
  };

  test("containers", async () => {
    using world = createWorld();
    await world.serve(serving({ list_containers: ok({ filter: "active_only", containers: [container] }) }));
    const { exit, stdout } = await world.run(["list-containers", "--active-only"]);
    expect(exit).toBe(0);
    expect(stdout).toBe(
      `ACTIVE\tID\tNAME\tIMAGE\tSTATUS\tLAST_SCANNED\n1\t${container.id}\tpy bench\timg\trunning\t${at}\n`,
    );
    expect(JSON.parse(world.requests[0] ?? "").params).toEqual({ active_only: true });
  });

  test("panes", async () => {
    using world = createWorld();
    await world.serve(serving({ list_panes: ok({ filter: "all", container_filter: "py", panes: [pane] }) }));
    const { stdout } = await world.run(["list-panes", "--container", "py"]);
    expect(stdout).toBe(
      "ACTIVE\tFOCUSED\tCONTAINER\tSOCKET\tSESSION\tW\tP\tPANE_ID\tPID\tTTY\tCOMMAND\tCWD\tLAST_SCANNED\n" +
        `0\t1\tpy-bench\t/tmp/s\tmain\t0\t1\t%1\t9\t/dev/pts/1\tsh\t/w x\t${at}\n`,
    );
    expect(JSON.parse(world.requests[0] ?? "").params).toEqual({ active_only: false, container: "py" });
  });

  test("no rows: the header alone", async () => {
    using world = createWorld();
    await world.serve(serving({ list_containers: ok({ filter: "all", containers: [] }) }));
    expect((await world.run(["list-containers"])).stdout).toBe("ACTIVE\tID\tNAME\tIMAGE\tSTATUS\tLAST_SCANNED\n");
  });

  test.each([
    ["host_context_unsupported", 1],
    ["agent_not_found", 4],
    ["bad_request", 3],
    ["a_code_of_the_future", 3],
  ])("%s is exit %p", async (code, exit) => {
    using world = createWorld();
    await world.serve(serving({ list_panes: refusal(code) }));
    expect(await world.run(["list-panes", "--json"])).toEqual({
      exit,
      stdout: `{"ok":false,"error":{"code":"${code}","message":"no"}}\n`,
      stderr: "",
    });
  });

  test("five thousand panes are printed whole", async () => {
    using world = createWorld();
    const panes = Array.from({ length: 5000 }, (_, n) => ({ ...pane, tmux_pane_id: `%${n}` }));
    await world.serve(serving({ list_panes: ok({ filter: "all", container_filter: null, panes }) }));
    const { stdout } = await world.run(["list-panes", "--json"]);
    expect(JSON.parse(stdout).result.panes).toHaveLength(5000);
  });
});

describe("config paths", () => {
  const keys = [
    "CONFIG_FILE",
    "STATE_DB",
    "EVENTS_FILE",
    "LOGS_DIR",
    "SOCKET",
    "CACHE_DIR",
    "SOCKET_SOURCE",
    "EVENTS_READER_CYCLE_WALLCLOCK_CAP_SECONDS",
    "EVENTS_PER_CYCLE_BYTE_CAP_BYTES",
    "EVENTS_PER_EVENT_EXCERPT_CAP_BYTES",
    "EVENTS_DEBOUNCE_ACTIVITY_WINDOW_SECONDS",
    "EVENTS_PANE_EXITED_GRACE_SECONDS",
    "EVENTS_LONG_RUNNING_GRACE_SECONDS",
    "EVENTS_DEFAULT_PAGE_SIZE",
    "EVENTS_MAX_PAGE_SIZE",
    "EVENTS_FOLLOW_LONG_POLL_MAX_SECONDS",
    "EVENTS_FOLLOW_SESSION_IDLE_TIMEOUT_SECONDS",
  ];
  const configure = (home: string, toml: string): string => {
    const dir = join(home, ".config/opensoft/agenttower");
    mkdirSync(dir, { recursive: true });
    writeFileSync(join(dir, "config.toml"), toml);
    return join(dir, "config.toml");
  };

  test("seventeen keys in order; seconds have a point, counts none", async () => {
    using world = createWorld();
    await world.serve(() => null);
    configure(world.home, "[events]\nlong_running_grace_seconds = 2.5\nreader_cycle_wallclock_cap_seconds = 3\n");
    const { exit, stdout } = await world.run(["config", "paths"]);
    expect(exit).toBe(0);
    const pairs = stdout
      .split("\n")
      .slice(0, -1)
      .map((line) => line.split("="));
    expect(pairs.map(([key]) => key ?? "")).toEqual(keys);
    const values = Object.fromEntries(pairs);
    expect(values).toMatchObject({
      SOCKET: world.socket,
      SOCKET_SOURCE: "env_override",
      EVENTS_LONG_RUNNING_GRACE_SECONDS: "2.5",
      EVENTS_READER_CYCLE_WALLCLOCK_CAP_SECONDS: "3.0",
      EVENTS_FOLLOW_SESSION_IDLE_TIMEOUT_SECONDS: "300.0",
      EVENTS_PER_CYCLE_BYTE_CAP_BYTES: "65536",
    });
    expect(world.requests).toEqual([]);
  });

  test.each([
    ["[events]\ndefault_page_size = 51", "[events] default_page_size: must be an integer from 1 to 50"],
    ["[events]\nnonsense = 1", "[events] nonsense: unknown key"],
    ["[events", "failed to parse: "],
  ])("%p prints nothing but one error line", async (toml, reason) => {
    using world = createWorld();
    await world.serve(() => null);
    const file = configure(world.home, toml);
    const { exit, stdout, stderr } = await world.run(["config", "paths"]);
    expect([exit, stdout]).toEqual([1, ""]);
    expect(stderr).toStartWith(`error: config invalid: ${file}: ${reason}`);
    expect(stderr.trim()).not.toContain("\n");
  });
});

describe("usage", () => {
  test("an unknown option: usage and one error line on stderr, nothing sent", async () => {
    using world = createWorld();
    await world.serve(() => null);
    expect(await world.run(["status", "--jsn"])).toEqual({
      exit: 2,
      stdout: "",
      stderr: "usage: agenttower status [OPTIONS]\nerror: unknown option '--jsn'; did you mean --json?\n",
    });
    expect(world.requests).toEqual([]);
  });

  test("no arguments: usage on stdout", async () => {
    using world = createWorld();
    const { exit, stdout, stderr } = await world.run([]);
    expect([exit, stderr]).toEqual([0, ""]);
    expect(stdout).toStartWith("usage: agenttower ");
  });
});
