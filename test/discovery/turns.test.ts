import { expect, test } from "bun:test";
import { createTurns } from "../../src/discovery/turns.ts";

test("one at a time, requests before a waiting background scan, in their order", async () => {
  const turns = createTurns();
  const log: string[] = [];
  const first = Promise.withResolvers<void>();
  const work =
    (name: string, until: Promise<void> = Promise.resolve()) =>
    async () => {
      log.push(`${name} in`);
      await until;
      log.push(`${name} out`);
      return name;
    };
  const all = [
    turns.take("background", work("b1", first.promise)),
    turns.take("background", work("b2")),
    turns.take("requested", work("r1")),
    turns.take("requested", work("r2")),
  ];
  await Bun.sleep(0);
  expect(log).toEqual(["b1 in"]);
  first.resolve();
  expect(await Promise.all(all)).toEqual(["b1", "b2", "r1", "r2"]);
  expect(log).toEqual(["b1", "r1", "r2", "b2"].flatMap((name) => [`${name} in`, `${name} out`]));
});

test("a failure passes the turn on", async () => {
  const turns = createTurns();
  const failing = turns.take("requested", () => Promise.reject(new Error("bug")));
  const next = turns.take("requested", async () => "fine");
  expect(failing).rejects.toThrow("bug");
  expect(await next).toBe("fine");
});
