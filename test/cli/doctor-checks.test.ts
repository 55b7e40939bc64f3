import { describe, expect, test } from "bun:test";
import {
  CHECKS,
  type Check,
  type Checks,
  type Container,
  containerCheck,
  daemonStatus,
  doctorExit,
  type Outcome,
  type Pane,
  paneCheck,
  socketReachable,
  tidy,
  tmuxPresent,
} from "../../src/cli/doctor-checks.ts";
import type { ContainerIdentity, TmuxIdentity } from "../../src/cli/identity.ts";
import { SCHEMA_VERSION } from "../../src/contract/limits.ts";
import { TransportFault, type TransportKind } from "../../src/wire/transport.ts";
import { createWorld, ok, refusal } from "./world.ts";

const ID = "ab".repeat(32);
const at = "2026-05-05T12:00:00.000000+00:00";

const container = (id: string, name: string, active = true): Container => ({
  id,
  name,
  image: "i",
  status: "running",
  labels: {},
  mounts: [],
  active,
  first_seen_at: at,
  last_scanned_at: at,
  config_user: null,
  working_dir: null,
});
const pane = (containerId: string, name: string, paneId = "%0", active = true): Pane => ({
  container_id: containerId,
  container_name: name,
  container_user: "u",
  tmux_socket_path: "/tmp/s",
  tmux_session_name: "main",
  tmux_window_index: 0,
  tmux_pane_index: 0,
  tmux_pane_id: paneId,
  pane_pid: 1,
  pane_tty: "t",
  pane_current_command: "c",
  pane_current_path: "p",
  pane_title: "",
  pane_active: true,
  active,
  first_seen_at: at,
  last_scanned_at: at,
});
const answer = (schema_version: unknown): Outcome<"status"> =>
  ({ kind: "answer", envelope: { ok: true, result: { daemon_version: "1", schema_version } } }) as Outcome<"status">;
const refused: Outcome<"status"> = {
  kind: "answer",
  envelope: { ok: false, error: { code: "internal_error", message: "", details: {} } },
};
const fault = (kind: TransportKind): Outcome<"status"> => ({
  kind: "fault",
  fault: new TransportFault(kind, "/s", "x"),
});

const KINDS: TransportKind[] = [
  "socket_missing",
  "socket_not_unix",
  "connection_refused",
  "permission_denied",
  "connect_timeout",
  "protocol_error",
];

test.each(KINDS)("%s fails the socket and names what to do", (kind) => {
  expect(socketReachable(fault(kind))).toMatchObject({
    status: "fail",
    sub_code: kind,
    details: `${kind}: /s`,
    source: "round_trip",
    actionable_message: expect.stringMatching(/.{20}/),
  });
  expect(daemonStatus(fault(kind))).toMatchObject({ status: "info", sub_code: "daemon_unavailable" });
});

test("a missing or refusing socket leads to ensure-daemon", () => {
  for (const kind of ["socket_missing", "connection_refused"] as const) {
    expect(socketReachable(fault(kind)).actionable_message).toContain("agenttower ensure-daemon");
  }
});

test.each([
  [SCHEMA_VERSION, "pass", undefined],
  [SCHEMA_VERSION - 1, "warn", "schema_version_older"],
  [SCHEMA_VERSION + 1, "fail", "schema_version_newer"],
  ["9", "fail", "daemon_error"],
  [undefined, "fail", "daemon_error"],
])("schema %p: %s %s", (version, status, code) => {
  const check: Check = daemonStatus(answer(version));
  expect<string>(check.status).toBe(status);
  expect(check.sub_code).toBe(code as never);
  expect(check.source).toBe("schema_check");
});

test("an error envelope reaches the socket but is no healthy daemon", () => {
  expect(socketReachable(refused).status).toBe("pass");
  expect(daemonStatus(refused)).toMatchObject({ status: "fail", sub_code: "daemon_error", source: "daemon_error" });
});

