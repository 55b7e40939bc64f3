import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { planPanes } from "../../src/discovery/pane-plan.ts";
import { keyText, reportedPanes } from "../../src/discovery/reported-panes.ts";
import type { ContainerSight, SocketSight } from "../../src/discovery/sight.ts";
import type { PaneRow, PaneScope } from "../../src/store/panes.ts";
import type { TmuxPane } from "../../src/tmux/rows.ts";

const C = "c".repeat(64);
const BEFORE = "2025-01-01T00:00:00.000000+00:00";
const NOW = "2026-01-01T00:00:00.000000+00:00";

const pane = (id: number, more: Partial<TmuxPane> = {}): TmuxPane => ({
  sessionName: "main",
  windowIndex: 0,
  paneIndex: id,
  paneId: `%${id}`,
  pid: 100 + id,
  tty: `/dev/pts/${id}`,
  command: "bash",
  path: "/",
  title: "",
  focused: false,
  ...more,
});

const good = (path: string, panes: TmuxPane[], malformed = 0): SocketSight => ({
  path,
  kind: "good",
  panes,
  malformed,
  surplus: 0,
});
const failed = (path: string): SocketSight => ({
  path,
  kind: "failed",
  failure: { code: "docker_exec_timeout", message: "late" },
  gone: false,
  missing: false,
});
const listed = (sockets: SocketSight[], leftAlone: string[] = []): ContainerSight => ({
  containerId: C,
  name: "bench",
  user: "dev",
  kind: "listed",
  sockets,
  leftAlone,
});
const unlisted: ContainerSight = {
  containerId: C,
  name: "bench",
  user: "dev",
  kind: "unlisted",
  failure: { code: "docker_exec_failed", message: "no" },
};

/** Rows of a container, changed as the store changes them. */
class Table {
  rows = new Map<string, PaneRow>();

  add(path: string, panes: TmuxPane[], active: 0 | 1 = 1): this {
    for (const row of reportedPanes(listed([good(path, panes)]), BEFORE).rows)
      this.rows.set(keyText(row), { ...row, active });
    return this;
  }

  scan(sight: ContainerSight) {
    const reported = reportedPanes(sight, NOW).rows;
    const active = [...this.rows.values()].filter((row) => row.active === 1);
    const held = new Set([...this.rows.values()].filter((row) => row.active === 0).map(keyText));
    const plan = planPanes([{ sight, reported, active, held }], new Map());
    for (const { from, to } of plan.moves) {
      const row = this.rows.get(keyText(from));
      if (!row || this.rows.has(keyText(to))) throw new Error("a move from nowhere, or onto another row");
      this.rows.delete(keyText(from));
      this.rows.set(keyText(to), { ...row, ...pickKey(to) });
    }
    for (const scope of plan.touch) {
      for (const row of this.rows.values()) if (isIn(scope, row)) row.last_scanned_at = NOW;
    }
    for (const key of plan.inactivate) {
      const row = this.rows.get(keyText(key));
      if (row) Object.assign(row, { active: 0, last_scanned_at: NOW });
    }
    for (const row of plan.upserts) {
      const known = this.rows.get(keyText(row));
      this.rows.set(keyText(row), { ...row, first_seen_at: known?.first_seen_at ?? row.first_seen_at });
    }
    return plan;
  }

  /** `<socket> <session>:<window>.<pane> <id>` of the active rows. */
  active(): string[] {
    return [...this.rows.values()]
      .filter((row) => row.active === 1)
      .map(place)
      .sort();
  }

  touched(): string[] {
    return [...this.rows.values()]
      .filter((row) => row.last_scanned_at === NOW)
      .map(place)
      .sort();
  }
}

const pickKey = (row: { [K in keyof PaneRow]?: PaneRow[K] }) => ({
  tmux_socket_path: row.tmux_socket_path ?? "",
  tmux_session_name: row.tmux_session_name ?? "",
  tmux_window_index: row.tmux_window_index ?? 0,
  tmux_pane_index: row.tmux_pane_index ?? 0,
  tmux_pane_id: row.tmux_pane_id ?? "",
});

const place = (row: PaneRow) =>
  `${row.tmux_socket_path} ${row.tmux_session_name}:${row.tmux_window_index}.${row.tmux_pane_index} ${row.tmux_pane_id}`;

function isIn(scope: PaneScope, row: PaneRow): boolean {
  if (scope.kind === "socket") return scope.tmux_socket_path === row.tmux_socket_path;
  return scope.kind === "all" || !scope.except.includes(row.tmux_socket_path);
}

