import { afterEach, beforeEach, expect, test } from "bun:test";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LockFileError, tryLock } from "../../src/daemon/lock.ts";
import { until } from "../support/until.ts";

let dir = "";
let path = "";

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "at-lock-"));
  path = join(dir, "agenttowerd.lock");
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

/** Another process that takes the lock, says so, and keeps it until its input closes. */
async function otherHolder(then = "") {
  const source = `
    import { tryLock } from ${JSON.stringify(join(import.meta.dir, "../../src/daemon/lock.ts"))};
    console.log(tryLock(${JSON.stringify(path)}).held);
    ${then}
    await new Response(Bun.stdin.stream()).text();
  `;
  const child = Bun.spawn([process.execPath, "-e", source], { stdin: "pipe", stdout: "pipe", stderr: "pipe" });
  const reader = child.stdout.getReader();
  const { value } = await reader.read();
  expect(new TextDecoder().decode(value).trim()).toBe("true");
  return child;
}

const reason = (act: () => unknown): string => {
  try {
    act();
  } catch (error) {
    if (error instanceof LockFileError) return error.reason;
    throw error;
  }
  return "";
};

test("creates the file 0600 whatever the umask, and gives it back", () => {
  const umask = process.umask(0o777);
  try {
    const first = tryLock(path);
    expect(first.held).toBe(true);
    expect(statSync(path).mode & 0o7777).toBe(0o600);
    expect(tryLock(path)).toEqual({ held: false, holderPid: process.pid });
    if (first.held) {
      first.release();
      first.release();
    }
    expect(tryLock(path).held).toBe(true);
  } finally {
    process.umask(umask);
  }
});

test("another process's lock is seen with its pid, and is free after SIGKILL", async () => {
  const other = await otherHolder();
  expect(tryLock(path)).toEqual({ held: false, holderPid: other.pid });
  other.kill("SIGKILL");
  await other.exited;
  expect(tryLock(path).held).toBe(true);
});

test("a program that the holder started does not keep the lock", async () => {
  const other = await otherHolder(`console.error(Bun.spawn(["sleep", "60"]).pid);`);
  const { value } = await other.stderr.getReader().read();
  const sleeper = Number(new TextDecoder().decode(value));
  try {
    expect(tryLock(path).held).toBe(false);
    other.kill("SIGKILL");
    await other.exited;
    expect(process.kill(sleeper, 0)).toBe(true);
    // The sleeper may be between fork and exec, where it still has everything.
    await until(() => tryLock(path).held, "the lock");
  } finally {
    process.kill(sleeper, "SIGKILL");
  }
});

test("release works at once, whatever was started meanwhile", async () => {
  const lock = tryLock(path);
  const child = Bun.spawn(["sleep", "60"]);
  try {
    if (lock.held) lock.release();
    expect(tryLock(path).held).toBe(true);
  } finally {
    child.kill();
    await child.exited;
  }
});

test("content stays, whatever it is", () => {
  writeFileSync(path, "something", { mode: 0o600 });
  expect(tryLock(path).held).toBe(true);
  expect(readFileSync(path, "utf8")).toBe("something");
});

test("an unusable file is refused with its reason and stays as it is", () => {
  writeFileSync(join(dir, "target"), "", { mode: 0o600 });
  symlinkSync(join(dir, "target"), path);
  expect(reason(() => tryLock(path))).toBe("is a symbolic link");
  rmSync(path);
  writeFileSync(path, "");
  chmodSync(path, 0o644);
  expect(reason(() => tryLock(path))).toBe("mode is 0644, must be 0600");
  expect(statSync(path).mode & 0o7777).toBe(0o644);
  rmSync(path);
  mkdirSync(path);
  expect(reason(() => tryLock(path))).toMatch(/EISDIR|not a regular file/);
  expect(reason(() => tryLock(join(dir, "no", "lock")))).toBe("directory does not exist");
});
