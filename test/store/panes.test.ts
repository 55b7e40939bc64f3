import { afterEach, beforeEach, expect, test } from "bun:test";
import {
  activePanesOf,
  inactivatePanes,
  inactiveContainersWithPanes,
  listPanes,
  movePanes,
  paneByKey,
  touchPanes,
  upsertPanes,
} from "../../src/store/panes.ts";
import { addContainer, addPane, at, type Folder, folder, freshStore } from "./registry.ts";

let place: Folder;
let store: ReturnType<typeof freshStore>;
beforeEach(() => {
  place = folder();
  store = freshStore(place.path);
});
afterEach(() => {
  store.close();
  place.remove();
});

const key = (tmux_pane_id: string, more = {}) => ({
  container_id: "c1",
  tmux_socket_path: "/s",
  tmux_session_name: "main",
  tmux_window_index: 0,
  tmux_pane_index: 0,
  tmux_pane_id,
  ...more,
});

test("a known pane keeps its first sight", () => {
  store.write((tx) => addPane(tx, { paneId: "%0", active: 0 }));
  store.write((tx) => {
    const row = paneByKey(tx, key("%0"));
    if (!row) throw new Error("no row");
    upsertPanes(tx, [{ ...row, active: 1, pane_title: "new", first_seen_at: at(5), last_scanned_at: at(5) }]);
  });
  expect(store.read((tx) => activePanesOf(tx, "c1"))).toMatchObject([
    { pane_title: "new", first_seen_at: at(0), last_scanned_at: at(5) },
  ]);
});

test("a moved pane keeps its row number, which cursors remember", () => {
  const rowid = () =>
    store.read((tx) =>
      tx.db.query<{ rowid: number; s: string }, []>("SELECT rowid, tmux_session_name s FROM panes").all(),
    );
  store.write((tx) => {
    addPane(tx, { paneId: "%9" });
    addPane(tx, { paneId: "%0" });
    movePanes(tx, [{ from: key("%0"), to: key("%0", { tmux_session_name: "new" }) }]);
  });
  expect(rowid()).toEqual([
    { rowid: 1, s: "main" },
    { rowid: 2, s: "new" },
  ]);
});

test("touching in scopes", () => {
  store.write((tx) => {
    addPane(tx, { paneId: "%0" });
    addPane(tx, { paneId: "%1", active: 0 });
    tx.db.run("UPDATE panes SET tmux_socket_path = '/t' WHERE tmux_pane_id = '%1'");
    addPane(tx, { paneId: "%2", container: "c2" });
  });
  const touched = (scopes: Parameters<typeof touchPanes>[1], inactive: boolean) =>
    store.write((tx) => {
      tx.db.run(`UPDATE panes SET last_scanned_at = '${at(0)}'`);
      touchPanes(tx, scopes, at(1), inactive);
      const rows = tx.db.query<{ p: string }, [string]>(
        "SELECT tmux_pane_id p FROM panes WHERE last_scanned_at = ? ORDER BY p",
      );
      return rows.all(at(1)).map(({ p }) => p);
    });
  const c1 = { container_id: "c1" };
  expect(touched([{ ...c1, kind: "all" }], true)).toEqual(["%0", "%1"]);
  expect(touched([{ ...c1, kind: "all" }], false)).toEqual(["%0"]);
  expect(touched([{ ...c1, kind: "socket", tmux_socket_path: "/t" }], true)).toEqual(["%1"]);
  expect(touched([{ ...c1, kind: "other_sockets", except: ["/t", "/x'\"]"] }], true)).toEqual(["%0"]);
  expect(touched([{ ...c1, kind: "other_sockets", except: [] }], true)).toEqual(["%0", "%1"]);
});

test("lists: active first, by place; panes without a container never", () => {
  store.write((tx) => {
    addContainer(tx, "c1", "bench", 1);
    addContainer(tx, "c2", "old", 0);
    addPane(tx, { paneId: "%3", active: 0 });
    addPane(tx, { paneId: "%2", session: "b" });
    addPane(tx, { paneId: "%1", session: "a", window: 10 });
    addPane(tx, { paneId: "%0", session: "a", window: 9 });
    addPane(tx, { paneId: "%4", container: "c2" });
    addPane(tx, { paneId: "%5", container: "lost" });
  });
  const ids = (activeOnly: boolean, containers: string[] | null) =>
    store.read((tx) => listPanes(tx, activeOnly, containers)).map((row) => row.tmux_pane_id);
  expect(ids(false, null)).toEqual(["%0", "%1", "%2", "%4", "%3"]);
  expect(ids(true, null)).toEqual(["%0", "%1", "%2", "%4"]);
  expect(ids(false, ["c2"])).toEqual(["%4"]);
  expect(ids(false, [])).toEqual([]);
  expect(store.read(inactiveContainersWithPanes)).toEqual(["c2"]);
});

test("50,000 rows of dead benches are touched, and 5000 live ones inactivated, each within 3 s", () => {
  store.write((tx) => {
    for (let n = 0; n < 50_000; n++) addPane(tx, { container: `c${n % 50}`, window: n, paneId: `%${n}`, active: 0 });
    for (let n = 0; n < 5000; n++) addPane(tx, { container: "live", window: n, paneId: `%${n}` });
  });
  // Time of this process, so that a busy machine does not count.
  const spent = (work: () => void): number => {
    const before = process.cpuUsage();
    work();
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1000;
  };
  const dead = Array.from({ length: 50 }, (_, n) => ({ container_id: `c${n}`, kind: "all" as const }));
  expect(spent(() => store.write((tx) => touchPanes(tx, dead, at(1), true)))).toBeLessThan(3000);
  expect(spent(() => store.write((tx) => inactivatePanes(tx, activePanesOf(tx, "live"), at(1))))).toBeLessThan(3000);
  expect(store.read((tx) => activePanesOf(tx, "live"))).toEqual([]);
}, 60_000);
