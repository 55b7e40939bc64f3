/** Acceptance check 35 of 01 §18: every command, with and without `--json`, under every failure (01 §13). */
import { describe, expect, test } from "bun:test";
import { chmodSync, existsSync } from "node:fs";
import { standIn } from "./cli-stand-in.ts";
import { createTower, type Envelope, type Outcome, type Tower } from "./tower.ts";

const NOT_RUNNING = "error: daemon is not running or socket is unreachable: try `agenttower ensure-daemon`";
const NOTHING_TO_STOP = "error: no reachable daemon to stop";

/** Commands that ask a daemon, and their line when nobody answers. */
const ASKING: [words: string[], line: string][] = [
  [["status"], NOT_RUNNING],
  [["daemon", "status"], NOT_RUNNING],
  [["scan", "--containers"], NOT_RUNNING],
  [["scan", "--panes"], NOT_RUNNING],
  [["scan", "--containers", "--panes"], NOT_RUNNING],
  [["list-containers"], NOT_RUNNING],
  [["list-panes", "--container", "py-bench"], NOT_RUNNING],
  [["stop-daemon"], NOTHING_TO_STOP],
  [["daemon", "stop"], NOTHING_TO_STOP],
];
/** Their text goes to stderr even with `--json`. */
const ALWAYS_TEXT = new Set(["status", "daemon", "stop-daemon"]);

/** The only document on stdout, on one line. */
function onlyDocument({ stdout }: Outcome): Envelope {
  expect(stdout).toEndWith("\n");
  expect(stdout.slice(0, -1)).not.toContain("\n");
  return JSON.parse(stdout);
}

const linesOf = (text: string): string[] => text.trimEnd().split("\n");

describe("nobody answers: exit 2, the fixed line, then the kind and the path; with --json the error object", () => {
  async function expectUnreachable(tower: Tower, kind: string, env: Record<string, string> = {}): Promise<void> {
    const path = env["AGENTTOWER_SOCKET"] ?? tower.socket;
    for (const [words, line] of ASKING) {
      const text = await tower.run(words, { env });
      expect({ words, code: text.code, stdout: text.stdout }).toEqual({ words, code: 2, stdout: "" });
      const [first, second, ...more] = linesOf(text.stderr);
      expect([words, first, more]).toEqual([words, line, []]);
      expect(second).toContain(kind);
      expect(second).toContain(path);
      // No text or number of the operating system.
      expect(text.stderr).not.toMatch(/ENOENT|ECONNREFUSED|EPIPE|errno|No such file|Connection refused/i);
      const json = await tower.run([...words, "--json"], { env });
      expect({ words, code: json.code, stderr: json.stderr }).toEqual({ words, code: 2, stderr: text.stderr });
      expect(onlyDocument(json)).toEqual({
        ok: false,
        error: { code: "daemon_unavailable", message: expect.stringMatching(/\S/) },
      });
    }
  }

  test("no socket", async () => {
    await using tower = await createTower();
    await expectUnreachable(tower, "socket_missing");
  });

  test("a socket without a daemon", async () => {
    await using tower = await createTower();
    const pid = await tower.start();
    process.kill(pid, "SIGKILL");
    await tower.until(() => tower.daemonPid() === null, "end of the daemon");
    await expectUnreachable(tower, "connection_refused");
  });

  test("something that speaks another tongue, or says nothing", async () => {
    await using tower = await createTower();
    using foreign = await standIn(tower, () => "220 smtp.example.org ready\r\n");
    await expectUnreachable(tower, "protocol_error", foreign.env);
    using silent = await standIn(tower, () => "");
    const { code, stderr } = await tower.run(["list-panes"], { env: silent.env });
    expect(code).toBe(2);
    expect(stderr).toContain("protocol_error");
  });

  test("an answer over 8 MiB is a protocol error; one just below is read", async () => {
    await using tower = await createTower();
    const filled = (bytes: number): string => {
      const line = JSON.stringify({ ok: true, result: { filter: "all", containers: [], pad: "" } });
      return `${line.replace('"pad":""', `"pad":"${"x".repeat(bytes - line.length - 1)}"`)}\n`;
    };
    expect(filled(8_388_608)).toHaveLength(8_388_608);
    using over = await standIn(tower, () => filled(8_388_609));
    const refused = await tower.run(["list-containers"], { env: over.env });
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain("protocol_error");
    using below = await standIn(tower, () => filled(8_388_608));
    expect((await tower.run(["list-containers"], { env: below.env })).code).toBe(0);
  });
});

