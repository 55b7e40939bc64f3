/** The host's own tmux as a bench (00 §7), with real tmux servers on private sockets, without any Engine. */
import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createTower, type Envelope, type Tower } from "./tower.ts";

const dir = mkdtempSync(join(tmpdir(), "at-host-"));
const socket = (name: string) => join(dir, name);

function tmux(name: string, ...argv: string[]): string {
  const ran = Bun.spawnSync(["tmux", "-f", "/dev/null", "-S", socket(name), ...argv], {
    env: { ...process.env, TMUX: "" },
  });
  if (ran.exitCode !== 0) throw new Error(`tmux ${argv.join(" ")}: ${ran.stderr.toString()}`);
  return ran.stdout.toString().trim();
}

afterAll(() => {
  for (const name of ["one", "two"]) Bun.spawnSync(["tmux", "-S", socket(name), "kill-server"]);
  rmSync(dir, { recursive: true, force: true });
});

async function hostTower(names: string[]): Promise<Tower> {
  const sockets = JSON.stringify(names.map(socket));
  const tower = await createTower({
    config: `[containers]\nscan_interval_seconds = 0\n[host]\nenabled = true\nsockets = ${sockets}\n`,
  });
  await tower.start();
  return tower;
}

test("is a bench like others: row, panes, app views, and a warning at every start", async () => {
  tmux("one", "new-session", "-d", "-s", "work", "sh");
  tmux("one", "split-window", "-t", "work", "sh");
  tmux("two", "new-session", "-d", "-s", "side", "sh");
  await using tower = await hostTower(["one", "two", "missing"]);
  expect(tower.log("config_warning").map((line) => line.fields["key"])).toEqual(["host.enabled"]);

  // No Engine: the list's code, no details, and the host row all the same.
  const scan = await tower.run(["scan", "--containers", "--json"]);
  expect(scan.code).toBe(5);
  expect(JSON.parse(scan.stdout).result).toMatchObject({
    status: "degraded",
    error_code: "docker_unavailable",
    error_details: [],
    matched_count: 0,
    ignored_count: 0,
  });
  const { result } = await tower.json(["list-containers"]);
  expect(result.containers).toMatchObject([
    {
      id: expect.stringMatching(/^[0-9a-f]{64}$/),
      name: "host",
      image: "",
      status: "running",
      labels: { "agenttower.kind": "host" },
      active: true,
    },
  ]);

  // No active Docker row: no Engine call is made and the scan is healthy.
  const panes = await tower.json(["scan", "--panes"]);
  expect(panes.result).toMatchObject({ status: "ok", panes_seen: 3, panes_newly_active: 3, sockets_scanned: 2 });
  const rows = tower.rows(
    "SELECT tmux_socket_path, tmux_session_name, container_name FROM panes ORDER BY 1, tmux_pane_index",
  );
  expect(rows).toEqual([
    { tmux_socket_path: socket("one"), tmux_session_name: "work", container_name: "host" },
    { tmux_socket_path: socket("one"), tmux_session_name: "work", container_name: "host" },
    { tmux_socket_path: socket("two"), tmux_session_name: "side", container_name: "host" },
  ]);

  const session = await tower.session();
  const list = await session.call("app.container.list");
  expect(list.result.rows).toMatchObject([{ name: "host", kind: "host", state: "active", pane_count: 3 }]);
  const app = await session.call("app.scan.containers");
  expect(app.result).toMatchObject({
    state: "completed",
    result: { status: "degraded", error_code: "docker_unavailable" },
  });
  const dashboard = await session.call("app.dashboard");
  expect(dashboard.result.hints.map((hint: Envelope) => hint.code)).toEqual(["register_first_agent"]);

  const before = rows.length;
  tmux("one", "kill-pane", "-t", "work:0.1");
  expect((await tower.json(["scan", "--panes"])).result).toMatchObject({
    panes_seen: before - 1,
    panes_reconciled_to_inactive: 1,
  });
});

test("switched off again it goes inactive, with its panes", async () => {
  tmux("one", "new-session", "-d", "-s", "again", "sh");
  await using tower = await hostTower(["one"]);
  await tower.run(["scan", "--containers", "--panes"]);
  await tower.json(["scan", "--panes"]);
  expect(tower.rows("SELECT active FROM containers")).toEqual([{ active: 1 }]);
  tower.configure("[containers]\nscan_interval_seconds = 0\n");
  await tower.run(["scan", "--containers"]);
  await tower.json(["scan", "--panes"]);
  expect(tower.rows("SELECT DISTINCT active FROM panes")).toEqual([{ active: 0 }]);
});

test("a bad [host] block is config_invalid and changes nothing", async () => {
  await using tower = await hostTower(["one"]);
  await tower.run(["scan", "--containers"]);
  const before = tower.rows("SELECT * FROM containers");
  for (const block of [
    "enabled = 1",
    "enabled = true\nsockets = []",
    "enabled = true\nnope = 1",
    'enabled = true\nsockets = ["../x"]',
  ]) {
    tower.configure(`[host]\n${block}\n`);
    const { code, stderr } = await tower.run(["scan", "--containers"]);
    expect([block, code]).toEqual([block, 3]);
    expect(stderr).toContain("code: config_invalid");
    expect(tower.rows("SELECT * FROM containers")).toEqual(before);
  }
});
