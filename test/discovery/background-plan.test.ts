import { expect, test } from "bun:test";
import { createBackgroundPlan } from "../../src/discovery/background-plan.ts";

/** A plan that is on and has done its first round at 0. */
function started() {
  const plan = createBackgroundPlan();
  plan.setInterval(5, 0);
  expect(plan.takeDue(0)).toEqual({ light: true, retry: false, servers: [], all: true });
  plan.panesDone(0, false, []);
  return plan;
}

test("off until told, off again when told", () => {
  const plan = createBackgroundPlan();
  expect([plan.isOn(), plan.waitMs(0)]).toEqual([false, 3_600_000]);
  plan.setInterval(5, 0);
  expect([plan.isOn(), plan.waitMs(0)]).toEqual([true, 0]);
  plan.setInterval(0, 0);
  expect([plan.isOn(), plan.waitMs(0)]).toEqual([false, 3_600_000]);
});

test("a light pass every interval", () => {
  const plan = started();
  expect(plan.waitMs(0)).toBe(5000);
  expect(plan.takeDue(4999).light).toBe(false);
  expect(plan.takeDue(5000)).toEqual({ light: true, retry: false, servers: [], all: false });
  expect(plan.waitMs(5100)).toBe(4900);
});

test("events wait for 250 ms of quiet, a storm for 1 s at most", () => {
  const plan = started();
  plan.engineChanged(1000);
  expect(plan.waitMs(1000)).toBe(250);
  plan.engineChanged(1200);
  expect(plan.waitMs(1200)).toBe(250);
  for (let at = 1300; at < 2000; at += 100) plan.engineChanged(at);
  expect(plan.waitMs(1900)).toBe(100);
  expect(plan.takeDue(2000).light).toBe(true);
  plan.engineChanged(2100);
  expect(plan.waitMs(2200)).toBe(150);
});

test("a server is looked at 250 ms after its first notification, however many follow", () => {
  const plan = started();
  for (let at = 1000; at < 1250; at += 10) plan.serverChanged("c", at);
  plan.serverChanged("d", 1200);
  expect(plan.waitMs(1240)).toBe(10);
  expect(plan.takeDue(1250).servers).toEqual(["c"]);
  expect(plan.takeDue(1450).servers).toEqual(["d"]);
});

test("all panes at most every 30 s, less often while nothing changes, often again after a change", () => {
  const plan = started();
  const times: number[] = [];
  for (let now = 0; now <= 500_000; now += 1000) if (plan.takeDue(now).all) times.push(now);
  expect(times).toEqual([30_000, 90_000, 210_000, 330_000, 450_000]);
  plan.panesDone(500_000, true, []);
  expect(plan.takeDue(529_999).all).toBe(false);
  expect(plan.takeDue(530_000).all).toBe(true);
});

test("a server that did not answer gets its second look once a minute", () => {
  const plan = started();
  plan.panesDone(1000, false, ["c"]);
  expect(plan.takeDue(6499).servers).toEqual([]);
  expect(plan.takeDue(6500).servers).toEqual(["c"]);
  plan.panesDone(6600, false, ["c"]);
  expect(plan.takeDue(20_000).servers).toEqual([]);
  plan.panesDone(61_000, false, ["c"]);
  expect(plan.takeDue(62_000).all).toBe(true);
  expect(plan.takeDue(66_500).servers).toEqual(["c"]);
});

test("a partial container scan is repeated though the list stays as it is", () => {
  const plan = started();
  plan.retryContainers(1000);
  expect(plan.takeDue(30_999).retry).toBe(false);
  expect(plan.takeDue(31_000)).toMatchObject({ light: true, retry: true });
  expect(plan.takeDue(62_000).retry).toBe(false);
});