describe("container_identity", () => {
  const named = (value: string, signal: "env" | "hostname" = "hostname"): ContainerIdentity => ({
    kind: "value",
    value,
    signal,
  });
  const rows = [
    container(ID, "py-bench"),
    container(`${ID.slice(0, 12)}${"0".repeat(52)}`, "other"),
    container("cd".repeat(32), "gone", false),
  ];
  const judge = (identity: ContainerIdentity, inside = true, listed: Parameters<typeof containerCheck>[2] = rows) =>
    containerCheck(identity, inside, listed);

  test("a host is a host, whatever its name, with or without a daemon", () => {
    for (const listed of [rows, null]) {
      expect(judge(named("vm"), false, listed).check).toMatchObject({ status: "info", sub_code: "host_context" });
    }
    expect(judge(named(ID, "env"), false).check.sub_code).toBe("unique_match");
  });

  test.each<[ContainerIdentity, Partial<Check>]>([
    [
      named(ID),
      { status: "pass", sub_code: "unique_match", details: `unique_match: ${ID} (py-bench)`, source: "hostname" },
    ],
    [named("py-bench"), { status: "pass", sub_code: "unique_match" }],
    [named(ID.slice(0, 12)), { status: "fail", sub_code: "multi_match" }],
    [named("gone"), { status: "fail", sub_code: "no_match", details: "no_match: gone (hostname)" }],
    [{ kind: "none" }, { status: "fail", sub_code: "no_candidate" }],
    [
      { kind: "ambiguous", candidates: ["a", "b"], signal: "cgroup" },
      { status: "fail", sub_code: "multi_match", cgroup_candidates: ["a", "b"], details: "multi_match: a, b" },
    ],
  ])("%p", (identity, expected) => expect(judge(identity).check).toMatchObject(expected));

  test("a daemon that knows no container is said to", () => {
    expect(judge(named("x"), true, []).check.daemon_container_set_empty).toBe(true);
    expect(judge({ kind: "none" }, true, []).check.daemon_container_set_empty).toBe(true);
    expect(judge(named("x")).check.daemon_container_set_empty).toBeUndefined();
  });

  test("without a list it is unavailable, and a refused list is named", () => {
    expect(judge(named(ID), true, null).check).toMatchObject({ status: "info", sub_code: "daemon_unavailable" });
    expect(judge(named(ID), true, "failed").check.details).toBe("daemon_unavailable: list_containers failed");
  });
});

describe("tmux", () => {
  const here: TmuxIdentity = { kind: "pane", socketPath: "/tmp/s", sessionId: "$0", paneId: "%0" };
  const mine = container(ID, "py-bench");
  const panes = [pane(ID, "py-bench"), pane("cd".repeat(32), "b"), pane("ef".repeat(32), "c", "%0", false)];

  test("presence", () => {
    expect(tmuxPresent(here)).toMatchObject({ status: "pass", source: "env" });
    expect(tmuxPresent({ kind: "none" })).toMatchObject({ status: "info", sub_code: "not_in_tmux" });
    expect(tmuxPresent({ kind: "malformed" })).toMatchObject({ status: "fail", sub_code: "output_malformed" });
  });

  test("the pane of the matched container, though others have the same id", () => {
    expect(paneCheck(here, mine, panes)).toMatchObject({
      status: "pass",
      sub_code: "pane_match",
      details: "pane_match: %0 in py-bench:main",
    });
    expect(paneCheck(here, null, panes).sub_code).toBe("pane_ambiguous");
    expect(paneCheck(here, mine, [])).toMatchObject({
      status: "fail",
      sub_code: "pane_unknown_to_daemon",
      actionable_message: expect.stringContaining("agenttower scan --panes"),
    });
  });

  test("outside tmux, malformed, or without a list", () => {
    expect(paneCheck({ kind: "none" }, mine, null).sub_code).toBe("not_in_tmux");
    expect(paneCheck({ kind: "malformed" }, mine, null)).toMatchObject({ status: "info", sub_code: "not_in_tmux" });
    expect(paneCheck(here, mine, null).sub_code).toBe("daemon_unavailable");
    expect(paneCheck(here, mine, "failed").details).toBe("daemon_unavailable: list_panes failed");
  });
});

