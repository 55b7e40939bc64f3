/** The event history as a running daemon writes it (01 §6): acceptance check 10 of 01 §18. */
import { expect, test } from "bun:test";
import { chmodSync, readFileSync, statSync } from "node:fs";
import { createTower } from "./tower.ts";

/** A rule that no scan accepts: every scan is degraded at once and writes one line, without an Engine. */
const REFUSED = "[containers]\nname_contains = []\nscan_interval_seconds = 0\n";

test("a hundred at once: a hundred whole lines, each with its time first, each on disk before its answer", async () => {
  await using tower = await createTower({ config: "[containers]\nscan_interval_seconds = 0\n" });
  await tower.start();
  tower.configure(REFUSED);
  let answered = 0;
  const answers = await Promise.all(
    Array.from({ length: 100 }, async () => {
      const answer = await tower.call("scan_containers");
      answered++;
      expect(tower.events().length).toBeGreaterThanOrEqual(answered);
      return answer;
    }),
  );
  for (const answer of answers) expect(answer).toMatchObject({ ok: false, error: { code: "config_invalid" } });
  const text = readFileSync(tower.eventsFile, "utf8");
  expect(text).toEndWith("\n");
  const lines = text.slice(0, -1).split("\n");
  expect(lines).toHaveLength(100);
  for (const line of lines) {
    expect(line).toMatch(/^\{"ts":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00","type":"container_scan_degraded",/);
    expect(Object.keys(JSON.parse(line))).toEqual(["ts", "type", "payload"]);
  }
  expect(new Set(lines.map((line) => JSON.parse(line).payload.scan_id)).size).toBe(100);
  expect(statSync(tower.eventsFile).mode & 0o777).toBe(0o600);

  // Broader than it may be: refused before any byte, and the mode is not repaired.
  await tower.stop();
  chmodSync(tower.eventsFile, 0o644);
  await tower.start();
  expect((await tower.call("scan_containers")).error.code).toBe("internal_error");
  expect(readFileSync(tower.eventsFile, "utf8")).toBe(text);
  expect(statSync(tower.eventsFile).mode & 0o777).toBe(0o644);
});
