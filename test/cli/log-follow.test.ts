import { afterEach, beforeEach, expect, test } from "bun:test";
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdtempSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../src/base/clock.ts";
import { readPidFile, tailOf } from "../../src/cli/daemon-files.ts";
import { followLines } from "../../src/cli/log-follow.ts";

let dir: string;
let log: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "at-follow-"));
  log = join(dir, "log");
});
afterEach(() => rmSync(dir, { recursive: true }));

test("the last lines, with the tabs between fields and nothing a terminal acts on", () => {
  writeFileSync(log, "one\ntwo\tx\x1b[31m\nthree");
  expect(tailOf(log, 2)).toEqual(["two\tx[31m", "three"]);
  expect(tailOf(log, 10)).toHaveLength(3);
  expect(tailOf(log, 0)).toEqual([]);
  expect(tailOf(join(dir, "missing"), 5)).toEqual([]);
});

test("a pid file holds a pid or nothing", () => {
  for (const [text, pid] of [
    ["42\n", 42],
    ["", null],
    ["x", null],
    ["-1", null],
    ["1.5", null],
  ] as const) {
    writeFileSync(log, text);
    expect(readPidFile(log)).toBe(pid);
  }
  expect(readPidFile(join(dir, "missing"))).toBeNull();
});

test("every line once, across a rotation, the old file's rest first", async () => {
  writeFileSync(log, "old 1\nold 2\nold 3\n");
  const end = new AbortController();
  const lines = followLines(log, 2, systemClock(), end.signal);
  const next = async (): Promise<string | undefined> => (await lines.next()).value ?? undefined;
  expect([await next(), await next()]).toEqual(["old 2", "old 3"]);

  appendFileSync(log, "half");
  const whole = next();
  appendFileSync(log, " and half\n");
  expect(await whole).toBe("half and half");

  appendFileSync(log, "last of the old\n");
  renameSync(log, `${log}.1`);
  writeFileSync(log, "first of the new\n");
  expect([await next(), await next()]).toEqual(["last of the old", "first of the new"]);

  end.abort();
  expect((await lines.next()).done).toBe(true);
});

/** As the daemon log does it: a copy first, then the original is emptied. */
function copyAway(): void {
  copyFileSync(log, `${log}.new`);
  for (const age of [2, 1]) if (existsSync(`${log}.${age}`)) renameSync(`${log}.${age}`, `${log}.${age + 1}`);
  renameSync(`${log}.new`, `${log}.1`);
}

test("every line once, across copies that are emptied in place, however many came before the next look", async () => {
  writeFileSync(`${log}.1`, "long ago\n");
  writeFileSync(log, "1\n2\n");
  const end = new AbortController();
  const lines = followLines(log, 1, systemClock(), end.signal);
  const take = async (count: number): Promise<(string | undefined)[]> => {
    const taken: (string | undefined)[] = [];
    while (taken.length < count) taken.push((await lines.next()).value ?? undefined);
    return taken;
  };
  expect(await take(1)).toEqual(["2"]);

  // Copied, not emptied yet; a line in between is in both.
  appendFileSync(log, "3\n");
  copyAway();
  expect(await take(1)).toEqual(["3"]);
  truncateSync(log);
  appendFileSync(log, "4\n");
  expect(await take(1)).toEqual(["4"]);

  // Twice at once, and longer than before.
  appendFileSync(log, "5\nha");
  copyAway();
  truncateSync(log);
  appendFileSync(log, "lf\n6\n7\n");
  copyAway();
  truncateSync(log);
  appendFileSync(log, "8 and a line that is longer than all before it\n");
  expect(await take(5)).toEqual(["5", "half", "6", "7", "8 and a line that is longer than all before it"]);

  end.abort();
  expect((await lines.next()).done).toBe(true);
});
