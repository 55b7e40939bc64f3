import { expect, test } from "bun:test";
import { linkCommand, linkTarget, quote } from "../../src/tmux/commands.ts";
import type { Marks } from "../../src/tmux/rows.ts";

const marks: Marks = { field: "<m>", end: "[m]" };
const session = (...fields: string[]) => `${fields.map((field) => `<m>${field}`).join("")}[m]\n`;

test.each([
  ["a plain session", session("$0", "3.3a", "0", "0"), "$0"],
  ["words for off", session("$3", "3.5", "off", "off"), "$3"],
  ["tmux 3.2", session("$0", "3.2", "0", "0"), "$0"],
  ["tmux 3.1c", session("$0", "3.1c", "0", "0"), null],
  ["tmux 2.9", session("$0", "2.9", "0", "0"), null],
  ["the next tmux", session("$0", "next-3.7", "0", "0"), "$0"],
  ["a version without numbers", session("$0", "master", "0", "0"), null],
  ["a server that exits unattached", session("$0", "3.3a", "0", "1"), null],
  ["a session that is destroyed unattached", session("$0", "3.3a", "1", "0"), null],
  ["the second session is fine", session("$0", "3.3a", "keep-last", "0") + session("$1", "3.3a", "0", "0"), "$1"],
  ["nothing", "", null],
])("link target: %s", (_what, output, target) => {
  expect(linkTarget(output, marks)).toBe(target);
});

test("a link names its session and never makes one", () => {
  expect(linkCommand("/tmp/tmux-1000/default", "$0")).toEqual(
    "tmux -S /tmp/tmux-1000/default -C attach -t $0 -f no-output,ignore-size".split(" "),
  );
});

test("quoted text has no character that tmux could read", () => {
  expect(quote('~a"$;\n#{x} é')).toBe('"\\176a\\042\\044\\073\\012\\043\\173x\\175 é"');
});
