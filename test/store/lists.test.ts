import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import fc from "fast-check";
import { CURSOR_CHARACTERS } from "../../src/contract/limits.ts";
import type { Direction } from "../../src/store/keyset.ts";
import {
  type ContainerState,
  type ListPage,
  listContainerPage,
  listPanePage,
  type PaneFilter,
  type PaneOrder,
} from "../../src/store/lists.ts";
import type { Store } from "../../src/store/open.ts";
import { paneByPaneKey, paneKeyOf } from "../../src/store/pane-key.ts";
import { spyOnPlans } from "./plans.ts";
import { addAgent, addContainer, addPane, type Folder, folder, quickStore } from "./registry.ts";

let at: Folder;
let store: Store;
beforeEach(() => {
  at = folder();
  store = quickStore(at.path);
});
afterEach(() => {
  store.close();
  at.remove();
});

function good<Row>(page: ListPage<Row> | "cursor_refused"): ListPage<Row> {
  if (page === "cursor_refused") throw new Error("the cursor was refused");
  return page;
}

const panes = (filter: PaneFilter, order: PaneOrder, direction: Direction, limit: number, cursor?: string) =>
  store.read((tx) => listPanePage(tx, filter, { order, direction, limit, cursor }));

/** All pages; `between` runs after each. */
function everyPane(
  filter: PaneFilter,
  order: PaneOrder,
  direction: Direction,
  limit: number,
  between: () => void = () => undefined,
): string[] {
  const seen: string[] = [];
  let cursor: string | undefined;
  do {
    const page = good(panes(filter, order, direction, limit, cursor));
    expect(page.rows.length).toBeLessThanOrEqual(limit);
    seen.push(...page.rows.map((row) => row.tmux_pane_id));
    cursor = page.cursorNext ?? undefined;
    if (cursor) expect(cursor.length).toBeLessThanOrEqual(CURSOR_CHARACTERS);
    between();
  } while (cursor);
  return seen;
}

const ORDERS: PaneOrder[] = ["default", "discovered_at", "last_seen_at"];
const seed = fc.record({
  container: fc.constantFrom("c1", "c2", "c3"),
  containerName: fc.constantFrom("bench-a", "bench-b", "ä-bench", "n".repeat(250)),
  session: fc.constantFrom("main", "work", "s".repeat(2000), "ü".repeat(400)),
  window: fc.nat(2),
  pane: fc.nat(2),
  active: fc.constantFrom<0 | 1>(0, 1),
  firstSeen: fc.nat(3),
  lastScanned: fc.nat(3),
  agent: fc.constantFrom("none", "active", "inactive"),
});

test("any rows, order, direction, filter and page size: every row once, in order, with the right total, whatever is inserted meanwhile", () => {
  fc.assert(
    fc.property(
      fc.array(seed, { maxLength: 30 }),
      fc.array(seed, { maxLength: 6 }),
      fc.constantFrom(...ORDERS),
      fc.constantFrom<Direction>("asc", "desc"),
      fc.record(
        { container_id: fc.constantFrom("c1", "c2"), registered: fc.boolean(), include_inactive: fc.boolean() },
        { requiredKeys: [] },
      ),
      fc.integer({ min: 1, max: 7 }),
      (before, meanwhile, order, direction, filter, limit) => {
        let next = 0;
        const add = (row: (typeof before)[number]): void =>
          store.write((tx) => {
            const id = `%${next++}`;
            addPane(tx, { ...row, paneId: id });
            if (row.agent !== "none")
              addAgent(tx, `agt_${id}`, { ...row, paneId: id }, "slave", row.agent === "active" ? 1 : 0);
          });
        store.write(({ db }) => db.run("DELETE FROM panes"));
        store.write(({ db }) => db.run("DELETE FROM agents"));
        before.forEach(add);

        const wanted = before
          .map((row, n) => ({ ...row, id: `%${n}`, n }))
          .filter((row) => filter.include_inactive || row.active === 1)
          .filter((row) => filter.container_id === undefined || row.container === filter.container_id)
          .filter((row) => filter.registered === undefined || (row.agent === "active") === filter.registered);
        const bytes = (left: string, right: string): number => Buffer.compare(Buffer.from(left), Buffer.from(right));
        const sign = direction === "asc" ? 1 : -1;
        const place = (left: (typeof wanted)[number], right: (typeof wanted)[number]): number =>
          order === "default"
            ? bytes(left.containerName, right.containerName) ||
              bytes(left.session, right.session) ||
              left.window - right.window ||
              left.pane - right.pane
            : order === "discovered_at"
              ? left.firstSeen - right.firstSeen
              : left.lastScanned - right.lastScanned;
        const ids = wanted.sort((left, right) => sign * (place(left, right) || left.n - right.n)).map((row) => row.id);

        expect(good(panes(filter, order, direction, 200)).total).toBe(ids.length);
        expect(everyPane(filter, order, direction, limit)).toEqual(ids);

        const added = [...meanwhile];
        const seen = everyPane(filter, order, direction, limit, () => {
          const row = added.pop();
          if (row) add(row);
        });
        expect(new Set(seen).size).toBe(seen.length);
        expect(seen.filter((id) => ids.includes(id))).toEqual(ids);
      },
    ),
    { numRuns: 150 },
  );
});

