import { expect, test } from "bun:test";
import * as v from "valibot";
import { containerHandlers } from "../../src/app/container.ts";
import { paneHandlers } from "../../src/app/pane.ts";
import { Fault } from "../../src/contract/faults.ts";
import { appMethods } from "../../src/contract/methods.ts";
import { upsertContainers } from "../../src/store/containers.ts";
import { type PaneRow, upsertPanes } from "../../src/store/panes.ts";
import { setDegradedScan } from "../../src/store/scans.ts";
import { successLine } from "../../src/wire/envelope.ts";
import { check } from "../contract/responses.ts";
import { testCall } from "../support/call-context.ts";
import { manualClock } from "../support/manual-clock.ts";
import { type TestRegistry, testRegistry } from "../support/registry.ts";
import { containerId, containerRow, paneRow } from "../support/rows.ts";

const call = testCall();
const [a, b, c] = [containerId("a"), containerId("b"), containerId("c")];
const at = (second: number) => `2026-01-01T00:00:${String(second).padStart(2, "0")}.000000+00:00`;

/** Calls handlers with params as the door would hand them over, and holds their answers against the published schema. */
function panel({ store }: TestRegistry) {
  const containers = containerHandlers({ store });
  const panes = paneHandlers({ store });
  const ok = <R>(name: string, result: R): R => {
    check(name, { ok: true, app_contract_version: "1.0", result });
    return result;
  };
  return {
    containers: (params: object = {}) =>
      ok(
        "app.container.list",
        containers["app.container.list"](call, v.parse(appMethods["app.container.list"].params, params)),
      ),
    container: (container_id: string) =>
      ok("app.container.detail", containers["app.container.detail"](call, { container_id })).row,
    panes: (params: object = {}) =>
      ok("app.pane.list", panes["app.pane.list"](call, v.parse(appMethods["app.pane.list"].params, params))),
    pane: (params: object) =>
      ok("app.pane.detail", panes["app.pane.detail"](call, v.parse(appMethods["app.pane.detail"].params, params))).row,
  };
}

function faultOf(run: () => unknown) {
  try {
    run();
  } catch (error) {
    if (error instanceof Fault) return { code: error.code, facts: error.facts };
    throw error;
  }
  throw new Error("nothing was refused");
}

function threeBenches(registry: TestRegistry): void {
  registry.store.write((tx) => {
    upsertContainers(tx, [
      containerRow({ container_id: a, name: "beta", first_seen_at: at(1), last_scanned_at: at(9) }),
      containerRow({ container_id: b, name: "alpha", first_seen_at: at(2), last_scanned_at: at(8) }),
      containerRow({ container_id: c, name: "gamma", first_seen_at: at(3), last_scanned_at: at(7), active: 0 }),
    ]);
    setDegradedScan(tx, [b], true);
  });
}

const pane = (container_id: string, container_name: string, more: Partial<PaneRow>) =>
  paneRow({ container_id, container_name, ...more });

test("containers: default order, every order in both directions, states", () => {
  using registry = testRegistry(manualClock());
  threeBenches(registry);
  const { containers } = panel(registry);
  const names = (params?: object) => containers(params).rows.map(({ name }) => name);
  expect(containers().ordering).toBe("name:asc");
  expect(names()).toEqual(["alpha", "beta", "gamma"]);
  expect(names({ order_by: "name:desc" })).toEqual(["gamma", "beta", "alpha"]);
  expect(names({ order_by: "first_seen_at" })).toEqual(["beta", "alpha", "gamma"]);
  expect(names({ order_by: "last_scanned_at:asc" })).toEqual(["gamma", "alpha", "beta"]);
  expect(containers({ order_by: "last_scanned_at:desc" }).ordering).toBe("last_scanned_at:desc");
  expect(containers().rows.map(({ state }) => state)).toEqual(["degraded_scan", "active", "inactive"]);
  for (const state of ["active", "inactive", "degraded_scan"]) {
    const page = containers({ filters: { state } });
    expect(page.rows.map((row) => row.state)).toEqual([state as never]);
    expect(page).toMatchObject({ total: 1, total_estimate: null, cursor_next: null });
  }
});

