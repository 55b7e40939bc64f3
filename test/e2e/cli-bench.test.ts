/** The client in a real container (01 §10, §11): acceptance checks 27 to 29 of 01 §18 on a real Engine with real tmux. */
import { afterAll, beforeEach, expect, test } from "bun:test";
import { chmodSync, copyFileSync, mkdirSync } from "node:fs";
import { basename, join } from "node:path";
import { type TestBench, testEngine } from "../support/engine.ts";
import { until } from "../support/until.ts";
import { createTower, type Envelope, executable, type Tower } from "./tower.ts";

const engine = await testEngine();
const QUIET = "[containers]\nscan_interval_seconds = 0\n";
const USER = String(process.getuid?.() ?? 0);
/** Where the executable and what it is linked with lie in a bench. */
const PLACE = "/opt/agenttower";

beforeEach(() => engine.clear());
afterAll(() => engine.clear());

/** A tower whose daemon sees the Engine, and a folder with the executable and its libraries to be mounted. */
async function towerWithClient(): Promise<{ tower: Tower; client: string; mounts: string[] }> {
  const tower = await createTower({ dockerHost: engine.dockerHost, config: QUIET });
  const client = join(tower.dir, "client");
  mkdirSync(client);
  chmodSync(tower.dir, 0o755);
  const program = await executable();
  copyFileSync(program, join(client, "agenttower"));
  chmodSync(join(client, "agenttower"), 0o755);
  const libraries = Bun.spawnSync(["ldd", program]).stdout.toString();
  for (const [library] of libraries.matchAll(/\/\S+(?= \(0x)/g)) copyFileSync(library, join(client, basename(library)));
  await tower.start();
  const mounts = [`${client}:${PLACE}:ro`];
  return { tower, client, mounts };
}

const mountOf = (tower: Tower) => `${tower.socket}:/run/agenttower/agenttowerd.sock`;

/** The client in a bench, as a process of the daemon's user. */
const clientIn = (bench: TestBench, words: string[], env: string[] = []) =>
  bench.exec(["env", `LD_LIBRARY_PATH=${PLACE}`, "HOME=/tmp/home", ...env, `${PLACE}/agenttower`, ...words], {
    user: USER,
  });

/** Runs a command line in a pane and waits for its output and exit code. */
async function inPane(
  bench: TestBench,
  pane: string,
  words: string,
  name: string,
): Promise<{ code: number; stdout: string }> {
  const line = `HOME=/tmp/home LD_LIBRARY_PATH=${PLACE} ${PLACE}/agenttower ${words} >/tmp/${name} 2>/tmp/${name}.err; echo $? >/tmp/${name}.rc`;
  await bench.tmux(["send-keys", "-t", pane, line, "Enter"], { user: USER });
  const rc = await until(async () => {
    const { exitCode, stdout } = await bench.exec(["cat", `/tmp/${name}.rc`]);
    return exitCode === 0 && stdout.endsWith("\n") ? stdout : null;
  }, `the end of ${words}`);
  expect(await bench.must(["cat", `/tmp/${name}.err`])).toBe("");
  return { code: Number(rc), stdout: await bench.must(["cat", `/tmp/${name}`]) };
}

test("check 27: the mounted socket; without it exit 2", async () => {
  const { tower, mounts } = await towerWithClient();
  await using _tower = tower;
  await using bench = await engine.bench({ name: "py-bench", mounts: [...mounts, mountOf(tower)] });
  await using bare = await engine.bench({ name: "bare-bench", mounts });

  const paths = await clientIn(bench, ["config", "paths"]);
  expect(paths.exitCode).toBe(0);
  expect(paths.stdout).toContain("SOCKET=/run/agenttower/agenttowerd.sock\n");
  expect(paths.stdout).toContain("SOCKET_SOURCE=mounted_default\n");
  const inside = await clientIn(bench, ["status", "--json"]);
  expect({ exitCode: inside.exitCode, stderr: inside.stderr }).toEqual({ exitCode: 0, stderr: "" });
  const host = await tower.json(["status"]);
  expect({ ...JSON.parse(inside.stdout).result, uptime_seconds: 0 }).toEqual({ ...host.result, uptime_seconds: 0 });

  // The daemon's other methods as well; the app namespace is the host's.
  expect((await clientIn(bench, ["scan", "--containers"])).exitCode).toBe(0);
  expect((await clientIn(bench, ["list-containers"])).stdout).toContain(bench.id);
  const app = await clientIn(bench, ["app", "call", "app.dashboard"]);
  expect(app.exitCode).toBe(1);
  expect(JSON.parse(app.stdout).error).toMatchObject({ code: "host_only", details: {} });

  const without = await clientIn(bare, ["status"]);
  expect({ exitCode: without.exitCode, stdout: without.stdout }).toEqual({ exitCode: 2, stdout: "" });
  expect(without.stderr).toStartWith("error: daemon is not running or socket is unreachable");
});

test("checks 28 and 29: the doctor in panes of three benches that all have %0", async () => {
  const { tower, mounts } = await towerWithClient();
  await using _tower = tower;
  const all = [...mounts, mountOf(tower)];
  await using first = await engine.bench({ name: "a-bench", mounts: all, user: USER });
  await using second = await engine.bench({ name: "b-bench", mounts: all, user: USER });
  await using third = await engine.bench({ name: "c-bench", mounts: all, user: USER });
  const benches = [first, second, third];
  for (const bench of benches) expect(await bench.pane("main")).toBe("%0");

  // Before the daemon has looked it knows no container.
  const early = await clientIn(first, ["config", "doctor", "--json"]);
  expect(early.exitCode).toBe(5);
  expect(JSON.parse(early.stdout).checks.container_identity).toMatchObject({
    status: "fail",
    sub_code: "no_match",
    daemon_container_set_empty: true,
  });
  await tower.json(["scan", "--containers"]);
  await tower.json(["scan", "--panes"]);

  for (const bench of benches) {
    const { code, stdout } = await inPane(bench, "%0", "config doctor --json", "doctor");
    const { summary, checks }: Envelope = JSON.parse(stdout);
    expect(summary).toEqual({ exit_code: 0, total: 6, passed: 6, warned: 0, failed: 0, info: 0 });
    expect(code).toBe(0);
    expect(checks.socket_resolved.source).toBe("mounted_default");
    expect(checks.container_identity).toMatchObject({
      sub_code: "unique_match",
      details: `unique_match: ${bench.id} (${bench.name})`,
    });
    expect(checks.tmux_pane_match).toMatchObject({
      sub_code: "pane_match",
      details: `pane_match: %0 in ${bench.name}:main`,
    });
  }

  // A pane that came after the scan; then one more look.
  const late = await first.pane("late", { user: USER });
  const unknown = await inPane(first, late, "config doctor --json", "late");
  expect(unknown.code).toBe(5);
  expect(JSON.parse(unknown.stdout).checks.tmux_pane_match).toMatchObject({ sub_code: "pane_unknown_to_daemon" });
  await tower.json(["scan", "--panes"]);
  expect((await inPane(first, late, "config doctor", "again")).code).toBe(0);

  // Outside tmux the container is still found.
  const plain = await clientIn(second, ["config", "doctor", "--json"]);
  expect(plain.exitCode).toBe(0);
  expect(JSON.parse(plain.stdout).checks.tmux_present.sub_code).toBe("not_in_tmux");
});
