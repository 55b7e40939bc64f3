import { afterEach, beforeEach, expect, test } from "bun:test";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseTables } from "../../src/config/config-file.ts";
import { DEFAULT_CONFIG, initialize } from "../../src/config/init.ts";
import { resolvePaths } from "../../src/config/paths.ts";

let home: string;
const paths = () => resolvePaths({ HOME: home });
const openRegistry = () => {
  if (!existsSync(paths().stateDb)) writeFileSync(paths().stateDb, "registry", { mode: 0o600 });
};

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "at-init-"));
});
afterEach(() => rmSync(home, { recursive: true }));

test("the default configuration says what it should", () => {
  expect(parseTables(DEFAULT_CONFIG, "")).toEqual({
    containers: { name_contains: ["bench"], scan_interval_seconds: 5 },
  });
});

test("creates once, then changes no byte", () => {
  expect(initialize(paths(), openRegistry)).toEqual({ configCreated: true, registryCreated: true });
  for (const path of [paths().configDir, paths().stateDir, paths().logsDir, paths().cacheDir]) {
    expect(statSync(path).mode & 0o7777).toBe(0o700);
  }
  expect(existsSync(paths().eventsFile)).toBe(false);
  writeFileSync(paths().configFile, "# mine");
  for (let run = 0; run < 10; run++) {
    expect(initialize(paths(), openRegistry)).toEqual({ configCreated: false, registryCreated: false });
  }
  expect(readFileSync(paths().configFile, "utf8")).toBe("# mine");
});

test("each half is created on its own", () => {
  initialize(paths(), openRegistry);
  rmSync(paths().configFile);
  expect(initialize(paths(), openRegistry)).toEqual({ configCreated: true, registryCreated: false });
  rmSync(paths().stateDb);
  expect(initialize(paths(), openRegistry)).toEqual({ configCreated: false, registryCreated: true });
});

test.each(["configFile", "stateDb", "logsDir"] as const)(
  "a too broad %s is refused before the registry is opened",
  (which) => {
    initialize(paths(), openRegistry);
    chmodSync(paths()[which], 0o755);
    const opened: string[] = [];
    expect(() => initialize(paths(), () => void opened.push("registry"))).toThrow(paths()[which]);
    expect(opened).toEqual([]);
    expect(statSync(paths()[which]).mode & 0o7777).toBe(0o755);
  },
);
