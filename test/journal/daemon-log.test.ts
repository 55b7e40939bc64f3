import { afterEach, beforeEach, expect, test } from "bun:test";
import {
  chmodSync,
  closeSync,
  constants,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { systemClock } from "../../src/base/clock.ts";
import { lifecycleLine, openDaemonLog, ROTATE_BYTES } from "../../src/journal/daemon-log.ts";
import { LIFECYCLE_EVENTS } from "../../src/journal/lifecycle-events.ts";

const clock = systemClock();
let dir: string;
let path: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "agenttower-log-"));
  path = join(dir, "agenttowerd.log");
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const read = (of = path): string => readFileSync(of, "utf8");
const mode = (of: string): number => statSync(of).mode & 0o7777;
const AT = Date.UTC(2026, 4, 5, 12, 34, 56, 789);

test("a line: time, level, event, fields in the order of the table", () => {
  expect(lifecycleLine(AT, "daemon_ready", { pid: 7, socket: "/s" })).toBe(
    "2026-05-05T12:34:56.789000+00:00\tlevel=info\tevent=daemon_ready\tsocket=/s\tpid=7\n",
  );
  expect(
    lifecycleLine(AT, "scan_completed", {
      scan_id: "u",
      status: "ok",
      matched: 2,
      inactive: 0,
      ignored: 1,
      error: null,
    }),
  ).toEndWith("\tlevel=info\tevent=scan_completed\tscan_id=u\tstatus=ok\tmatched=2\tinactive=0\tignored=1\terror=\n");
  expect(lifecycleLine(AT, "daemon_shutdown", { trigger: "sigterm" })).toEndWith(
    "\tevent=daemon_shutdown\ttrigger=sigterm\n",
  );
  expect(lifecycleLine(AT, "error_fatal", { reason: "a\tb\nc\x1b[31m" })).toEndWith(
    "\tlevel=fatal\tevent=error_fatal\treason=a b c[31m\n",
  );
});

test("levels are those of the documents", () => {
  const levels = Object.entries(LIFECYCLE_EVENTS).filter(([, line]) => line.level !== "info");
  expect(Object.fromEntries(levels.map(([event, line]) => [event, line.level]))).toEqual({
    error_fatal: "fatal",
    log_file_missing: "warn",
    log_gap: "warn",
    log_attachment_orphan_detected: "warn",
    mounts_json_oversized: "warn",
    socket_peer_uid_mismatch: "error",
    audit_append_failed: "warn",
    config_warning: "warn",
    handler_failed: "error",
    worker_fault: "warn",
    route_loop_suspected: "warn",
  });
});

test("no value can make a second line or a second column", () =>
  fc.assert(
    fc.property(
      fc.string({ unit: fc.nat(0x7ff).map((code) => String.fromCharCode(code)), maxLength: 40 }),
      (reason) => {
        const line = lifecycleLine(AT, "error_fatal", { reason });
        expect(line.slice(0, -1)).not.toMatch(/[\n\r\x00]/);
        expect(line.split("\t").length).toBe(4);
      },
    ),
  ));

test("0600 from the start, whatever the umask; appended to later", () => {
  for (const umask of [0o000, 0o077]) {
    rmSync(path, { force: true });
    const before = process.umask(umask);
    const log = openDaemonLog(path, clock);
    process.umask(before);
    expect(mode(path)).toBe(0o600);
    log.write("daemon_exited", { exit_code: 0 });
    log.close();
    log.close();
  }
  const again = openDaemonLog(path, clock);
  again.write("daemon_exited", { exit_code: 1 });
  again.close();
  expect(read().split("\n").length).toBe(3);
  expect(() => again.write("daemon_exited", { exit_code: 1 })).toThrow("closed");
});

test("another mode or a symbolic link is refused and not repaired", () => {
  writeFileSync(path, "old\n");
  for (const wrong of [0o644, 0o400]) {
    chmodSync(path, wrong);
    expect(() => openDaemonLog(path, clock)).toThrow();
    expect([mode(path), read()]).toEqual([wrong, "old\n"]);
  }
  chmodSync(path, 0o600);
  symlinkSync(path, join(dir, "link"));
  expect(() => openDaemonLog(join(dir, "link"), clock)).toThrow("ELOOP");
});

test("rotation at 10 MiB keeps three, the newest as .1, and inherited descriptors stay right", () => {
  expect(ROTATE_BYTES).toBe(10_485_760);
  const limit = 20_000;
  const log = openDaemonLog(path, clock, limit);
  const inherited = openSync(path, constants.O_WRONLY | constants.O_APPEND);
  for (let round = 1; round <= 5; round++) {
    writeSync(inherited, `round ${round}\n${"x".repeat(limit - 20)}\n`);
    log.write("daemon_exited", { exit_code: round });
    expect(read()).toEndWith(`\texit_code=${round}\n`);
    expect(statSync(path).size).toBeLessThan(1000);
  }
  writeSync(inherited, "said by the runtime\n");
  expect(read()).toEndWith("\texit_code=5\nsaid by the runtime\n");
  const firstRounds = [1, 2, 3].map((age) => /round (\d)/.exec(read(`${path}.${age}`))?.[1]);
  expect(firstRounds).toEqual(["5", "4", "3"]);
  expect([1, 2, 3].map((age) => mode(`${path}.${age}`))).toEqual([0o600, 0o600, 0o600]);
  expect(existsSync(`${path}.4`) || existsSync(`${path}.new`)).toBe(false);
  closeSync(inherited);
  log.close();
});

test("a log removed by hand begins anew", () => {
  const log = openDaemonLog(path, clock);
  log.write("daemon_exited", { exit_code: 1 });
  rmSync(path);
  log.write("daemon_exited", { exit_code: 2 });
  expect(read()).toEndWith("\texit_code=2\n");
  expect([mode(path), read().split("\n").length]).toEqual([0o600, 2]);
  log.close();
});
