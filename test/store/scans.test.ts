import { afterEach, beforeEach, expect, test } from "bun:test";
import {
  containerIdsNamed,
  containersByIds,
  inactivateContainers,
  listContainers,
  touchContainers,
} from "../../src/store/containers.ts";
import {
  insertContainerScan,
  insertPaneScan,
  newestContainerScan,
  newestPaneScan,
  pruneScans,
  setDegradedScan,
} from "../../src/store/scans.ts";
import { addContainer, at, type Folder, folder, freshStore } from "./registry.ts";

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

const scan = (n: number) => ({
  scan_id: `s${n}`,
  started_at: at(n),
  completed_at: at(n),
  status: "ok" as const,
  matched_count: 1,
  inactive_reconciled_count: 2,
  ignored_count: 3,
  error_code: null,
  error_message: null,
  error_details_json: null,
});
const paneScan = (n: number) => ({
  scan_id: `s${n}`,
  started_at: at(n),
  completed_at: at(n),
  status: "degraded" as const,
  containers_scanned: 1,
  sockets_scanned: 2,
  panes_seen: 3,
  panes_newly_active: 4,
  panes_reconciled_inactive: 5,
  containers_skipped_inactive: 6,
  containers_tmux_unavailable: 7,
  error_code: "x",
  error_message: "y",
  error_details_json: "[]",
});

test("rows come back as they were written; the newest 5000 are kept", () => {
  store.write((tx) => {
    for (let n = 5001; n > 0; n--) {
      insertContainerScan(tx, scan(n));
      insertPaneScan(tx, paneScan(n));
    }
    pruneScans(tx);
  });
  expect(store.read(newestContainerScan)).toEqual(scan(5001));
  expect(store.read(newestPaneScan)).toEqual(paneScan(5001));
  for (const table of ["container_scans", "pane_scans"]) {
    expect(store.read((tx) => tx.db.query(`SELECT count(*) n, min(started_at) first FROM ${table}`).get())).toEqual({
      n: 5000,
      first: at(2),
    });
  }
});

test("the set of degraded benches", () => {
  const set = () =>
    store.read((tx) => tx.db.query<{ id: string }, []>("SELECT container_id id FROM degraded_scan").all());
  store.write((tx) => {
    setDegradedScan(tx, ["a", "b", "a"], true);
    setDegradedScan(tx, ["a", "c"], false);
  });
  expect(set()).toEqual([{ id: "b" }]);
});

test("containers: order of the list, touching, going", () => {
  store.write((tx) => {
    addContainer(tx, "c3", "x", 0, 0, 9);
    addContainer(tx, "c2", "x", 1, 0, 1);
    addContainer(tx, "c1", "y", 1, 0, 1);
    addContainer(tx, "c0", "y", 1, 0, 2);
    touchContainers(tx, ["c1"], at(3));
    inactivateContainers(
      tx,
      [
        { container_id: "c0", status: "exited" },
        { container_id: "c2", status: null },
      ],
      at(4),
    );
  });
  const rows = store.read((tx) => listContainers(tx, false));
  expect(rows.map((row) => [row.container_id, row.active, row.status, row.last_scanned_at])).toEqual([
    ["c1", 1, "running", at(3)],
    ["c3", 0, "running", at(9)],
    ["c0", 0, "exited", at(4)],
    ["c2", 0, "running", at(4)],
  ]);
  expect(store.read((tx) => listContainers(tx, true)).map((row) => row.container_id)).toEqual(["c1"]);
  expect(store.read((tx) => containerIdsNamed(tx, "x")).sort()).toEqual(["c2", "c3"]);
  expect(store.read((tx) => containersByIds(tx, ["c3", "nope", "c0"])).map((row) => row.container_id)).toEqual([
    "c3",
    "c0",
  ]);
});
