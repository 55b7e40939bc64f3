import { expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hostSockets } from "../../src/host/sockets.ts";

const uid = process.getuid?.() ?? 0;

test("names lie in tmux's folder of the user, absolute paths stay", () => {
  const paths = (configured: string[], tmpdir?: string) =>
    hostSockets(configured, 12345, tmpdir).map(({ path }) => path);
  expect(paths(["default"])).toEqual(["/tmp/tmux-12345/default"]);
  expect(paths(["default"], "")).toEqual(["/tmp/tmux-12345/default"]);
  const mixed = ["work", "/run/x.sock", "work", "/var/t/tmux-12345/work"];
  expect(paths(mixed, "/var/t")).toEqual(["/var/t/tmux-12345/work", "/run/x.sock"]);
});

test("only sockets of that user are present", async () => {
  const dir = mkdtempSync(join(tmpdir(), "at-s-"));
  const folder = join(dir, `tmux-${uid}`);
  mkdirSync(folder);
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(join(folder, "default"), resolve));
  try {
    writeFileSync(join(folder, "file"), "");
    symlinkSync("nowhere", join(folder, "dangling"));
    const present = (asUid: number) =>
      hostSockets(["default", "file", "dangling", "none", folder], asUid, dir)
        .filter((socket) => socket.present)
        .map(({ path }) => path);
    expect(present(uid)).toEqual([join(folder, "default")]);
    const theirs = hostSockets([join(folder, "default")], uid + 1, dir);
    expect(theirs).toEqual([{ path: join(folder, "default"), present: false }]);
  } finally {
    server.close();
    rmSync(dir, { recursive: true, force: true });
  }
});
