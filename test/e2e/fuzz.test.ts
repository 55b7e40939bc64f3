/**
 * 100,000 lines over a real socket, valid, mutated and random (06 §10 check 9): no crash, no code outside the closed sets, nothing
 * written; and 200 half-open clients that do not slow an honest one down (01 §18 check 21).
 */
import { expect, test } from "bun:test";
import { APP_CODES, LEGACY_CODES } from "../../src/contract/codes.ts";
import { hostileLine, seeded } from "../support/hostile-lines.ts";
import { type Connection, createTower } from "./tower.ts";

const LINES = 100_000;
const SEED = 20_261_125;
/** Lines on their way at once; each on a connection that lives until something closes it. */
const LANES = 8;
/** Tables that a stray line could have written to. */
const TABLES = ["containers", "panes", "container_scans", "pane_scans", "agents", "events", "message_queue", "routes"];

const legacyCodes = new Set<string>(LEGACY_CODES);

test("100,000 hostile lines leave the daemon whole and the registry empty", async () => {
  await using tower = await createTower({ config: "[containers]\nscan_interval_seconds = 0\n" });
  const pid = await tower.start();
  const session = await tower.session();
  const random = seeded(SEED);
  const counts = { valid: 0, mutated: 0, random: 0 };
  const foreign: string[] = [];
  let sent = 0;

  const lane = async () => {
    let connection: Connection | null = null;
    while (sent < LINES) {
      sent++;
      const { bytes, kind } = hostileLine(random, session.token);
      counts[kind]++;
      connection ??= await tower.connect();
      // Two kept requests around would hide which answer belongs to which line, so one line at a time.
      const kept = kind === "valid" ? Buffer.from(bytes.toString().replace("{", '{"keep_alive":true,')) : bytes;
      connection.send(kept);
      const line = await connection.line().catch(() => null);
      if (line === null) {
        connection.close();
        connection = null;
        continue;
      }
      const answer = JSON.parse(line);
      if (answer.ok === false) {
        const code: string = answer.error.code;
        const known = "app_contract_version" in answer ? code in APP_CODES : legacyCodes.has(code);
        if (!known) foreign.push(line);
        if (code === "internal_error") foreign.push(`${bytes.toString("latin1")} → ${line}`);
      }
      if (kind !== "valid") {
        connection.close();
        connection = null;
      }
    }
    connection?.close();
  };
  await Promise.all(Array.from({ length: LANES }, lane));

  expect(counts.valid).toBeGreaterThan(LINES / 5);
  expect(counts.mutated).toBeGreaterThan(LINES / 5);
  expect(counts.random).toBeGreaterThan(LINES / 10);
  expect(foreign).toEqual([]);
  expect((await tower.call("ping")).ok).toBe(true);
  expect(tower.daemonPid()).toBe(pid);
  for (const table of TABLES) expect(tower.rows(`SELECT count(*) AS n FROM ${table}`)).toEqual([{ n: 0 }]);
  expect(tower.events()).toEqual([]);
  expect(tower.log("handler_failed")).toEqual([]);
}, 600_000);

test("200 clients that stall in the middle of a line leave ping under 100 ms", async () => {
  await using tower = await createTower();
  await tower.start();
  const stalled = await Promise.all(Array.from({ length: 200 }, () => tower.connect()));
  for (const connection of stalled) connection.send('{"method": "pi');
  const times: number[] = [];
  for (let i = 0; i < 20; i++) {
    const before = performance.now();
    expect((await tower.call("ping")).ok).toBe(true);
    times.push(performance.now() - before);
  }
  // The bound is the contract's (06 §10, 01 §18 check 21), not a measurement.
  expect(Math.max(...times)).toBeLessThan(100);
});