describe("the daemon refuses: exit 3", () => {
  const REFUSAL = { ok: false, error: { code: "internal_error", message: "it\tbroke\nhere \u001b[31m" } };

  test("text: error and code on stderr; --json: the error object on stdout", async () => {
    await using tower = await createTower();
    using refusing = await standIn(tower, () => REFUSAL);
    const { env } = refusing;
    for (const [words] of ASKING) {
      const text = await tower.run(words, { env });
      expect({ words, ...text }).toEqual({
        words,
        code: 3,
        stdout: "",
        stderr: "error: it broke here [31m\ncode: internal_error\n",
      });
      const json = await tower.run([...words, "--json"], { env });
      expect({ words, code: json.code, stderr: json.stderr }).toEqual({
        words,
        code: 3,
        stderr: ALWAYS_TEXT.has(words[0] ?? "") ? text.stderr : "",
      });
      expect(onlyDocument(json)).toMatchObject({ ok: false, error: { code: "internal_error" } });
      expect(json.stdout).not.toContain("\u001b");
    }
  });

  test("two codes have exits of their own in list-*; a code that no build knows is 3", async () => {
    await using tower = await createTower();
    for (const [code, exit] of [
      ["host_context_unsupported", 1],
      ["agent_not_found", 4],
      ["bad_request", 3],
      ["from_the_future", 3],
    ] as const) {
      using refusing = await standIn(tower, () => ({ ok: false, error: { code, message: "no" } }));
      for (const words of [["list-containers"], ["list-panes"]]) {
        expect((await tower.run(words, { env: refusing.env })).code).toBe(exit);
      }
      expect((await tower.run(["scan", "--panes"], { env: refusing.env })).code).toBe(3);
    }
  });

  test("a combined scan ends with the first refusal", async () => {
    await using tower = await createTower();
    using refusing = await standIn(tower, () => REFUSAL);
    const json = await tower.run(["scan", "--containers", "--panes", "--json"], { env: refusing.env });
    onlyDocument(json);
    expect(refusing.asked).toEqual(["scan_containers"]);
  });

  test("a daemon that says yes and stays", async () => {
    await using tower = await createTower();
    using staying = await standIn(tower, () => ({ ok: true, result: { shutting_down: true } }));
    const { code, stdout, stderr } = await tower.run(["stop-daemon"], { env: staying.env });
    expect({ code, stdout }).toEqual({ code: 3, stdout: "" });
    expect(stderr).toBe("error: daemon acknowledged shutdown but socket is still reachable\n");
    const json = await tower.run(["stop-daemon", "--json"], { env: staying.env });
    expect(json.code).toBe(3);
    expect(onlyDocument(json)).toMatchObject({ ok: false });
  });
});

