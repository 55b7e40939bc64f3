import { expect, test } from "bun:test";
import { discoveryHandlers } from "../../src/legacy/discovery.ts";
import { upsertContainers } from "../../src/store/containers.ts";
import { upsertPanes } from "../../src/store/panes.ts";
import { check } from "../contract/responses.ts";
import { testCall } from "../support/call-context.ts";
import { manualClock } from "../support/manual-clock.ts";
import { type TestRegistry, testRegistry } from "../support/registry.ts";
import { containerId, containerRow, paneRow } from "../support/rows.ts";

const at = (second: number) => `2026-01-01T00:00:0${second}.000000+00:00`;
const call = testCall();

const noScans = {
  scanContainers: () => Promise.reject(new Error("a list must not scan")),
  scanPanes: () => Promise.reject(new Error("a list must not scan")),
};
const handlersOver = ({ store }: TestRegistry) => discoveryHandlers({ store, discovery: noScans });

test("containers: active first, newest scan first, then id", () => {
  using registry = testRegistry(manualClock());
  registry.store.write((tx) =>
    upsertContainers(tx, [
      containerRow({ container_id: containerId("1"), active: 0, last_scanned_at: at(9) }),
      containerRow({ container_id: containerId("4"), last_scanned_at: at(2) }),
      containerRow({ container_id: containerId("3"), last_scanned_at: at(2) }),
      containerRow({
        container_id: containerId("2"),
        last_scanned_at: at(5),
        labels_json: '{"a":"b"}',
        mounts_json: '[{"source":"/s","target":"/t","type":"bind","mode":"","rw":true}]',
        working_dir: "/work",
      }),
    ]),
  );
  const handlers = handlersOver(registry);
  const all = handlers.list_containers(call, { active_only: false });
  check("list_containers", { ok: true, result: all });
  expect(all.filter).toBe("all");
  expect(all.containers.map(({ id }) => id[0])).toEqual(["2", "3", "4", "1"]);
  expect(all.containers[0]).toMatchObject({
    labels: { a: "b" },
    working_dir: "/work",
    config_user: null,
    active: true,
  });

  const active = handlers.list_containers(call, { active_only: true });
  expect(active.filter).toBe("active_only");
  expect(active.containers.map(({ id }) => id[0])).toEqual(["2", "3", "4"]);
});

test("panes: active first, then by place; of one bench by id in either case, or by name", () => {
  using registry = testRegistry(manualClock());
  const [a, b, orphan] = [containerId("a"), containerId("b"), containerId("c")];
  registry.store.write((tx) => {
    upsertContainers(tx, [
      containerRow({ container_id: a, name: "one" }),
      containerRow({ container_id: b, name: "two", active: 0 }),
    ]);
    upsertPanes(tx, [
      paneRow({ container_id: b, tmux_pane_id: "%9" }),
      paneRow({ container_id: a, tmux_window_index: 10, tmux_pane_id: "%3" }),
      paneRow({ container_id: a, tmux_window_index: 9, tmux_pane_id: "%2" }),
      paneRow({ container_id: a, tmux_pane_id: "%1", active: 0 }),
      paneRow({ container_id: orphan, tmux_pane_id: "%7" }),
    ]);
  });
  const handlers = handlersOver(registry);
  const ids = (container: string | null, active_only = false) =>
    handlers.list_panes(call, { active_only, container }).panes.map(({ tmux_pane_id }) => tmux_pane_id);
  expect(ids(null)).toEqual(["%2", "%3", "%9", "%1"]);
  expect(ids(null, true)).toEqual(["%2", "%3", "%9"]);
  expect(ids(a.toUpperCase())).toEqual(["%2", "%3", "%1"]);
  expect(ids("two")).toEqual(["%9"]);
  expect(ids("nobody")).toEqual([]);
  expect(ids("")).toEqual([]);

  const result = handlers.list_panes(call, { active_only: false, container: "one" });
  check("list_panes", { ok: true, result });
  expect(result.container_filter).toBe("one");
  expect(result.panes[0]).toMatchObject({ pane_active: true, active: true, pane_pid: 42 });
});

test("scans go to discovery with the scope as sent", async () => {
  using registry = testRegistry(manualClock());
  const scopes: (string | null)[] = [];
  const handlers = discoveryHandlers({
    store: registry.store,
    discovery: {
      ...noScans,
      scanPanes: (scope) => {
        scopes.push(scope);
        return Promise.reject(new Error("enough seen"));
      },
    },
  });
  await expect(handlers.scan_panes(call, { container: "bench" })).rejects.toThrow("enough seen");
  await expect(handlers.scan_panes(call, { container: null })).rejects.toThrow("enough seen");
  expect(scopes).toEqual(["bench", null]);
});
