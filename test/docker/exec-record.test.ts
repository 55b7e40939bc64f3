import { expect, test } from "bun:test";
import { createExecRecord } from "../../src/docker/exec-record.ts";
import { manualClock } from "../support/manual-clock.ts";

const running = (...ids: string[]) => {
  const asked: string[] = [];
  const isRunning = async (execId: string) => {
    asked.push(execId);
    return ids.includes(execId);
  };
  return { asked, isRunning };
};

test("a container rests while any abandoned exec of it runs, others do not", async () => {
  const record = createExecRecord(manualClock());
  record.abandon("c1", "e1");
  record.abandon("c1", "e2");
  await expect(record.refuseWhileAbandoned("c1", running("e2").isRunning)).rejects.toMatchObject({ kind: "abandoned" });
  await record.refuseWhileAbandoned("c2", running("e2").isRunning);
  const ended = running();
  await record.refuseWhileAbandoned("c1", ended.isRunning);
  // e1 had ended at the first question already.
  expect(ended.asked).toEqual(["e2"]);
});

test("after 60 s nothing is asked any more", async () => {
  const clock = manualClock();
  const record = createExecRecord(clock);
  record.abandon("c1", "e1");
  await clock.advance(59_000);
  await expect(record.refuseWhileAbandoned("c1", running("e1").isRunning)).rejects.toMatchObject({ kind: "abandoned" });
  await clock.advance(1_000);
  const never = running("e1");
  await record.refuseWhileAbandoned("c1", never.isRunning);
  expect(never.asked).toEqual([]);
});

test("a question that fails leaves the container as it was", async () => {
  const record = createExecRecord(manualClock());
  record.abandon("c1", "e1");
  const broken = () => Promise.reject(new Error("no Engine"));
  await expect(record.refuseWhileAbandoned("c1", broken)).rejects.toThrow("no Engine");
  await expect(record.refuseWhileAbandoned("c1", running("e1").isRunning)).rejects.toMatchObject({ kind: "abandoned" });
});

test("own execs are known, and their number is bounded", () => {
  const record = createExecRecord(manualClock());
  for (let at = 0; at < 5000; at++) record.started(`e${at}`);
  expect(record.isOurs("e4999")).toBe(true);
  expect(record.isOurs("e904")).toBe(true);
  expect(record.isOurs("e903")).toBe(false);
  expect(record.isOurs("theirs")).toBe(false);
});
