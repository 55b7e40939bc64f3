import { expect, test } from "bun:test";
import { createEngineProbe } from "../../src/app/engine-probe.ts";
import { manualClock } from "../support/manual-clock.ts";

/** An Engine whose pings end when the test says how. */
function engine() {
  const pings: PromiseWithResolvers<void>[] = [];
  return {
    pings,
    ping() {
      const ping = Promise.withResolvers<void>();
      pings.push(ping);
      return ping.promise;
    },
  };
}

test("an Engine that answers is up, and is asked once a second at most", async () => {
  const clock = manualClock();
  const docker = engine();
  const probe = createEngineProbe(docker, clock);
  const first = probe.state();
  const second = probe.state();
  docker.pings[0]?.resolve();
  expect(await first).toEqual({ up: true, reason: "" });
  expect(await second).toEqual({ up: true, reason: "" });

  await clock.advance(999);
  // No promise: nothing is waited for.
  expect(probe.state()).toEqual({ up: true, reason: "" });
  expect(docker.pings.length).toBe(1);
  await clock.advance(1);
  const third = probe.state();
  expect(docker.pings.length).toBe(2);
  docker.pings[1]?.reject(new Error("connection refused\nby peer"));
  expect(await third).toEqual({ up: false, reason: "connection refused by peer" });
});

test("a hanging Engine costs 80 ms once, then nothing", async () => {
  const clock = manualClock();
  const docker = engine();
  const probe = createEngineProbe(docker, clock);
  const first = Promise.resolve(probe.state());
  let answered = false;
  first.then(() => {
    answered = true;
  });
  await clock.advance(79);
  expect(answered).toBe(false);
  await clock.advance(1);
  expect((await first).up).toBeNull();
  expect(probe.state()).toMatchObject({ up: null });
  expect(docker.pings.length).toBe(1);
  expect(clock.sleeping).toBe(0);

  docker.pings[0]?.reject(new Error("no answer within 2 s"));
  await clock.advance(1);
  expect(probe.state()).toEqual({ up: false, reason: "no answer within 2 s" });
});

test("waiting leaves no sleeper behind", async () => {
  const clock = manualClock();
  const docker = engine();
  const probe = createEngineProbe(docker, clock);
  const state = probe.state();
  docker.pings[0]?.resolve();
  await state;
  expect(clock.sleeping).toBe(0);
});