test("long and dirty text is cut with an ellipsis", () => {
  const { details } = tidy({ status: "pass", details: `a\x1b${"b".repeat(3000)}` });
  expect(details).toHaveLength(2048);
  expect(details).toStartWith("ab");
  expect(details).toEndWith("…");
});

test.each<[Partial<Record<(typeof CHECKS)[number], Check["status"]>>, number]>([
  [{}, 0],
  [{ daemon_status: "warn", tmux_pane_match: "info" }, 0],
  [{ container_identity: "fail" }, 5],
  [{ tmux_present: "fail" }, 5],
  [{ daemon_status: "fail", container_identity: "fail" }, 3],
  [{ socket_reachable: "fail", daemon_status: "fail" }, 2],
])("%p: exit %p", (states, exit) => {
  const checks = Object.fromEntries(
    CHECKS.map((name) => [name, { status: states[name] ?? "pass", details: "" }]),
  ) as Checks;
  expect(doctorExit(checks)).toBe(exit);
});

describe("the command", () => {
  const status = ok({ daemon_version: "1.2.3", schema_version: SCHEMA_VERSION });
  const answers: Record<string, string> = {
    status,
    list_containers: ok({ filter: "all", containers: [container(ID, "py-bench")] }),
    list_panes: ok({ filter: "active_only", container_filter: ID, panes: [pane(ID, "py-bench")] }),
  };
  const inside = { AGENTTOWER_CONTAINER_ID: ID, TMUX: "/tmp/s,1,$0", TMUX_PANE: "%0" };

  test("healthy: three calls, panes of the matched container only, one JSON object", async () => {
    using world = createWorld(inside);
    await world.serve((line) => answers[JSON.parse(line).method] ?? refusal("unknown_method"));
    const { exit, stdout, stderr } = await world.run(["config", "doctor", "--json"]);
    expect([exit, stderr]).toEqual([0, ""]);
    const report = JSON.parse(stdout);
    expect(Object.keys(report.checks)).toEqual([...CHECKS]);
    expect(Object.entries(report.summary)).toEqual([
      ["exit_code", 0],
      ["total", 6],
      ["passed", 6],
      ["warned", 0],
      ["failed", 0],
      ["info", 0],
    ]);
    expect(world.requests.map((line) => JSON.parse(line))).toEqual([
      { method: "status", params: {} },
      { method: "list_containers", params: {} },
      { method: "list_panes", params: { active_only: true, container: ID } },
    ]);
  });

  test("text: a line per check, advice below, a summary", async () => {
    using world = createWorld(inside);
    const known: Record<string, string> = { ...answers, list_panes: ok({ panes: [] }) };
    await world.serve((line) => known[JSON.parse(line).method] ?? refusal("unknown_method"));
    const { exit, stdout } = await world.run(["config", "doctor"]);
    expect(exit).toBe(5);
    expect(stdout.split("\n")).toEqual([
      `socket_resolved\tpass\t${world.socket} (env_override)`,
      `socket_reachable\tpass\tdaemon_version=1.2.3 schema_version=${SCHEMA_VERSION}`,
      `daemon_status\tpass\tschema_version=${SCHEMA_VERSION}`,
      `container_identity\tpass\tunique_match: ${ID} (py-bench)`,
      "tmux_present\tpass\t%0 on /tmp/s",
      "tmux_pane_match\tfail\tpane_unknown_to_daemon: %0 on /tmp/s",
      "    let the daemon look again: `agenttower scan --panes`",
      "summary\t5\t5/6 checks passed",
      "",
    ]);
  });

  test("an unhealthy daemon is asked nothing more", async () => {
    using world = createWorld(inside);
    await world.serve(() => refusal("internal_error"));
    const { exit, stdout } = await world.run(["config", "doctor", "--json"]);
    expect(exit).toBe(3);
    expect(world.requests).toHaveLength(1);
    const { checks } = JSON.parse(stdout);
    expect(checks.container_identity.sub_code).toBe("daemon_unavailable");
    expect(checks.tmux_pane_match.sub_code).toBe("daemon_unavailable");
  });
});
