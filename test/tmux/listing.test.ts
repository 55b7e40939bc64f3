import { expect, test } from "bun:test";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { listingCommand, parseSockets } from "../../src/tmux/listing.ts";
import { localTmux } from "../support/local-tmux.ts";

const line = (rest: string) => `srwxrwx--- 1 1000 1000 0 ${rest}`;

test.each([
  ["coreutils, this year", line("Nov 25 08:00 default"), ["default"]],
  ["coreutils, another year", line("Nov  5  2025 default"), ["default"]],
  ["busybox", "srwxrwx---    1 1000     1000             0 Nov 25 08:00 work", ["work"]],
  ["toybox", line("2026-11-25 08:00 default"), ["default"]],
  ["a long time style", line("2026-11-25 08:00:01.123456789 +0000 default"), ["default"]],
  ["a short time style", line("11-25 08:00 default"), ["default"]],
  ["an access list", `srwxrwx---+ 1 1000 1000 0 Nov 25 08:00 default`, ["default"]],
  ["a line that ends with CR", `${line("Nov 25 08:00 default")}\r`, ["default"]],
  ["blanks in a name", line("Nov 25 08:00  two words "), [" two words "]],
  [
    "each once, in order",
    [line("Nov 25 08:00 b"), line("Nov 25 08:00 a"), line("Nov 25 08:00 b")].join("\n"),
    ["b", "a"],
  ],
  ["another owner", line("Nov 25 08:00 default").replace("1000", "1001"), []],
  ["a plain file", line("Nov 25 08:00 default").replace(/^s/, "-"), []],
  ["a directory", line("Nov 25 08:00 default").replace(/^s/, "d"), []],
  ["a symlink", line("Nov 25 08:00 x -> default").replace(/^s/, "l"), []],
  ["a slash", line("Nov 25 08:00 /tmp/tmux-1000"), []],
  ["dots", [line("Nov 25 08:00 ."), line("Nov 25 08:00 ..")].join("\n"), []],
  ["a control byte", line("Nov 25 08:00 a\x1bb"), []],
  ["bytes that were not UTF-8", line("Nov 25 08:00 a\ufffd"), []],
  ["256 bytes", line(`Nov 25 08:00 ${"ä".repeat(128)}`), []],
  ["254 bytes", line(`Nov 25 08:00 ${"ä".repeat(127)}`), ["ä".repeat(127)]],
  ["a header and nothing", "total 0\n", []],
])("%s", (_what, output, names) => {
  expect(parseSockets(output, 1000)).toEqual(names);
});

test.each([[[]], [["busybox"]]])("real listing by %j ls", async (program) => {
  using local = localTmux();
  const dir = join(local.dir, "tmux");
  mkdirSync(dir);
  const servers = ["default", "zweiter ü"].map((name) => createServer().listen(join(dir, name)));
  await Promise.all(
    servers.map((server) => server.listening || new Promise((resolve) => server.once("listening", resolve))),
  );
  mkdirSync(join(dir, "dir"));
  writeFileSync(join(dir, "file"), "");
  symlinkSync("/nowhere", join(dir, "dangling"));
  symlinkSync("default", join(dir, "inside"));
  const ran = Bun.spawnSync([...program, ...listingCommand(dir)], { env: { ...process.env, LC_ALL: "C.UTF-8" } });
  for (const server of servers) server.close();
  const names = parseSockets(ran.stdout.toString(), process.getuid?.() ?? 0);
  expect(names).toContain("default");
  expect(names.filter((name) => ["dir", "file", "dangling", "inside"].includes(name))).toEqual([]);
});