describe("the table of 02 §5.6", () => {
  const known = () =>
    new Table()
      .add("/a", [pane(0), pane(1)])
      .add("/a", [pane(2)], 0)
      .add("/b", [pane(3)])
      .add("/b", [pane(4)], 0);

  test("unknown: everything stays and is touched", () => {
    for (const sight of [unlisted, listed([failed("/a"), failed("/b")])]) {
      const table = known();
      table.scan(sight);
      expect(table.active()).toEqual(["/a main:0.0 %0", "/a main:0.1 %1", "/b main:0.3 %3"]);
      expect(table.touched()).toHaveLength(5);
    }
  });

  test("reachable: reported panes are active, missing ones go, inactive ones are untouched", () => {
    const table = known();
    const plan = table.scan(listed([good("/a", [pane(0), pane(2), pane(5)]), failed("/b")]));
    expect(table.active()).toEqual(["/a main:0.0 %0", "/a main:0.2 %2", "/a main:0.5 %5", "/b main:0.3 %3"]);
    expect(table.touched()).toEqual([
      "/a main:0.0 %0",
      "/a main:0.1 %1",
      "/a main:0.2 %2",
      "/a main:0.5 %5",
      "/b main:0.3 %3",
      "/b main:0.4 %4",
    ]);
    expect(plan.newlyActive).toBe(2);
    expect(table.rows.get(keyText({ ...row0(), tmux_pane_index: 2, tmux_pane_id: "%2" }))?.first_seen_at).toBe(BEFORE);
  });

  test("a socket that is no longer listed: its rows go and are touched, the inactive ones too", () => {
    const table = known();
    table.scan(listed([good("/a", [pane(0), pane(1)])]));
    expect(table.active()).toEqual(["/a main:0.0 %0", "/a main:0.1 %1"]);
    expect(table.touched()).toEqual(["/a main:0.0 %0", "/a main:0.1 %1", "/b main:0.3 %3", "/b main:0.4 %4"]);
  });

  test("empty: active rows go, inactive ones are untouched", () => {
    const table = known();
    table.scan(listed([]));
    expect(table.active()).toEqual([]);
    expect(table.touched()).toEqual(["/a main:0.0 %0", "/a main:0.1 %1", "/b main:0.3 %3"]);
  });

  test("sockets beyond the limit are left alone", () => {
    const table = known();
    table.scan(listed([good("/a", [pane(0), pane(1)])], ["/b"]));
    expect(table.active()).toContain("/b main:0.3 %3");
    expect(table.touched()).toEqual(["/a main:0.0 %0", "/a main:0.1 %1"]);
  });

  test("a socket with malformed rows inactivates nothing and moves nothing", () => {
    const table = known();
    const plan = table.scan(listed([good("/a", [pane(0, { sessionName: "renamed" })], 1), good("/b", [pane(3)])]));
    expect(plan).toMatchObject({ moves: [], inactivate: [], newlyActive: 1 });
    expect(table.active()).toHaveLength(4);
  });

  test("skipped: active rows go, all are touched", () => {
    const rows = [...known().rows.values()].filter((row) => row.active === 1);
    const plan = planPanes([], new Map([[C, rows]]));
    expect(plan.inactivate).toHaveLength(3);
    expect(plan.touch).toEqual([{ container_id: C, kind: "all" }]);
  });
});

const row0 = () => ({
  container_id: C,
  tmux_socket_path: "/a",
  tmux_session_name: "main",
  tmux_window_index: 0,
  tmux_pane_index: 0,
  tmux_pane_id: "%0",
});

describe("moves", () => {
  const moved = (before: TmuxPane[], after: TmuxPane[]) => {
    const table = new Table().add("/a", before);
    const plan = table.scan(listed([good("/a", after)]));
    return { table, plan, pairs: plan.moves.map(({ from, to }) => [placeOf(from), placeOf(to)]) };
  };
  const placeOf = (key: { tmux_session_name: string; tmux_window_index: number; tmux_pane_id: string }) =>
    `${key.tmux_session_name}:${key.tmux_window_index} ${key.tmux_pane_id}`;

  test("a renamed session keeps its panes", () => {
    const { table, plan, pairs } = moved(
      [pane(0), pane(1)],
      [pane(0, { sessionName: "new" }), pane(1, { sessionName: "new", title: "t" })],
    );
    expect(pairs).toEqual([
      ["main:0 %0", "new:0 %0"],
      ["main:0 %1", "new:0 %1"],
    ]);
    expect(plan).toMatchObject({ inactivate: [], newlyActive: 0 });
    expect([...table.rows.values()].map((row) => [row.first_seen_at, row.pane_title])).toEqual([
      [BEFORE, ""],
      [BEFORE, "t"],
    ]);
  });

  test("swapped windows", () => {
    const { pairs } = moved(
      [pane(0, { windowIndex: 0, paneIndex: 0 }), pane(1, { windowIndex: 1, paneIndex: 0 })],
      [pane(0, { windowIndex: 1, paneIndex: 0 }), pane(1, { windowIndex: 0, paneIndex: 0 })],
    );
    expect(pairs).toEqual([
      ["main:0 %0", "main:1 %0"],
      ["main:1 %1", "main:0 %1"],
    ]);
  });

  test.each([["pid", { pid: 7 }] as const, ["tty", { tty: "/dev/pts/9" }] as const])(
    "another %s is another pane",
    (_what, more) => {
      const { plan } = moved([pane(0)], [pane(0, { sessionName: "new", ...more })]);
      expect(plan).toMatchObject({ moves: [], newlyActive: 1 });
      expect(plan.inactivate).toHaveLength(1);
    },
  );

  test("onto a key that a row holds: no move", () => {
    const table = new Table().add("/a", [pane(0)]).add("/a", [pane(0, { sessionName: "new" })], 0);
    const plan = table.scan(listed([good("/a", [pane(0, { sessionName: "new" })])]));
    expect(plan.moves).toEqual([]);
    expect(table.active()).toEqual(["/a new:0.0 %0"]);
  });

  test("grouped sessions: each key moves once, the nearest first", () => {
    const { pairs, plan } = moved(
      [pane(0, { sessionName: "g1" }), pane(0, { sessionName: "g2" })],
      [pane(0, { sessionName: "g3" }), pane(0, { sessionName: "g2", windowIndex: 5 }), pane(0, { sessionName: "g4" })],
    );
    expect(pairs).toEqual([
      ["g1:0 %0", "g3:0 %0"],
      ["g2:0 %0", "g2:5 %0"],
    ]);
    expect(plan.newlyActive).toBe(1);
  });
});

