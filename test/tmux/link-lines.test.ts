import { expect, test } from "bun:test";
import fc from "fast-check";
import { BenchFault } from "../../src/base/bench.ts";
import { type Block, linkLines } from "../../src/tmux/link-lines.ts";

type Seen = { blocks: Block[]; notes: string[]; fault: string | null };

function read(chunks: Iterable<Uint8Array>): Seen {
  const seen: Seen = { blocks: [], notes: [], fault: null };
  const lines = linkLines({
    onBlock: (block) => seen.blocks.push(block),
    onNotification: (line) => seen.notes.push(line),
  });
  try {
    for (const chunk of chunks) lines.take(chunk);
  } catch (error) {
    if (!(error instanceof BenchFault)) throw error;
    seen.fault = error.kind;
  }
  return seen;
}

const bytes = (text: string) => new TextEncoder().encode(text);
const once = (text: string) => read([bytes(text)]);

test("blocks and notifications", () => {
  expect(once("%begin 9 1 0\n%end 9 1 0\n%window-add @1\n%begin 9 2 1\na\n\n%b\n%error 9 2 1\n%exit\n")).toEqual({
    blocks: [
      { ours: false, ok: true, lines: [] },
      { ours: true, ok: false, lines: ["a", "", "%b"] },
    ],
    notes: ["%window-add @1", "%exit"],
    fault: null,
  });
});

test("the cut of the bytes does not matter", () => {
  const text = "%begin 9 1 1\nä\u{1f600}\xff\n%end 9 1 1\n%session-renamed $1 ü\n%begin 9 2 1\n%end 9 2 1\n";
  const whole = once(text);
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1 }), (sizes) => {
      const all = bytes(text);
      const chunks: Uint8Array[] = [];
      for (let at = 0, turn = 0; at < all.length; turn++) {
        const size = sizes[turn % sizes.length] ?? 1;
        // One buffer for all reads, as a socket may have it.
        chunks.push(all.subarray(at, at + size));
        at += size;
      }
      expect(read(chunks)).toEqual(whole);
    }),
  );
});

const lineIn = fc.oneof(
  fc.string().map((text) => text.replace(/\n/g, "")),
  fc.constantFrom(
    "%end 9 5 1",
    "%begin 9 5 1",
    "%error 9 5 1",
    "%begin 9 6 1",
    "%end 9 6 1",
    "%begin 9 7 1",
    "%window-add @1",
  ),
);

/** The link reads an answer only when the block of its guard has come, whose text nobody can know before. */
test("an imitated end never shortens an answer unseen", () => {
  fc.assert(
    fc.property(fc.array(lineIn, { maxLength: 12 }), (lines) => {
      const answer = `%begin 9 5 1\n${lines.map((line) => `${line}\n`).join("")}last\n%end 9 5 1\n`;
      const { blocks, fault } = once(`${answer}%begin 9 6 1\nguard\n%end 9 6 1\n`);
      const guardAt = blocks.findIndex((block) => block.lines.length === 1 && block.lines[0] === "guard");
      if (fault !== null || guardAt < 0) return;
      expect(guardAt).toBe(1);
      expect(blocks[0]?.lines).toEqual([...lines, "last"]);
    }),
    { numRuns: 2000 },
  );
});

test.each([
  ["text outside a block", "no server running on /x\n", "frames"],
  ["an end without a begin", "%end 9 1 1\n", "frames"],
  ["a number that comes again", "%begin 9 1 1\n%end 9 1 1\n%begin 9 1 1\n", "frames"],
  ["a line without end", "x".repeat(1_048_577), "overflow"],
  ["an answer without end", `%begin 9 1 1\n${`${"x".repeat(1_000_000)}\n`.repeat(5)}`, "overflow"],
])("%s ends the link", (_what, text, fault) => {
  expect(once(text).fault).toBe(fault);
});
