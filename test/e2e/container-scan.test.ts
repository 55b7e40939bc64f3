/** Acceptance checks 1–15 of 02 §15: the compiled executable against a real Engine, and against one that misbehaves. */
import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import { chmodSync, existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { testEngine } from "../support/engine.ts";
import { createFaultyEngine, type Fault } from "../support/faulty-engine.ts";
import { createTower, type Envelope, type Tower } from "./tower.ts";

const engine = await testEngine();
const manual = (names: string) => `[containers]\nname_contains = ${names}\nscan_interval_seconds = 0\n`;

beforeEach(() => engine.clear());
afterAll(() => engine.clear());

async function towerOn(dockerHost = engine.dockerHost, names = '["bench"]'): Promise<Tower> {
  const tower = await createTower({ dockerHost, config: manual(names) });
  await tower.start();
  return tower;
}

const containers = (tower: Tower): Envelope[] => tower.rows("SELECT * FROM containers ORDER BY name");
const scans = (tower: Tower): Envelope[] => tower.rows("SELECT * FROM container_scans ORDER BY started_at");

test("1: one bench among others; every key of the container object", async () => {
  await using _bench = await engine.bench({ name: "py-bench", labels: { team: "a" }, workingDir: "/home/dev" });
  await using _other = await engine.bench({ name: "redis" });
  await using tower = await towerOn();
  const { code, stdout, stderr } = await tower.run(["scan", "--containers"]);
  expect(stderr).toBe("");
  expect(code).toBe(0);
  const lines = stdout.trimEnd().split("\n");
  expect(lines.map((line) => line.split("=")[0])).toEqual([
    "scan_id",
    "status",
    "matched",
    "inactive_reconciled",
    "ignored",
    "duration_ms",
  ]);
  expect(lines).toContain("matched=1");
  expect(lines).toContain("ignored=1");
  const listed = await tower.json(["list-containers"]);
  expect(listed).toEqual({
    ok: true,
    result: {
      filter: "all",
      containers: [
        {
          id: expect.stringMatching(/^[0-9a-f]{64}$/),
          name: "py-bench",
          image: "agenttower-bench:latest",
          status: "running",
          labels: { team: "a" },
          mounts: [],
          active: true,
          first_seen_at: expect.stringMatching(/\.\d{6}\+00:00$/),
          last_scanned_at: expect.stringMatching(/\.\d{6}\+00:00$/),
          config_user: null,
          working_dir: "/home/dev",
        },
      ],
    },
  });
});

test("2 and 3: ten containers, three matching; none at all is a healthy result", async () => {
  await using tower = await towerOn();
  expect((await tower.run(["scan", "--containers"])).code).toBe(0);
  expect(scans(tower)).toMatchObject([{ status: "ok", matched_count: 0, ignored_count: 0, error_code: null }]);
  expect(existsSync(tower.eventsFile)).toBe(false);

  await Promise.all(
    Array.from({ length: 10 }, (_, index) => engine.bench({ name: index < 3 ? `BENCH-${index}` : `other-${index}` })),
  );
  expect((await tower.run(["scan", "--containers"])).code).toBe(0);
  expect(containers(tower)).toHaveLength(3);
  for (const row of containers(tower)) {
    expect(row.active).toBe(1);
    expect(row.container_id).toMatch(/^[0-9a-f]{64}$/);
  }
});

test("4: an edit of the rule needs no restart", async () => {
  await using _bench = await engine.bench({ name: "py-bench" });
  await using _dev = await engine.bench({ name: "api-dev" });
  await using tower = await towerOn(engine.dockerHost, '["bench","dev"]');
  await tower.json(["scan", "--containers"]);
  expect(containers(tower).map((row) => [row.name, row.active])).toEqual([
    ["api-dev", 1],
    ["py-bench", 1],
  ]);
  tower.configure(manual('["dev"]'));
  const scan = await tower.json(["scan", "--containers"]);
  expect(scan.result.inactive_reconciled_count).toBe(1);
  expect(containers(tower).map((row) => [row.name, row.active])).toEqual([
    ["api-dev", 1],
    ["py-bench", 0],
  ]);
});

describe("5: every fault of the rule", () => {
  const faults: [toml: string, phrase: string][] = [
    ["[containers\n", "failed to parse"],
    ["containers = 1\n", "must be a TOML table"],
    [manual('"bench"'), "must be a list of strings"],
    [manual("[]"), "must be a non-empty list"],
    [manual('["bench", 42]'), "must be a string"],
    [manual('["  "]'), "blank after strip()"],
    [manual(JSON.stringify(Array.from({ length: 33 }, (_, index) => `n${index}`))), "max is 32"],
    [manual(JSON.stringify(["n".repeat(129)])), "max is 128"],
    ["[containers]\nscan_interval_seconds = 3601\n", "must be an integer from 0 to 3600"],
  ];
  test("is config_invalid with its phrase, without a request to the Engine", async () => {
    await using _bench = await engine.bench({ name: "py-bench" });
    await using proxy = await createFaultyEngine(engine.socketPath);
    await using tower = await towerOn(proxy.dockerHost);
    await tower.json(["scan", "--containers"]);
    const before = containers(tower);
    for (const [index, [toml, phrase]] of faults.entries()) {
      tower.configure(toml);
      proxy.requests.length = 0;
      const { code, stdout, stderr } = await tower.run(["scan", "--containers"]);
      expect([phrase, code, stdout]).toEqual([phrase, 3, ""]);
      expect(stderr).toContain(phrase);
      expect(stderr).toContain("code: config_invalid");
      expect(proxy.requests.filter((request) => request.includes("/containers/"))).toEqual([]);
      expect(containers(tower)).toEqual(before);
      expect(scans(tower).at(-1)).toMatchObject({ status: "degraded", error_code: "config_invalid", matched_count: 0 });
      expect(tower.events()).toHaveLength(index + 1);
    }
  });
});

test("6: entries are plain text", async () => {
  const proof = "/tmp/agenttower-rule-is-text";
  await using _bench = await engine.bench({ name: "py-bench" });
  await using tower = await towerOn(engine.dockerHost, `["$(touch ${proof})", "b.nch", "*"]`);
  const scan = await tower.json(["scan", "--containers"]);
  expect(scan.result).toMatchObject({ status: "ok", matched_count: 0, ignored_count: 1 });
  expect(existsSync(proof)).toBe(false);
});

test("7: stopped and started again keeps its first_seen_at; the real status is written", async () => {
  await using bench = await engine.bench({ name: "py-bench" });
  await using tower = await towerOn();
  await tower.json(["scan", "--containers"]);
  const [first] = containers(tower);
  await bench.stop();
  await tower.json(["scan", "--containers"]);
  expect(containers(tower)).toMatchObject([{ active: 0, first_seen_at: first.first_seen_at, status: "exited" }]);
  await bench.start();
  await tower.json(["scan", "--containers"]);
  expect(containers(tower)).toMatchObject([{ active: 1, first_seen_at: first.first_seen_at, status: "running" }]);
});

describe("8, 9, 10: inspects that fail", () => {
  test("one of two fails: degraded, the known row only touched, the unknown one not made", async () => {
    await using good = await engine.bench({ name: "a-bench" });
    await using bad = await engine.bench({ name: "b-bench" });
    await using proxy = await createFaultyEngine(engine.socketPath);
    await using tower = await towerOn(proxy.dockerHost);
    proxy.fault(new RegExp(`GET .*/containers/${bad.id}/json`), { kind: "answer", status: 500, body: "{}" });
    const scan = await tower.run(["scan", "--containers", "--json"]);
    expect(scan.code).toBe(5);
    expect(JSON.parse(scan.stdout).result).toMatchObject({
      status: "degraded",
      error_code: "docker_failed",
      error_message: "1 of 2 candidates failed inspect",
      error_details: [{ container_id: bad.id, error_code: "docker_failed" }],
    });
    expect(containers(tower).map((row) => row.container_id)).toEqual([good.id]);
    expect(tower.events()).toMatchObject([
      {
        type: "container_scan_degraded",
        payload: { error_code: "docker_failed", status: "degraded", matched_count: 2 },
      },
    ]);

    proxy.heal();
    await tower.json(["scan", "--containers"]);
    const known = containers(tower).find((row) => row.container_id === bad.id);
    proxy.fault(new RegExp(`GET .*/containers/${bad.id}/json`), { kind: "answer", status: 500, body: "{}" });
    await tower.run(["scan", "--containers"]);
    const touched = containers(tower).find((row) => row.container_id === bad.id);
    expect(touched.last_scanned_at > known.last_scanned_at).toBe(true);
    expect({ ...touched, last_scanned_at: known.last_scanned_at }).toEqual(known);
  });

  test("a known inactive one whose inspect fails stays inactive", async () => {
    await using bench = await engine.bench({ name: "py-bench" });
    await using proxy = await createFaultyEngine(engine.socketPath);
    await using tower = await towerOn(proxy.dockerHost);
    await tower.json(["scan", "--containers"]);
    await bench.stop();
    await tower.json(["scan", "--containers"]);
    const [before] = containers(tower);
    await bench.start();
    proxy.fault(/GET .*\/containers\/[0-9a-f]{64}\/json/, { kind: "answer", status: 500, body: "{}" });
    expect((await tower.run(["scan", "--containers"])).code).toBe(5);
    const [after] = containers(tower);
    expect(after).toEqual({ ...before, last_scanned_at: after.last_scanned_at });
    expect(after.active).toBe(0);
    expect(after.last_scanned_at > before.last_scanned_at).toBe(true);
  });

  test("gone between list and inspect: no row, no error", async () => {
    await using bench = await engine.bench({ name: "py-bench" });
    await using proxy = await createFaultyEngine(engine.socketPath);
    await using tower = await towerOn(proxy.dockerHost);
    const gone: Fault = { kind: "answer", status: 404, body: '{"message":"No such container"}' };
    proxy.fault(new RegExp(`GET .*/containers/${bench.id}/json`), gone);
    const scan = await tower.json(["scan", "--containers"]);
    expect(scan.result).toMatchObject({ status: "ok", matched_count: 1, error_details: [] });
    expect(containers(tower)).toEqual([]);
    proxy.heal();
    await tower.json(["scan", "--containers"]);
    proxy.fault(new RegExp(`GET .*/containers/${bench.id}/json`), gone);
    const second = await tower.json(["scan", "--containers"]);
    expect(second.result).toMatchObject({ status: "ok", matched_count: 1, inactive_reconciled_count: 1 });
    expect(containers(tower)).toMatchObject([{ active: 0 }]);
  });
});

describe("11: the Engine fails as a whole", () => {
  const list = /GET .*\/containers\/json/;
  const cases: [name: string, code: string, fault: Fault][] = [
    ["silent", "docker_timeout", { kind: "hang" }],
    ["HTTP 500", "docker_failed", { kind: "answer", status: 500, body: '{"message":"boom"}' }],
    ["HTTP 403", "docker_permission_denied", { kind: "answer", status: 403, body: '{"message":"plugin says no"}' }],
    ["HTML", "docker_malformed", { kind: "answer", status: 200, body: "<html></html>" }],
    ["an id missing", "docker_malformed", { kind: "answer", status: 200, body: '[{"Names":["/x-bench"]}]' }],
    ["cut off", "docker_failed", { kind: "cut", bytes: 200 }],
    ["over 16 MiB", "docker_malformed", { kind: "oversize", bytes: 17 * 1024 * 1024 }],
  ];

  test("each way has its code, one degraded row, one line, rows untouched", async () => {
    await using _bench = await engine.bench({ name: "py-bench" });
    await using proxy = await createFaultyEngine(engine.socketPath);
    await using tower = await towerOn(proxy.dockerHost);
    await tower.json(["scan", "--containers"]);
    const before = containers(tower);
    for (const [index, [name, code, fault]] of cases.entries()) {
      proxy.heal();
      proxy.fault(list, fault);
      const outcome = await tower.run(["scan", "--containers", "--json"]);
      expect([name, outcome.code, JSON.parse(outcome.stdout).error.code]).toEqual([name, 3, code]);
      expect(outcome.stderr).toBe("");
      expect(containers(tower)).toEqual(before);
      expect(scans(tower)).toHaveLength(index + 2);
      expect(scans(tower).at(-1)).toMatchObject({ status: "degraded", error_code: code, matched_count: 0 });
      expect(tower.events()).toHaveLength(index + 1);
      expect((await tower.run(["status"])).code).toBe(0);
    }
    expect(tower.log("scan_completed").map((line) => line.fields["error"])).toEqual([
      "",
      ...cases.map(([, code]) => code),
    ]);
  });

  test("no socket is docker_unavailable, an unsupported scheme says so", async () => {
    await using tower = await towerOn("unix:///nonexistent/docker.sock");
    const { code, stderr } = await tower.run(["scan", "--containers"]);
    expect(code).toBe(3);
    expect(stderr).toContain("code: docker_unavailable");
    await using ssh = await towerOn("ssh://somebody@127.0.0.1");
    const refused = await ssh.run(["scan", "--containers"]);
    expect(refused.stderr).toContain("code: docker_unavailable");
    expect(refused.stderr).toContain("ssh");
  });
});

test("12: nothing secret of the environment is anywhere under the state directory", async () => {
  const secret = "hunter2-environment-secret";
  await using _bench = await engine.bench({ name: "py-bench", env: { API_TOKEN: secret, HOME: `/${secret}` } });
  await using tower = await towerOn();
  await tower.json(["scan", "--containers"]);
  const [row] = containers(tower);
  expect(JSON.parse(row.inspect_json).env_keys).toEqual(["HOME"]);
  for (const file of readdirSync(tower.stateDir, { recursive: true, withFileTypes: true })) {
    if (!file.isFile()) continue;
    const bytes = readFileSync(join(file.parentPath, file.name));
    expect(bytes.includes(secret)).toBe(false);
    expect(bytes.includes("API_TOKEN")).toBe(false);
  }
});

test("13: scans of one kind queue, of two kinds do not", async () => {
  await using bench = await engine.bench({ name: "py-bench" });
  await bench.pane("main");
  await using tower = await towerOn();
  await tower.json(["scan", "--containers"]);
  const answers = await Promise.all([
    ...Array.from({ length: 5 }, () => tower.call("scan_containers")),
    tower.call("scan_panes"),
  ]);
  for (const answer of answers) expect(answer).toMatchObject({ ok: true, result: { status: "ok" } });
  const five = scans(tower).slice(1);
  expect(new Set(five.map((row) => row.scan_id)).size).toBe(5);
  for (const [index, row] of five.entries()) {
    const before = five[index - 1];
    if (before) expect(row.started_at >= before.completed_at).toBe(true);
  }
});

test("14: a list that takes long does not hold up readers", async () => {
  await using _bench = await engine.bench({ name: "py-bench" });
  await using proxy = await createFaultyEngine(engine.socketPath);
  await using tower = await towerOn(proxy.dockerHost);
  await tower.json(["scan", "--containers"]);
  proxy.requests.length = 0;
  proxy.fault(/GET .*\/containers\/json/, { kind: "late", ms: 2000 });
  const running = tower.call("scan_containers");
  await tower.until(() => proxy.requests.some((request) => request.endsWith("/containers/json")));
  const before = performance.now();
  const listed = await tower.call("list_containers");
  // 100 ms is the contract's own bound (02 §15 check 14); the scan takes twenty times as long.
  expect(performance.now() - before).toBeLessThan(100);
  expect(listed.result.containers).toHaveLength(1);
  expect((await running).ok).toBe(true);
});

test("15: events file not writable and the scan degraded: internal_error, the row is there, the log says so", async () => {
  await using _bench = await engine.bench({ name: "py-bench" });
  await using tower = await towerOn();
  await tower.json(["scan", "--containers"]);
  tower.configure(manual('"bench"'));
  await tower.run(["scan", "--containers"]);
  expect(tower.events()).toHaveLength(1);
  // Broader than allowed: the writer refuses before any byte.
  chmodSync(tower.eventsFile, 0o644);
  await tower.stop();
  await tower.start();
  const answer = await tower.call("scan_containers");
  expect(answer.error.code).toBe("internal_error");
  expect(scans(tower).at(-1)).toMatchObject({ status: "degraded", error_code: "config_invalid" });
  expect(tower.log("scan_jsonl_failed")).toHaveLength(1);
  expect(tower.events()).toHaveLength(1);
  chmodSync(tower.eventsFile, 0o600);
  expect((await tower.call("scan_containers")).error.code).toBe("config_invalid");
  expect(tower.events()).toHaveLength(2);
});