test("pages join without gap or repeat, and a cursor is good for its own list only", () => {
  using registry = testRegistry(manualClock());
  threeBenches(registry);
  const { containers } = panel(registry);
  const first = containers({ limit: 2 });
  expect(first.rows.length).toBe(2);
  expect(first.total).toBe(3);
  const second = containers({ limit: 2, cursor_next: first.cursor_next });
  expect([...first.rows, ...second.rows].map(({ name }) => name)).toEqual(["alpha", "beta", "gamma"]);
  expect(second.cursor_next).toBeNull();
  for (const params of [
    { cursor_next: "nonsense" },
    { cursor_next: "" },
    { cursor_next: `${first.cursor_next}A` },
    { cursor_next: first.cursor_next, order_by: "name:desc" },
    { cursor_next: first.cursor_next, filters: { state: "active" } },
  ]) {
    const fault = faultOf(() => containers(params));
    expect(fault).toMatchObject({ code: "param_invalid", facts: { field: "cursor_next" } });
  }
});

test("container detail is the row of the list; the host bench says its kind", () => {
  using registry = testRegistry(manualClock());
  threeBenches(registry);
  const host = { container_id: containerId("f"), name: "host", image: "", labels_json: '{"agenttower.kind":"host"}' };
  registry.store.write((tx) => {
    upsertContainers(tx, [containerRow(host)]);
    upsertPanes(tx, [pane(a, "beta", {}), pane(a, "beta", { tmux_pane_id: "%1", active: 0 })]);
  });
  const { containers, container } = panel(registry);
  for (const row of containers().rows) expect(container(row.container_id)).toEqual(row);
  expect(container(a)).toMatchObject({ kind: "docker", pane_count: 1, registered_agent_count: 0 });
  expect(container(host.container_id).kind).toBe("host");
  expect(faultOf(() => container(containerId("0")))).toEqual({ code: "row_not_found", facts: {} });
});

test("panes: active ones in place order, all with include_inactive, filters exact", () => {
  using registry = testRegistry(manualClock());
  threeBenches(registry);
  registry.store.write((tx) =>
    upsertPanes(tx, [
      pane(a, "beta", { tmux_pane_id: "%1", first_seen_at: at(3) }),
      pane(b, "alpha", { tmux_pane_id: "%2", tmux_window_index: 10, first_seen_at: at(1) }),
      pane(b, "alpha", { tmux_pane_id: "%3", tmux_window_index: 9, first_seen_at: at(2) }),
      pane(b, "alpha", { tmux_pane_id: "%4", tmux_session_name: "aaa", active: 0 }),
    ]),
  );
  const { panes } = panel(registry);
  const ids = (params?: object) => panes(params).rows.map(({ pane_id }) => pane_id);
  expect(panes().ordering).toBe("default:asc");
  expect(ids()).toEqual(["%3", "%2", "%1"]);
  expect(ids({ include_inactive: true })).toEqual(["%4", "%3", "%2", "%1"]);
  expect(ids({ order_by: "discovered_at:desc" })).toEqual(["%1", "%3", "%2"]);
  expect(ids({ filters: { container_id: a } })).toEqual(["%1"]);
  expect(ids({ filters: { container_id: "beta" } })).toEqual([]);
  expect(ids({ filters: { registered: true } })).toEqual([]);
  expect(panes({ filters: { registered: false, container_id: b } })).toMatchObject({ total: 2 });
  const [row] = panes({ filters: { container_id: a } }).rows;
  expect(row).toMatchObject({
    registered: false,
    agent_id: null,
    active: true,
    discovered_at: Date.UTC(2026, 0, 1, 0, 0, 3),
    tmux_socket: "/tmp/tmux-1000/default",
    current_command: "bash",
    current_path: "/work",
    title: "title",
  });

  const first = panes({ limit: 1 });
  const fault = faultOf(() => panes({ limit: 1, cursor_next: first.cursor_next, include_inactive: true }));
  expect(fault).toMatchObject({ facts: { field: "cursor_next" } });
});

