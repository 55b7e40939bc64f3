import { expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hostBenchId } from "../../src/host/identity.ts";

test("machine id, else host name, and uid", () => {
  const dir = mkdtempSync(join(tmpdir(), "at-identity-"));
  try {
    const machineIdFile = join(dir, "machine-id");
    const sha = (text: string) => new Bun.CryptoHasher("sha256").update(text).digest("hex");
    expect(hostBenchId({ machineIdFile, hostName: "box", uid: 1000 })).toBe(sha("agenttower-host:box:1000"));
    writeFileSync(machineIdFile, "\n");
    expect(hostBenchId({ machineIdFile, hostName: "box", uid: 1000 })).toBe(sha("agenttower-host:box:1000"));
    writeFileSync(machineIdFile, "abc123\n");
    expect(hostBenchId({ machineIdFile, hostName: "box", uid: 7 })).toBe(sha("agenttower-host:abc123:7"));
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
});
