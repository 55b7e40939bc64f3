import { afterEach, beforeEach, expect, test } from "bun:test";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  checkFile,
  createFile,
  ensureDirectory,
  openPrivateLog,
  PathFault,
  privateDirectoryFault,
} from "../../src/config/modes.ts";

const uid = process.geteuid?.();
let dir: string;
let umask: number;
const mode = (path: string) => statSync(path).mode & 0o7777;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "at-modes-"));
  umask = process.umask();
});
afterEach(() => {
  process.umask(umask);
  rmSync(dir, { recursive: true });
});

test.each([0o000, 0o022, 0o077, 0o277])("with umask %p every missing parent is 0700 and a file 0600", (mask) => {
  process.umask(mask);
  ensureDirectory(join(dir, "a/b/c"));
  for (const path of ["a", "a/b", "a/b/c"]) expect(mode(join(dir, path))).toBe(0o700);
  expect(createFile(join(dir, "a/f"), "text")).toBe(true);
  expect(mode(join(dir, "a/f"))).toBe(0o600);
});

test("what is there stays: narrower passes, broader is refused and not repaired", () => {
  const inner = join(dir, "inner");
  mkdirSync(inner);
  for (const [bits, fine] of [
    [0o700, true],
    [0o500, true],
    [0o750, false],
    [0o701, false],
    [0o1700, false],
  ] as const) {
    chmodSync(inner, bits);
    if (fine) ensureDirectory(inner);
    else expect(() => ensureDirectory(inner)).toThrow("must not be broader than 0700");
    expect(mode(inner)).toBe(bits);
  }
});

test("a file in a directory's place, and a symbolic link, are refused", () => {
  writeFileSync(join(dir, "file"), "");
  symlinkSync(dir, join(dir, "link"));
  expect(() => ensureDirectory(join(dir, "file"))).toThrow("is not a directory");
  expect(() => ensureDirectory(join(dir, "link"))).toThrow("is not a directory");
  expect(() => ensureDirectory(join(dir, "file/below"))).toThrow(PathFault);
});

test("files: absent, fine, too broad, of another kind", () => {
  const file = join(dir, "file");
  expect(checkFile(file)).toBe(false);
  writeFileSync(file, "x", { mode: 0o600 });
  expect(checkFile(file)).toBe(true);
  chmodSync(file, 0o644);
  expect(() => checkFile(file)).toThrow("mode is 0644, must not be broader than 0600");
  expect(() => checkFile(dir)).toThrow("is not a file");
});

test("a file that is there keeps its bytes", () => {
  const file = join(dir, "file");
  writeFileSync(file, "mine");
  expect(createFile(file, "ours")).toBe(false);
  expect(readFileSync(file, "utf8")).toBe("mine");
});

test("a daemon's directory is real, exactly 0700 and ours", () => {
  const inner = join(dir, "inner");
  expect(privateDirectoryFault(inner, uid)).toBe("does not exist");
  mkdirSync(inner, { mode: 0o700 });
  expect(privateDirectoryFault(inner, uid)).toBeNull();
  expect(privateDirectoryFault(inner, (uid ?? 0) + 1)).toBe(`is owned by uid ${uid}`);
  chmodSync(inner, 0o755);
  expect(privateDirectoryFault(inner, uid)).toBe("mode is 0755, must be 0700");
  symlinkSync(inner, join(dir, "link"));
  expect(privateDirectoryFault(join(dir, "link"), uid)).toBe("is a symbolic link");
});

test("a log is appended to when it is exactly 0600 and ours", () => {
  const log = join(dir, "log");
  openPrivateLog(log, uid);
  expect(mode(log)).toBe(0o600);
  chmodSync(log, 0o644);
  expect(() => openPrivateLog(log, uid)).toThrow("mode is 0644, must be 0600");
  expect(mode(log)).toBe(0o644);
});
