/** The log that outlives a full disk, and the one that says so (00 §6, 02 §5.8). */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { steadyLog } from "../../src/daemon/steady-log.ts";
import { openDaemonLog } from "../../src/journal/daemon-log.ts";
import { manualClock } from "../support/manual-clock.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "agenttower-steady-"));
  chmodSync(folder, 0o700);
});
afterEach(() => rmSync(folder, { recursive: true }));

test("a lost line is told once per outage; only the strict side throws", () => {
  const path = join(folder, "agenttowerd.log");
  const complaints: string[] = [];
  const log = steadyLog(openDaemonLog(path, manualClock()), (line) => complaints.push(line));
  const started = (scan_id: string) => log.strict.write("pane_scan_started", { scan_id });
  const obstruct = () => {
    renameSync(path, `${path}.away`);
    mkdirSync(path);
  };
  const clear = () => {
    rmdirSync(path);
    renameSync(`${path}.away`, path);
  };

  obstruct();
  log.write("daemon_exited", { exit_code: 0 });
  expect(() => started("one")).toThrow(path);
  expect(complaints).toHaveLength(1);
  clear();
  started("two");
  obstruct();
  expect(() => started("three")).toThrow(path);
  expect(complaints).toHaveLength(2);
  clear();
  log.close();
  expect(readFileSync(path, "utf8")).toMatch(/^[^\n]*event=pane_scan_started\tscan_id=two\n$/);
});
