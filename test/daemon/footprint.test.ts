import { expect, test } from "bun:test";
import { readFileSync, readlinkSync } from "node:fs";
import { cleanRanges } from "../../src/daemon/footprint.ts";

const mapping = (head: string, anonymous: number) =>
  `${head}\nSize: 4 kB\nRss: 4 kB\nAnonymous: ${String(anonymous).padStart(10)} kB\n`;

test("only what is mapped from the file, never writable and never written", () => {
  const smaps = [
    mapping("00400000-00500000 r-xp 00000000 08:01 77   /usr/bin/tower", 0),
    mapping("00500000-00501000 r--p 00100000 08:01 77   /usr/bin/tower", 4), // relocated by the loader
    mapping("00501000-00502000 rw-p 00101000 08:01 77   /usr/bin/tower", 0),
    mapping("00600000-00700000 r--p 00000000 08:01 77   /usr/bin/tower", 0),
    mapping("00700000-00800000 r-xs 00000000 08:01 77   /usr/bin/tower", 0),
    mapping("00800000-00900000 r-xp 00000000 08:01 78   /usr/lib/libc.so.6", 0),
    mapping("00900000-00a00000 r-xp 00000000 00:00 0 ", 0),
  ].join("");
  expect(cleanRanges(smaps, "/usr/bin/tower")).toEqual([
    { start: 0x400000, length: 0x100000 },
    { start: 0x600000, length: 0x100000 },
  ]);
});

test("finds the program of a real process", () => {
  const ranges = cleanRanges(readFileSync("/proc/self/smaps", "utf8"), readlinkSync("/proc/self/exe"));
  expect(ranges.length).toBeGreaterThan(0);
});