test("another process under the same key counts as gone and come back", () => {
  const table = new Table().add("/a", [pane(0)]);
  const plan = table.scan(listed([good("/a", [pane(0, { pid: 7 })])]));
  expect(plan).toMatchObject({ moves: [], inactivate: [], newlyActive: 0 });
  expect(plan.replaced.map(({ tmux_pane_id }) => tmux_pane_id)).toEqual(["%0"]);
  expect(table.active()).toEqual(["/a main:0.0 %0"]);
});

const anyPane = fc
  .record({
    id: fc.nat(5),
    sessionName: fc.constantFrom("main", "other", "a\tb"),
    windowIndex: fc.nat(2),
    paneIndex: fc.nat(2),
    pid: fc.constantFrom(100, 101),
  })
  .map(({ id, ...more }) => pane(id, more));
const anyPanes = fc.array(anyPane, { maxLength: 8 });
const anySocket = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.tuple(fc.constantFrom("/a", "/b", "/c"), anyPanes).map(([path, panes]) => good(path, panes)),
  },
  { weight: 1, arbitrary: fc.constantFrom("/a", "/b", "/c").map(failed) },
  {
    weight: 1,
    arbitrary: fc.tuple(fc.constantFrom("/a", "/b"), anyPanes).map(([path, panes]) => good(path, panes, 2)),
  },
);
const anySockets = fc.uniqueArray(anySocket, { selector: ({ path }) => path, maxLength: 3 });
const anyTable = fc
  .array(fc.tuple(fc.constantFrom("/a", "/b", "/d"), anyPanes, fc.constantFrom<0 | 1>(0, 1)), { maxLength: 4 })
  .map((parts) => {
    const table = new Table();
    for (const [path, panes, active] of parts) table.add(path, panes, active);
    return table;
  });

test("a good socket ends with exactly the panes it reported, and a second scan changes nothing", () => {
  fc.assert(
    fc.property(anyTable, anySockets, (table, sockets) => {
      const sight = listed(sockets);
      const count = table.rows.size;
      const plan = table.scan(sight);
      const reported = reportedPanes(sight, NOW).rows;
      for (const socket of sockets) {
        if (socket.kind !== "good" || socket.malformed > 0) continue;
        const expected = new Set(reported.filter((row) => row.tmux_socket_path === socket.path).map(place));
        expect(table.active().filter((text) => text.startsWith(`${socket.path} `))).toEqual([...expected].sort());
      }
      // Rows are never lost: only new panes add to them.
      expect(table.rows.size).toBeGreaterThanOrEqual(count);
      const keys = (rows: Iterable<PaneRow>) => [...rows].map((row) => `${keyText(row)} ${row.active}`).sort();
      const after = keys(table.rows.values());
      const again = table.scan(sight);
      expect(again).toMatchObject({ moves: [], replaced: [], newlyActive: 0, inactivate: [] });
      expect(keys(table.rows.values())).toEqual(after);
      expect(plan.replaced.every((key) => table.rows.get(keyText(key))?.active === 1)).toBe(true);
    }),
    { numRuns: 500 },
  );
});

test("values are cleaned and cut, and every cut is noted", () => {
  const long = "x".repeat(3000);
  const sight = listed([good("/a", [pane(0, { title: `${long}\n\x1b`, path: `/${long}\t`, sessionName: "a\x00b" })])]);
  const { rows, truncations } = reportedPanes(sight, NOW);
  expect(rows[0]).toMatchObject({ tmux_session_name: "ab", pane_current_path: `/${long} ` });
  expect(rows[0]?.pane_title).toHaveLength(2048);
  expect(truncations).toEqual([
    { tmux_pane_id: "%0", tmux_socket_path: "/a", container_id: C, field: "pane_title", original_len: 3001 },
  ]);
});
