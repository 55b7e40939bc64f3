import { expect, test } from "bun:test";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { systemClock } from "../../src/base/clock.ts";
import { hostBench } from "../../src/host/bench.ts";
import { listPanesCommand } from "../../src/tmux/commands.ts";
import { freshMarks, type Marks, paneFormat, parsePanes, type TmuxPane } from "../../src/tmux/rows.ts";
import { localTmux } from "../support/local-tmux.ts";

const marks: Marks = { field: "<0123456789abcdef>", end: "[0123456789abcdef]" };

/** What tmux prints for a pane. */
function printed(pane: TmuxPane, with_: Marks = marks): string {
  const { sessionName, windowIndex, paneIndex, paneId, pid, tty, command, path, title, focused } = pane;
  const fields = [sessionName, windowIndex, paneIndex, paneId, pid, tty, command, path, title, focused ? 1 : 0];
  return `${fields.map((field) => with_.field + field).join("")}${with_.end}\n`;
}

const hostile = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.string(),
  fc.constantFrom("a\tb", "a\nb", "x\ry", "\u2028", "<0123456789abcdee>", "[0123456789abcdee]", "main\t0\t0\t%9\t1\n"),
);
const index = fc.integer({ min: 0, max: 2_147_483_647 });
const anyPane: fc.Arbitrary<TmuxPane> = fc.record({
  sessionName: hostile,
  windowIndex: index,
  paneIndex: index,
  paneId: fc.nat().map((n) => `%${n}`),
  pid: index,
  tty: hostile,
  command: hostile,
  path: hostile,
  title: hostile,
  focused: fc.boolean(),
});

test("whatever stands in a field comes back, and nothing more", () => {
  fc.assert(
    fc.property(fc.array(anyPane, { maxLength: 8 }), (panes) => {
      const output = panes.map((pane) => printed(pane)).join("");
      expect(parsePanes(output, marks)).toEqual({ good: panes, malformed: 0 });
    }),
  );
});

test("a row imitated with older marks is part of the field that holds it", () => {
  fc.assert(
    fc.property(anyPane, anyPane, (pane, imitation) => {
      const path = `/x\n${printed(imitation, { field: "<ffffffffffffffff>", end: "[ffffffffffffffff]" })}`;
      expect(parsePanes(printed({ ...pane, path }), marks)).toEqual({ good: [{ ...pane, path }], malformed: 0 });
    }),
  );
});

const plain: TmuxPane = {
  sessionName: "main",
  windowIndex: 0,
  paneIndex: 1,
  paneId: "%1",
  pid: 7,
  tty: "/dev/pts/1",
  command: "bash",
  path: "/",
  title: "",
  focused: true,
};
const good = printed(plain);

test.each([
  ["no output", "", 0, 0],
  ["a pid that is too large", good.replace(">7<", ">2147483648<"), 0, 1],
  ["the largest pid", good.replace(">7<", ">2147483647<"), 1, 0],
  ["a negative pid", good.replace(">7<", ">-1<"), 0, 1],
  ["an index that is no number", good.replace(">0<", ">0x1<"), 0, 1],
  ["an empty index", good.replace(">0<", "><"), 0, 1],
  ["another value of pane_active", good.replace(">1[", ">2["), 0, 1],
  ["an empty pane id", good.replace(">%1<", "><"), 0, 1],
  ["nine fields", good.replace("<0123456789abcdef>bash", ""), 0, 1],
  ["eleven fields", good.replace("bash", "bash<0123456789abcdef>"), 0, 1],
  ["an output that was cut", good + good.slice(0, 60), 1, 1],
  ["text before a row", `warning\n${good}`, 1, 1],
  ["no mark at all", "main\t0\t0\n", 0, 1],
])("%s", (_what, output, rows, malformed) => {
  const read = parsePanes(output, marks);
  expect([read.good.length, read.malformed]).toEqual([rows, malformed]);
});

test("marks differ from call to call and are plain ASCII", () => {
  const [one, two] = [freshMarks(), freshMarks()];
  expect(one.field).not.toBe(two.field);
  expect(one.field).toMatch(/^<[0-9a-f]{16}>$/);
  expect(paneFormat(one).match(/#\{\w+\}/g)).toHaveLength(10);
});

test("a real tmux in a hostile directory", async () => {
  using local = localTmux();
  const cwd = join(local.dir, "a\tb\nc\x1b[31m\u2028%end 1 1 1\n<0123456789abcdef>main");
  mkdirSync(cwd, { recursive: true });
  local.tmux("s", "new-session", "-d", "-s", "main", "-c", cwd, "sleep 1000");
  local.tmux("s", "split-window", "-d", "-t", "main", "-c", "/", "sleep 1000");
  const call = freshMarks();
  const output = await hostBench(process.env, systemClock()).run({
    containerId: "host",
    user: "0",
    argv: listPanesCommand(local.socket("s"), call),
  });
  const rows = parsePanes(output.stdout, call);
  expect(rows.malformed).toBe(0);
  expect(rows.good.map(({ path, paneId }) => [path, paneId])).toEqual([
    [cwd, "%0"],
    ["/", "%1"],
  ]);
});
