import { expect, test } from "bun:test";
import { overallState, type ReadinessFacts, subsystems } from "../../src/app/readiness.ts";
import { type DashboardCounts, SUBSYSTEMS, type SubsystemView } from "../../src/contract/views.ts";

const healthy = {
  engine: { up: true, reason: "" },
  counts: {
    containers: { active: 2, inactive: 1, degraded_scan: 0 },
    panes: { total: 0, registered: 0, unregistered: 0 },
    agents: { total: 0, by_role: { master: 0, slave: 0, swarm: 0, "test-runner": 0, shell: 0, unknown: 0 } },
    log_attachments: { active: 0, degraded: 0, none: 0 },
    events: { total: 0 },
    queue: { queued: 0, blocked: 3, delivered: 4, canceled: 5, failed: 6 },
    routes: { enabled: 0, disabled: 2 },
  },
  registryTrouble: null,
  registryFailing: null,
  eventsTrouble: null,
  eventsFailing: null,
} satisfies ReadinessFacts;

const withCounts = (more: Partial<DashboardCounts>) => ({ counts: { ...healthy.counts, ...more } });
const containers = (active: number, degraded_scan: number) =>
  withCounts({ containers: { active, inactive: 0, degraded_scan } });

const row = (name: SubsystemView["name"], facts: Partial<ReadinessFacts>) => {
  const found = subsystems({ ...healthy, ...facts }).find((candidate) => candidate.name === name);
  if (!found) throw new Error(`no row ${name}`);
  return found;
};

test("all six rows, in their order, and ready", () => {
  const rows = subsystems(healthy);
  expect(rows.map(({ name }) => name)).toEqual([...SUBSYSTEMS]);
  expect(rows.every(({ status, reason, hint }) => status === "ok" && reason === "" && hint === null)).toBe(true);
  expect(overallState(rows)).toBe("ready");
});

test("no bench at all is still ready", () => {
  expect(overallState(subsystems({ ...healthy, ...containers(0, 0) }))).toBe("ready");
});

const FIXTURES: [SubsystemView["name"], SubsystemView["status"], Partial<ReadinessFacts>][] = [
  ["docker", "unavailable", { engine: { up: false, reason: "refused" } }],
  ["docker", "unavailable", { engine: { up: null, reason: "no answer from the Engine yet" } }],
  ["tmux_discovery", "degraded", containers(1, 1)],
  ["tmux_discovery", "unavailable", containers(0, 2)],
  ["tmux_discovery", "unavailable", { counts: null, registryTrouble: "gone" }],
  ["sqlite", "unavailable", { registryTrouble: "registry file is not writable" }],
  ["sqlite", "degraded", { registryFailing: "SQLITE_FULL" }],
  ["jsonl", "unavailable", { eventsTrouble: "events file is not writable" }],
  ["jsonl", "degraded", { eventsFailing: "ENOSPC" }],
  ["routing_worker", "unavailable", withCounts({ routes: { enabled: 1, disabled: 0 } })],
  ["routing_worker", "unavailable", withCounts({ queue: { ...healthy.counts.queue, queued: 1 } })],
  ["log_attachment_workers", "unavailable", withCounts({ log_attachments: { active: 1, degraded: 0, none: 0 } })],
];

test.each(FIXTURES)("%s is %s", (name, status, facts) => {
  const found = row(name, facts);
  expect(found.status).toBe(status);
  expect(found.reason).not.toBe("");
  expect(overallState(subsystems({ ...healthy, ...facts }))).toBe("degraded");
});

test("only six unavailable rows make the tower unavailable", () => {
  const down: ReadinessFacts = {
    ...healthy,
    engine: { up: false, reason: "refused" },
    counts: {
      ...healthy.counts,
      containers: { active: 0, inactive: 0, degraded_scan: 1 },
      routes: { enabled: 1, disabled: 0 },
      log_attachments: { active: 1, degraded: 0, none: 0 },
    },
    registryTrouble: "gone",
    eventsTrouble: "gone",
  };
  expect(overallState(subsystems(down))).toBe("unavailable");
  expect(overallState(subsystems({ ...down, eventsTrouble: null }))).toBe("degraded");
});

test("a long reason is one line of 509 characters and three dots", () => {
  const reason = row("docker", { engine: { up: false, reason: `\u001b[31mx\n${"é".repeat(600)}` } }).reason;
  expect([...reason].length).toBe(512);
  expect(reason.endsWith("...")).toBe(true);
  expect(reason).not.toMatch(/[\x00-\x1f]/);
  expect(row("docker", { engine: { up: false, reason: "é".repeat(512) } }).reason).toBe("é".repeat(512));
});