test("pane detail: by key, by id, ambiguous, newest inactive, not there", () => {
  using registry = testRegistry(manualClock());
  threeBenches(registry);
  registry.store.write((tx) =>
    upsertPanes(tx, [
      pane(a, "beta", {}),
      pane(a, "beta", { tmux_socket_path: "/tmp/tmux-1000/other" }),
      pane(b, "alpha", {}),
      pane(b, "alpha", { tmux_pane_id: "%5", active: 0, last_scanned_at: at(1) }),
      pane(a, "beta", { tmux_pane_id: "%5", active: 0, last_scanned_at: at(2) }),
      pane(a, "beta", { tmux_pane_id: "%6" }),
      pane(b, "alpha", { tmux_pane_id: "%6", active: 0 }),
    ]),
  );
  const { pane: detail, panes } = panel(registry);
  const everyPane = panes({ include_inactive: true }).rows;
  expect(new Set(everyPane.map(({ pane_key }) => pane_key)).size).toBe(7);
  for (const row of everyPane) expect(detail({ pane_key: row.pane_key })).toEqual(row);

  const ambiguous = { code: "param_invalid", facts: { field: "container_id", reason: "ambiguous pane_id" } };
  expect(faultOf(() => detail({ pane_id: "%0" }))).toMatchObject(ambiguous);
  expect(faultOf(() => detail({ pane_id: "%0", container_id: a }))).toMatchObject(ambiguous);
  expect(detail({ pane_id: "%0", container_id: b }).container_id).toBe(b);
  expect(detail({ pane_id: "%0", container_id: a, tmux_socket: "/tmp/tmux-1000/other" }).tmux_socket).toEndWith(
    "other",
  );
  expect(detail({ pane_id: "%6" })).toMatchObject({ container_id: a, active: true });
  expect(detail({ pane_id: "%5" })).toMatchObject({ container_id: a, active: false });
  expect(detail({ pane_id: "%5", container_id: b })).toMatchObject({ container_id: b, active: false });

  expect(faultOf(() => detail({ pane_id: "%9" }))).toEqual({ code: "pane_not_found", facts: { pane_id: "%9" } });
  expect(faultOf(() => detail({ pane_key: "nonsense" }))).toEqual({ code: "pane_not_found", facts: { pane_id: "" } });
  expect(faultOf(() => detail({}))).toMatchObject({ code: "param_invalid", facts: { field: "pane_id" } });
  for (const pane_id of ["", "0", "%", "%x", "%1 ", "secret"]) expect(() => detail({ pane_id })).toThrow(v.ValiError);
});

test("25: the largest rows there can be make shorter pages, each below the cap of a response", () => {
  using registry = testRegistry(manualClock());
  threeBenches(registry);
  const wide = (length: number) => "\u{1f5fc}".repeat(length);
  registry.store.write((tx) =>
    upsertPanes(
      tx,
      Array.from({ length: 200 }, (_, n) =>
        paneRow({
          container_id: a,
          container_name: wide(2048),
          tmux_socket_path: `/tmp/${"s".repeat(255)}`,
          tmux_session_name: wide(2048),
          tmux_pane_index: n,
          tmux_pane_id: `%${n}`,
          pane_current_command: wide(2048),
          pane_current_path: wide(4096),
          pane_title: wide(2048),
        }),
      ),
    ),
  );
  const seen: string[] = [];
  const pages: number[] = [];
  for (let cursor_next: string | null | undefined; cursor_next !== null; ) {
    const page = panel(registry).panes({ limit: 200, ...(cursor_next && { cursor_next }) });
    expect(successLine(true, page, null)).not.toBeNull();
    expect(page.total).toBe(200);
    seen.push(...page.rows.map(({ pane_id }) => pane_id));
    pages.push(page.rows.length);
    cursor_next = page.cursor_next;
  }
  expect(seen).toEqual(Array.from({ length: 200 }, (_, n) => `%${n}`));
  expect(pages.length).toBeGreaterThan(1);
});
