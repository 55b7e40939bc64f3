/** The peer of a connection, from the kernel (06 §3). What a peer may do then is in `server.test.ts` and `dispatch.test.ts`. */
import { expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const SCRIPT = new URL("../support/recycled-peer.ts", import.meta.url).pathname;

test.if(process.getuid?.() === 0)("a process that got the pid of one that connected is not taken for it", async () => {
  const folder = mkdtempSync(join(tmpdir(), "agenttower-peer-"));
  try {
    const inside = ["unshare", "--pid", "--fork", "--mount-proc", process.execPath, SCRIPT, folder];
    const child = Bun.spawn(inside, { stdout: "pipe", stderr: "pipe" });
    const [stdout, stderr] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
    expect([stdout, stderr]).toEqual([`${JSON.stringify({ recycled: true, host: false })}\n`, ""]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
