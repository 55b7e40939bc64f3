import { expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../src/base/clock.ts";
import { hostBench } from "../../src/host/bench.ts";
import { benchSuite } from "../support/bench-suite.ts";
import { manualClock } from "../support/manual-clock.ts";
import { until } from "../support/until.ts";

const clock = systemClock();
const at = (argv: string[]) => ({ containerId: "f".repeat(64), user: "nobody", argv });

const isGone = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return false;
  } catch {
    return true;
  }
};

benchSuite("the host", async () => ({
  bench: hostBench(process.env, clock),
  containerId: "f".repeat(64),
  user: "ignored",
}));

test("a program that is late is ended", async () => {
  const dir = mkdtempSync(join(tmpdir(), "at-host-"));
  try {
    const pidFile = join(dir, "pid");
    const script = `echo $$ >${pidFile}; exec sleep 600`;
    const late = hostBench(process.env, clock).run(at(["sh", "-c", script]), { deadlineMs: 500 });
    await expect(late).rejects.toMatchObject({ kind: "timeout" });
    const pid = Number(await Bun.file(pidFile).text());
    await until(() => isGone(pid), "the end of the program");
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
});

test("a program that stays after its stream was closed is ended a second later", async () => {
  const time = manualClock();
  const stream = await hostBench(process.env, time).stream(at(["sh", "-c", "echo $$; exec sleep 600"]));
  let pid = 0;
  const read = (async () => {
    for await (const bytes of stream.output) pid = Number(Buffer.from(bytes).toString());
  })();
  await until(() => pid > 0, "its pid");
  stream.close();
  await time.advance(999);
  expect(isGone(pid)).toBe(false);
  await time.advance(1);
  await read;
  await until(() => isGone(pid), "the end of the program");
});

test("a descendant that keeps the output open does not keep us", async () => {
  const late = hostBench(process.env, clock).run(at(["sh", "-c", "sleep 2 & echo started"]), { deadlineMs: 300 });
  await expect(late).rejects.toMatchObject({ kind: "timeout" });
});

test("programs are found on PATH, then at fixed places, never in the current folder", async () => {
  const dir = mkdtempSync(join(tmpdir(), "at-host-"));
  try {
    writeFileSync(join(dir, "tmux"), "#!/bin/sh\necho mine\n", { mode: 0o755 });
    const found = async (path: string | undefined) => hostBench({ PATH: path }, clock).run(at(["tmux", "-V"]));
    expect((await found(`${dir}:/usr/bin`)).stdout).toBe("mine\n");
    expect((await found("")).stdout).toStartWith("tmux ");
    expect((await found(undefined)).stdout).toStartWith("tmux ");
    expect((await hostBench({ PATH: ".:relative" }, clock).run(at(["package.json"]))).exitCode).toBe(127);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
});