describe("degraded scans: exit 5", () => {
  const ids = Array.from({ length: 12 }, (_, index) => index.toString(16).padStart(64, "f"));
  const at = { started_at: "2026-05-05T12:34:56.000000+00:00", completed_at: "2026-05-05T12:34:57.500000+00:00" };
  const containers = {
    ...{ scan_id: "s1", ...at, status: "degraded", matched_count: 2, inactive_reconciled_count: 0, ignored_count: 1 },
    ...{ error_code: "docker_failed", error_message: "1 of 2 candidates failed inspect" },
    error_details: [{ container_id: ids[0], error_code: "docker_failed", error_message: "boom" }],
  };
  const panes = {
    ...{ scan_id: "s2", ...at, status: "degraded", containers_scanned: 12, sockets_scanned: 3, panes_seen: 4 },
    ...{ panes_newly_active: 1, panes_reconciled_to_inactive: 2, containers_skipped_inactive: 5 },
    ...{ containers_tmux_unavailable: 6, error_code: "docker_exec_failed", error_message: "12 of 12 failed" },
    error_details: ids.map((container_id, index) => ({
      container_id,
      ...(index === 1 ? { tmux_socket_path: "/tmp/tmux-0/default" } : {}),
      ...{ error_code: "docker_exec_failed", error_message: `no\t${index}\u001b[0m` },
      ...(index === 2
        ? {
            tmux_socket_path: "/tmp/tmux-0/x",
            pane_truncations: [
              { tmux_pane_id: "%7", field: "pane_title", original_len: 3000 },
              { tmux_pane_id: "%8", field: "pane_title", original_len: 3001 },
            ],
          }
        : {}),
    })),
  };
  const answers = (method: string) => ({ ok: true, result: method === "scan_containers" ? containers : panes });

  test("text: the blocks on stdout, at most ten details on stderr", async () => {
    await using tower = await createTower();
    using degraded = await standIn(tower, answers);
    const both = await tower.run(["scan", "--containers", "--panes"], { env: degraded.env });
    expect(both.code).toBe(5);
    expect(both.stdout).toBe(
      "scan_id=s1\nstatus=degraded\nmatched=2\ninactive_reconciled=0\nignored=1\nduration_ms=1500\n\n" +
        "scan_id=s2\nstatus=degraded\ncontainers_scanned=12\nsockets_scanned=3\npanes_seen=4\npanes_newly_active=1\n" +
        "panes_reconciled_inactive=2\ncontainers_skipped_inactive=5\ncontainers_tmux_unavailable=6\nduration_ms=1500\n",
    );
    const detail = (index: number, socket = "") => `detail: ${ids[index]}${socket} docker_exec_failed: no ${index}[0m`;
    expect(linesOf(both.stderr)).toEqual([
      "error: 1 of 2 candidates failed inspect",
      "code: docker_failed",
      "error: 12 of 12 failed",
      "code: docker_exec_failed",
      detail(0),
      detail(1, " [socket=/tmp/tmux-0/default]"),
      detail(2, " [socket=/tmp/tmux-0/x]"),
      `detail: ${ids[2]} [socket=/tmp/tmux-0/x] truncated pane_title=3000chars on pane %7 (+1 more)`,
      ...[3, 4, 5, 6, 7, 8, 9].map((index) => detail(index)),
      "detail: ... (2 more)",
    ]);
  });

  test("--json: one line per scan, stderr empty", async () => {
    await using tower = await createTower();
    using degraded = await standIn(tower, answers);
    const both = await tower.run(["scan", "--containers", "--panes", "--json"], { env: degraded.env });
    expect({ code: both.code, stderr: both.stderr }).toEqual({ code: 5, stderr: "" });
    expect(linesOf(both.stdout).map((line) => JSON.parse(line))).toEqual([
      { ok: true, result: containers },
      { ok: true, result: panes },
    ]);
  });

  test("a clock that was set back makes no negative duration", async () => {
    await using tower = await createTower();
    const back = { ...containers, status: "ok", started_at: at.completed_at, completed_at: at.started_at };
    using odd = await standIn(tower, () => ({ ok: true, result: back }));
    const { code, stdout, stderr } = await tower.run(["scan", "--containers"], { env: odd.env });
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toEndWith("duration_ms=0\n");
  });
});

