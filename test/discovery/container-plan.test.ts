import { expect, test } from "bun:test";
import fc from "fast-check";
import type { InspectedContainer } from "../../src/base/engine.ts";
import { type ContainerView, type Inspection, planContainers } from "../../src/discovery/container-plan.ts";
import type { ContainerRow } from "../../src/store/containers.ts";

const id = (n: number) => n.toString(16).padStart(64, "0");
const HOST = id(999);

const inspected = (n: number, more: Partial<InspectedContainer> = {}): InspectedContainer => ({
  id: id(n),
  name: `bench-${n}`,
  image: "img",
  status: "running",
  running: true,
  labels: { a: "b" },
  mounts: [],
  configUser: null,
  workingDir: null,
  envKeys: ["HOME"],
  ...more,
});
const listed = (n: number) => ({ id: id(n), names: [`bench-${n}`], status: "Up 1 second" });
const good = (n: number): Inspection => ({ kind: "good", container: inspected(n) });

const at = "2026-01-01T00:00:00.000000+00:00";
const row = (n: number, active: 0 | 1): ContainerRow => {
  const view: ContainerView = {
    at: "2025-01-01T00:00:00.000000+00:00",
    docker: { matched: [listed(n)], ignored: [], inspections: new Map([[id(n), good(n)]]), departed: new Map() },
    known: [],
    host: { id: HOST, isEnabled: false },
  };
  const [made] = planContainers(view).upserts;
  if (!made) throw new Error("no row was made");
  return { ...made, active };
};

function plan(
  inspections: [number, Inspection][],
  known: ContainerRow[],
  more: { departed?: [number, string][]; ignored?: number[]; isHost?: boolean } = {},
) {
  return planContainers({
    at,
    docker: {
      matched: inspections.map(([n]) => listed(n)),
      ignored: (more.ignored ?? []).map(listed),
      inspections: new Map(inspections.map(([n, inspection]) => [id(n), inspection])),
      departed: new Map((more.departed ?? []).map(([n, status]) => [id(n), status])),
    },
    known,
    host: { id: HOST, isEnabled: more.isHost ?? false },
  });
}

const changes = (result: ReturnType<typeof plan>) =>
  result.roster.map(({ container_id, change }) => [container_id, change]);

test("the table of 02 §3.3", () => {
  const failed: Inspection = { kind: "failed", code: "docker_failed", message: "500\n" };
  const result = plan(
    [
      [1, good(1)],
      [2, good(2)],
      [3, { kind: "good", container: inspected(3, { image: "other" }) }],
      [4, good(4)],
      [5, failed],
      [6, failed],
      [7, failed],
      [8, { kind: "gone", status: "exited" }],
      [9, { kind: "gone", status: "removed" }],
    ],
    [row(2, 1), row(3, 1), row(4, 0), row(5, 1), row(6, 0), row(8, 1), row(10, 1), row(11, 0), row(12, 1)],
    { departed: [[10, "exited"]], ignored: [12, 13] },
  );
  expect(changes(result)).toEqual([
    [id(1), "added"],
    [id(2), "unchanged"],
    [id(3), "updated"],
    [id(4), "reactivated"],
    [id(5), "inspect_failed"],
    [id(6), "inspect_failed"],
    [id(7), "inspect_failed"],
    [id(8), "inactivated"],
    [id(10), "inactivated"],
    [id(12), "inactivated"],
  ]);
  expect(result.roster.map(({ state }) => state[0])).toEqual([..."aaaaaiiiii"]);
  expect(result.touch).toEqual([id(5), id(6)]);
  expect(result.inactivate).toEqual([
    { container_id: id(8), status: "exited" },
    { container_id: id(10), status: "exited" },
    { container_id: id(12), status: null },
  ]);
  expect(result).toMatchObject({
    matchedCount: 9,
    ignoredCount: 2,
    ignoredNames: ["bench-12", "bench-13"],
    errorCode: "docker_failed",
    errorMessage: "3 of 9 candidates failed inspect",
  });
  expect(result.errorDetails.map(({ error_message }) => error_message)).toEqual(["500", "500", "500"]);
  expect(result.upserts.map(({ first_seen_at }) => first_seen_at === at)).toEqual([true, false, false, false]);
  expect(JSON.parse(result.upserts[0]?.inspect_json ?? "")).toEqual({
    config_user: null,
    working_dir: null,
    env_keys: ["HOME"],
    full_status: "running",
  });
});

test("an empty list is healthy and inactivates everything but the host", () => {
  const result = plan([], [row(1, 1), row(2, 0)], { isHost: true });
  expect(changes(result)).toEqual([
    [id(1), "inactivated"],
    [HOST, "added"],
  ]);
  expect(result).toMatchObject({ matchedCount: 0, ignoredCount: 0, errorCode: null });
});

test("without an Engine only the host row is reconciled", () => {
  const on = planContainers({ at, docker: null, known: [row(1, 1)], host: { id: HOST, isEnabled: true } });
  expect([changes(on), on.inactivate]).toEqual([[[HOST, "added"]], []]);
  expect(on.upserts[0]).toMatchObject({ name: "host", image: "", status: "running", active: 1 });
  const hostRow = on.upserts[0];
  if (!hostRow) throw new Error("no host row");
  const off = plan([], [hostRow]);
  expect(off.inactivate).toEqual([{ container_id: HOST, status: null }]);
});

test("more than 50 ignored names are counted, not shown", () => {
  const result = plan([], [], { ignored: Array.from({ length: 60 }, (_, n) => n) });
  expect([result.ignoredCount, result.ignoredNames.length]).toEqual([60, 50]);
});

const number = fc.integer({ min: 0, max: 9 });
const anyInspection = (n: number): fc.Arbitrary<[number, Inspection]> =>
  fc.oneof(
    fc.constant<[number, Inspection]>([n, good(n)]),
    fc.constant<[number, Inspection]>([n, { kind: "gone", status: null }]),
    fc.constant<[number, Inspection]>([n, { kind: "failed", code: "docker_timeout", message: "late" }]),
  );

test("after a scan the active rows are the good ones and the active ones whose inspect failed; a second scan adds nothing", () => {
  const world = fc
    .tuple(fc.uniqueArray(number), fc.dictionary(number.map(String), fc.constantFrom<0 | 1>(0, 1)))
    .chain(([seen, known]) => fc.tuple(fc.tuple(...seen.map(anyInspection)), fc.constant(known)));
  fc.assert(
    fc.property(world, ([inspections, known]) => {
      const rows = new Map(Object.entries(known).map(([n, active]) => [id(Number(n)), row(Number(n), active)]));
      const before = new Map(rows);
      const run = () => {
        const result = plan(inspections, [...rows.values()]);
        for (const made of result.upserts) rows.set(made.container_id, made);
        for (const { container_id } of result.inactivate) {
          const gone = rows.get(container_id);
          if (gone) rows.set(container_id, { ...gone, active: 0 });
        }
        return result;
      };
      run();
      const active = [...rows.values()].filter((one) => one.active === 1).map((one) => one.container_id);
      const expected = inspections
        .filter(([n, { kind }]) => kind === "good" || (kind === "failed" && before.get(id(n))?.active === 1))
        .map(([n]) => id(n));
      expect(active.sort()).toEqual(expected.sort());
      const again = run();
      expect(again.inactivate).toEqual([]);
      expect(again.roster.every(({ change }) => change === "unchanged" || change === "inspect_failed")).toBe(true);
    }),
  );
});