describe("cursors", () => {
  beforeEach(() =>
    store.write((tx) => Array.from({ length: 9 }, (_, n) => addPane(tx, { paneId: `%${n}`, window: n }))),
  );

  const cursorOf = (filter: PaneFilter, order: PaneOrder, direction: Direction): string =>
    good(panes(filter, order, direction, 2)).cursorNext ?? "";

  test("one of another order, direction, filter or list is refused", () => {
    const cursor = cursorOf({}, "default", "asc");
    expect(panes({}, "default", "asc", 2, cursor)).not.toBe("cursor_refused");
    expect(panes({}, "default", "asc", 5, cursor)).not.toBe("cursor_refused");
    expect(panes({}, "default", "desc", 2, cursor)).toBe("cursor_refused");
    expect(panes({}, "discovered_at", "asc", 2, cursor)).toBe("cursor_refused");
    expect(panes({ include_inactive: true }, "default", "asc", 2, cursor)).toBe("cursor_refused");
    expect(panes({ container_id: "c1" }, "default", "asc", 2, cursor)).toBe("cursor_refused");
    expect(panes({ registered: false }, "default", "asc", 2, cursor)).toBe("cursor_refused");
    const paging = { order: "name", direction: "asc", limit: 2, cursor } as const;
    expect(store.read((tx) => listContainerPage(tx, {}, paging))).toBe("cursor_refused");
  });

  test("one of the absent filter is not one of the explicit default's neighbours", () => {
    const cursor = cursorOf({}, "default", "asc");
    expect(panes({ include_inactive: false }, "default", "asc", 2, cursor)).not.toBe("cursor_refused");
  });

  test("every changed character is refused", () => {
    const cursor = cursorOf({}, "default", "asc");
    for (let index = 0; index < cursor.length; index++) {
      for (const other of ["A", "b", "-", "_", "=", "+", " "]) {
        const changed = cursor.slice(0, index) + other + cursor.slice(index + 1);
        if (changed !== cursor) expect(panes({}, "default", "asc", 2, changed)).toBe("cursor_refused");
      }
    }
  });

  test("any text is refused", () =>
    fc.assert(
      fc.property(
        fc.string({ unit: fc.nat(0x7ff).map((code) => String.fromCharCode(code)), maxLength: 600 }),
        (cursor) => {
          expect(panes({}, "default", "asc", 2, cursor)).toBe("cursor_refused");
        },
      ),
    ));

  test("a cursor outlives the daemon", () => {
    const cursor = cursorOf({}, "default", "asc");
    store.close();
    store = quickStore(at.path);
    expect(good(panes({}, "default", "asc", 2, cursor)).rows.map((row) => row.tmux_pane_id)).toEqual(["%2", "%3"]);
  });

  test("no sort key is left in a row", () => {
    const row = good(panes({}, "default", "asc", 1)).rows[0] ?? {};
    expect(Object.keys(row).filter((key) => key.startsWith("key_"))).toEqual([]);
  });
});

