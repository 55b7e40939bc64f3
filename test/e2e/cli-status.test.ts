/** What is read from a running daemon: acceptance checks 23 and 24 of 01 §18, and the tables of 02 §10. */
import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { containerId, containerRow, paneRow } from "../support/rows.ts";
import { createTower, type Tower } from "./tower.ts";

const QUIET = "[containers]\nscan_interval_seconds = 0\n";

/** Writes rows into a table of a registry whose daemon is not running. */
function seed(tower: Tower, table: string, rows: readonly object[]): void {
  const registry = new Database(tower.database);
  try {
    const [first = {}] = rows;
    const columns = Object.keys(first);
    const insert = registry.prepare(
      `INSERT INTO ${table} (${columns.join(", ")}) VALUES (${columns.map(() => "?").join(", ")})`,
    );
    registry.transaction(() => {
      for (const row of rows) insert.run(...(Object.values(row) as (string | number | null)[]));
    })();
  } finally {
    registry.close();
  }
}

test("check 23: 5,000 panes are all printed", async () => {
  await using tower = await createTower({ config: QUIET });
  await tower.init();
  const ids = Array.from({ length: 10 }, (_, index) => containerId(index.toString(16)));
  seed(
    tower,
    "containers",
    ids.map((container_id, index) => containerRow({ container_id, name: `bench-${index}` })),
  );
  seed(
    tower,
    "panes",
    Array.from({ length: 5000 }, (_, index) =>
      paneRow({
        container_id: ids[index % 10] ?? "",
        container_name: `bench-${index % 10}`,
        tmux_window_index: index,
        tmux_pane_id: `%${index}`,
        pane_current_path: `/work/${"project-".repeat(12)}${index}`,
        active: index % 5 === 0 ? 0 : 1,
      }),
    ),
  );
  await tower.start();
  const listed = await tower.run(["list-panes", "--json"]);
  expect({ code: listed.code, stderr: listed.stderr }).toEqual({ code: 0, stderr: "" });
  const { ok, result } = JSON.parse(listed.stdout);
  expect(ok).toBe(true);
  expect(result.panes).toHaveLength(5000);
  expect(new Set(result.panes.map((pane: { tmux_pane_id: string }) => pane.tmux_pane_id)).size).toBe(5000);
  expect((await tower.json(["list-panes", "--active-only"])).result.panes).toHaveLength(4000);
  expect((await tower.json(["list-panes", "--container", "bench-3"])).result.panes).toHaveLength(500);

  const text = await tower.run(["list-panes"]);
  const lines = text.stdout.trimEnd().split("\n");
  expect(lines).toHaveLength(5001);
  expect(lines[0]).toBe(
    "ACTIVE\tFOCUSED\tCONTAINER\tSOCKET\tSESSION\tW\tP\tPANE_ID\tPID\tTTY\tCOMMAND\tCWD\tLAST_SCANNED",
  );
  for (const line of lines) expect(line.split("\t")).toHaveLength(13);
});

test("tables without rows are their header; hostile text stays on its line", async () => {
  await using tower = await createTower({ config: QUIET });
  await tower.start();
  const empty = {
    "list-containers": "ACTIVE\tID\tNAME\tIMAGE\tSTATUS\tLAST_SCANNED\n",
    "list-panes": "ACTIVE\tFOCUSED\tCONTAINER\tSOCKET\tSESSION\tW\tP\tPANE_ID\tPID\tTTY\tCOMMAND\tCWD\tLAST_SCANNED\n",
  };
  for (const [command, stdout] of Object.entries(empty)) {
    expect(await tower.run([command])).toEqual({ code: 0, stdout, stderr: "" });
  }
  await tower.stop();
  const container_id = containerId("a");
  const hostile = "a\tb\nc\u001b[2Jd\u0000e\u007ff\u009bg\u202eh";
  seed(tower, "containers", [containerRow({ container_id, name: hostile, image: hostile, status: hostile })]);
  seed(tower, "panes", [
    paneRow({ container_id, container_name: hostile, pane_current_command: hostile, pane_current_path: hostile }),
  ]);
  await tower.start();
  for (const command of Object.keys(empty)) {
    const { stdout } = await tower.run([command]);
    const lines = stdout.trimEnd().split("\n");
    expect(lines).toHaveLength(2);
    expect(lines[1]?.split("\t")).toHaveLength(lines[0]?.split("\t").length ?? 0);
    expect(stdout).toContain("a b c[2Jdefgh");
    expect(stdout).not.toMatch(/[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]/);
    const json = await tower.run([command, "--json"]);
    expect(json.stdout.trimEnd()).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202e]/);
  }
});

test("check 24: twelve keys with their types; text in its order, then the routing block", async () => {
  await using tower = await createTower({ config: QUIET });
  const pid = await tower.start();
  const { stdout } = await tower.run(["status", "--json"]);
  expect(stdout.endsWith("\n")).toBe(true);
  expect(stdout.trimEnd()).not.toContain("\n");
  const answer = JSON.parse(stdout);
  expect(Object.keys(answer)).toEqual(["ok", "result"]);
  expect(answer.result).toEqual({
    alive: true,
    pid,
    start_time_utc: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00$/),
    uptime_seconds: expect.any(Number),
    socket_path: tower.socket,
    state_path: tower.stateDir,
    schema_version: 9,
    daemon_version: (await tower.run(["--version"])).stdout.trim().replace("agenttower ", ""),
    events_reader: {
      running: expect.any(Boolean),
      last_cycle_started_at: null,
      last_cycle_duration_ms: null,
      active_attachments: 0,
      attachments_in_failure: [],
    },
    events_persistence: { degraded_sqlite: null, degraded_jsonl: null },
    routing: {
      value: "enabled",
      last_updated_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      last_updated_by: "(daemon-init)",
      routes_total: 0,
      routes_enabled: 0,
      routes_disabled: 0,
      last_routing_cycle_at: null,
      events_consumed_total: 0,
      skips_by_reason: {},
      most_stalled_route: null,
      routing_worker_degraded: false,
      degraded_routing_audit_persistence: false,
    },
    queue_audit: { degraded: false, pending_rows: 0, last_failure_exc_class: null },
  });
  expect(Number.isInteger(answer.result.uptime_seconds) && answer.result.uptime_seconds >= 0).toBe(true);
  expect(Object.keys(answer.result)).toHaveLength(12);

  const text = await tower.run(["status"]);
  expect({ code: text.code, stderr: text.stderr }).toEqual({ code: 0, stderr: "" });
  const lines = text.stdout.trimEnd().split("\n");
  expect(lines.slice(0, 6).map((line) => line.split("=")[0])).toEqual([
    "alive",
    "pid",
    "start_time",
    "uptime_seconds",
    "socket_path",
    "state_path",
  ]);
  expect(lines[0]).toBe("alive=true");
  expect(lines[1]).toBe(`pid=${pid}`);
  expect(lines[2]).toBe(`start_time=${answer.result.start_time_utc}`);
  expect(lines.slice(6, 9)).toEqual(["Routing:", "  Routes: 0 total (0 enabled, 0 disabled)", lines[8] ?? ""]);
  expect(lines[8]).toStartWith("  Last cycle: ");
  expect(lines.slice(9)).toEqual([
    "  Events consumed (since start): 0",
    "  Skips by reason: (none)",
    "  Most stalled: (none)",
    "  Worker degraded: false",
    "  Audit buffer degraded: false",
  ]);
  expect(await tower.run(["daemon", "status"])).toMatchObject({ code: 0, stderr: "" });
});