describe("ensure-daemon", () => {
  test("not initialized: exit 1, nothing made", async () => {
    await using tower = await createTower();
    const text = await tower.run(["ensure-daemon"]);
    expect(text).toEqual({
      code: 1,
      stdout: "",
      stderr: "error: agenttower is not initialized: run `agenttower config init`\n",
    });
    const json = await tower.run(["ensure-daemon", "--json"]);
    expect({ code: json.code, stderr: json.stderr }).toEqual({ code: 1, stderr: text.stderr });
    expect(onlyDocument(json).ok).toBe(false);
    expect(existsSync(tower.stateDir)).toBe(false);
  });

  test("an unsafe directory: exit 1 with --json too", async () => {
    await using tower = await createTower();
    await tower.init();
    chmodSync(tower.stateDir, 0o755);
    for (const words of [
      ["ensure-daemon", "--json"],
      ["daemon", "start", "--json"],
    ]) {
      const outcome = await tower.run(words);
      expect(outcome.code).toBe(1);
      expect(outcome.stderr).toStartWith("error: ");
      expect(outcome.stderr).toContain(tower.stateDir);
      if (outcome.stdout !== "") expect(onlyDocument(outcome).ok).toBe(false);
    }
  });

  test("an error envelope counts as alive; a pid that cannot be read is ?", async () => {
    await using tower = await createTower();
    await tower.init();
    using refusing = await standIn(
      tower,
      () => ({ ok: false, error: { code: "internal_error", message: "no" } }),
      tower.socket,
    );
    expect(await tower.run(["ensure-daemon"])).toEqual({
      code: 0,
      stdout: `agenttowerd ready: pid=? socket=${tower.socket} state=${tower.stateDir}\n`,
      stderr: "",
    });
    expect(await tower.json(["ensure-daemon"])).toEqual({
      ok: true,
      started: false,
      pid: null,
      socket_path: tower.socket,
      state_path: tower.stateDir,
    });
    expect(new Set(refusing.asked)).toEqual(new Set(["ping"]));
  });
});

describe("usage errors: exit 2, usage and one error line on stderr, nothing sent", () => {
  const WRONG: [words: string[], phrase: string][] = [
    [["nope"], "unknown command 'nope'"],
    [["statsu"], "did you mean status?"],
    [["config", "nope"], "unknown command 'nope'"],
    [["daemon", "nope"], "nope"],
    [["app", "nope"], "unknown command 'nope'"],
    [["status", "--jso"], "unknown option '--jso'"],
    [["status", "-x"], "unknown option '-x'"],
    [["status", "--json=yes"], "does not take a value"],
    [["status", "extra"], "unexpected argument 'extra'"],
    [["list-panes", "--container"], "--container needs a value"],
    [["list-panes", "--container", "--json"], "--container needs a value"],
    [["config", "init", "--json"], "unknown option '--json'"],
    [["app", "call"], "METHOD"],
    [["app", "call", "ping", "[]"], "JSON object"],
    [["app", "call", "ping", "{"], "JSON"],
    [["app", "call", "ping", "@/nonexistent"], "PARAMS"],
    [["app", "call", "ping", "{}", "more"], "unexpected argument 'more'"],
    [["app", "call", "ping", "--session", "token"], "--session"],
    [["app", "schema", "app.nope"], "app.nope"],
    [["completion"], "SHELL"],
    [["completion", "tcsh"], "choose from bash, zsh, fish"],
    [["daemon", "logs", "-n", "many"], "--lines"],
    [["\u001b[31mred\nline"], "unknown command"],
  ];

  test("each of them", async () => {
    await using tower = await createTower();
    using silent = await standIn(tower, () => "");
    for (const [words, phrase] of WRONG) {
      const { code, stdout, stderr } = await tower.run(words, { env: silent.env });
      expect({ words, code, stdout }).toEqual({ words, code: 2, stdout: "" });
      const lines = linesOf(stderr);
      expect(lines[0]).toStartWith("usage: agenttower");
      expect(lines.filter((line) => line.startsWith("error: "))).toHaveLength(1);
      expect(stderr).toContain(phrase);
      expect(stderr).not.toContain("\u001b");
    }
    expect(silent.asked).toEqual([]);
    expect((await tower.run(["scan"])).stderr).toBe(
      "error: scan requires a target flag (e.g. --containers, --panes)\n",
    );
    expect((await tower.run(["scan", "--json"])).code).toBe(1);
  });
});

test("a reader that leaves early is no failure", async () => {
  await using tower = await createTower();
  const script = `"$0" app schema | head -c 10 >/dev/null; echo "\${PIPESTATUS[0]}"`;
  const child = Bun.spawn(["bash", "-c", script, `${tower.bin}/agenttower`], {
    env: tower.env,
    stdout: "pipe",
    stderr: "pipe",
  });
  expect(await new Response(child.stdout).text()).toBe("0\n");
  expect(await new Response(child.stderr).text()).toBe("");
});