test("at any depth, every order and filter seeks by its index and sorts nothing, also among equal times", () => {
  store.write((tx) => {
    for (let n = 0; n < 9; n++) {
      addContainer(tx, `c${n}`, "same", n % 2 === 0 ? 1 : 0);
      addPane(tx, { paneId: `%${n}`, active: n % 2 === 0 ? 1 : 0 });
    }
  });
  const plans: string[] = [];
  store.read((tx) => {
    const seen = { ...tx, db: spyOnPlans(tx.db, plans) };
    for (const direction of ["asc", "desc"] as const) {
      for (const order of ORDERS) {
        for (const filter of [{}, { container_id: "c1" }, { registered: false }]) {
          for (const include_inactive of [true, false]) {
            const page = (cursor?: string) =>
              listPanePage(seen, { ...filter, include_inactive }, { order, direction, limit: 2, cursor });
            page(good(page()).cursorNext ?? "");
          }
        }
      }
      for (const order of ["name", "first_seen_at", "last_scanned_at"] as const) {
        for (const state of [undefined, "active", "inactive"] as const) {
          const page = (cursor?: string) => listContainerPage(seen, { state }, { order, direction, limit: 2, cursor });
          page(good(page()).cursorNext ?? "");
        }
      }
    }
  });
  expect(plans.length).toBeGreaterThan(2 * 2 * (3 * 6 + 3 * 3));
  expect(plans.filter((plan) => plan.includes("TEMP B-TREE"))).toEqual([]);
  const amongEqual = plans.filter((plan) => /(rowid|container_id)[<>]\?/.test(plan));
  expect(amongEqual.length).toBeGreaterThanOrEqual(2 * (3 * 6 + 3 * 3));
});

describe("benches", () => {
  const list = (state: ContainerState | undefined, limit = 10, cursor?: string) =>
    good(store.read((tx) => listContainerPage(tx, { state }, { order: "name", direction: "asc", limit, cursor })));

  beforeEach(() =>
    store.write((tx) => {
      for (const [n, active] of [1, 1, 1, 0, 0].entries())
        addContainer(tx, `c${n}`, "same", active === 1 ? 1 : 0, n, 9 - n);
      tx.db.run("INSERT INTO degraded_scan VALUES ('c1'), ('c4')");
      addPane(tx, { container: "c0", paneId: "%0" });
      addPane(tx, { container: "c0", paneId: "%1" });
      addPane(tx, { container: "c0", paneId: "%2", active: 0 });
      addAgent(tx, "agt_0", { container: "c0", paneId: "%0" });
      addAgent(tx, "agt_1", { container: "c0", paneId: "%1" }, "slave", 0);
    }),
  );

  test("states, totals, counts", () => {
    const ids = (state?: ContainerState) => [list(state).rows.map((row) => row.container_id), list(state).total];
    expect(ids()).toEqual([["c0", "c1", "c2", "c3", "c4"], 5]);
    expect(ids("active")).toEqual([["c0", "c2"], 2]);
    expect(ids("inactive")).toEqual([["c3", "c4"], 2]);
    expect(ids("degraded_scan")).toEqual([["c1"], 1]);
    expect(list(undefined).rows.map((row) => row.degraded_scan)).toEqual([0, 1, 0, 0, 0]);
    const first = list("active").rows[0];
    expect([first?.pane_count, first?.registered_agent_count]).toEqual([2, 1]);
  });

  test("equal names are told apart by id, page by page", () => {
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const page = list(undefined, 2, cursor);
      seen.push(...page.rows.map((row) => row.container_id));
      cursor = page.cursorNext ?? undefined;
    } while (cursor);
    expect(seen).toEqual(["c0", "c1", "c2", "c3", "c4"]);
  });
});

describe("pane keys", () => {
  const rows = () => good(panes({ include_inactive: true }, "default", "asc", 50)).rows;

  test("each names its row alone, also after a move, and no other text does", () => {
    store.write((tx) => {
      for (const container of ["c1", "c2"]) for (const n of [0, 1]) addPane(tx, { container, paneId: `%${n}` });
    });
    const keys = rows().map(paneKeyOf);
    expect(new Set(keys).size).toBe(4);
    store.write(({ db }) =>
      db.run("UPDATE panes SET tmux_session_name = 'renamed', tmux_window_index = 7, active = 0"),
    );
    expect(rows().map(paneKeyOf).sort()).toEqual([...keys].sort());
    for (const key of keys) {
      expect(store.read((tx) => paneByPaneKey(tx, key))?.tmux_session_name).toBe("renamed");
      const changed = `${key.slice(0, -1)}${key.endsWith("0") ? "1" : "0"}`;
      for (const wrong of [changed, key.slice(1), `${key} `, ""]) {
        expect(store.read((tx) => paneByPaneKey(tx, wrong))).toBeNull();
      }
    }
  });
});
