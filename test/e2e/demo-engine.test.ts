/** `npm run demo` (00 §3) with Docker: on an Engine that answers it touches only its own, and without one it starts its own. */
import { expect, test } from "bun:test";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { engineCall } from "../../build/engine.ts";
import { createTestEngine } from "../support/engine.ts";
import { isAlive, paneLines, readRecordOf, runDemo, shownPid } from "./demo-run.ts";
import { executable } from "./tower.ts";

type Listed = { Id: string; Names: string[]; State: string; Created: number };
type Image = { RepoTags: string[] | null };

async function withHome(work: (home: string, words: string[]) => Promise<void>): Promise<void> {
  const place = mkdtempSync(join(tmpdir(), "at-demo-test-"));
  const home = join(place, "demo");
  try {
    await work(home, ["--home", home, "--executable", await executable()]);
  } finally {
    if (existsSync(join(home, "demo.json"))) await runDemo(["--down", "--home", home]);
    rmSync(place, { recursive: true, force: true });
  }
}

test("on an Engine that answers: two benches of its own, and another's is left alone", () =>
  withHome(async (home, words) => {
    const engine = await createTestEngine();
    try {
      await using other = await engine.bench({ name: "users-bench" });
      await other.pane("theirs");
      const containers = async () =>
        (await (await engineCall(engine.socketPath, "GET", "/containers/json?all=1")).json()) as Listed[];
      const images = async () => (await (await engineCall(engine.socketPath, "GET", "/images/json")).json()) as Image[];
      const before = { containers: await containers(), images: (await images()).length };
      const env = { DOCKER_HOST: engine.dockerHost };

      const up = await runDemo(words, { env });
      expect(up).toMatchObject({ code: 0, stderr: "" });
      const name = `agenttower-demo-${readRecordOf(home)["id"]}`;
      expect(paneLines(up.stdout)).toEqual([
        `${name}-builder-bench builder:0.0 %0 demo-agent`,
        `${name}-planner-bench planner:0.0 %0 demo-agent`,
      ]);
      expect(up.stdout).not.toContain("users-bench");
      expect(await containers()).toHaveLength(3);

      // Without the variable: the record knows which Engine it was.
      const down = await runDemo(["--down", "--home", home], { env: { DOCKER_HOST: undefined } });
      expect(down).toMatchObject({ code: 0, stderr: "" });
      const after = await containers();
      expect(after.map(({ Id, State }) => ({ Id, State }))).toEqual(
        before.containers.map(({ Id, State }) => ({ Id, State })),
      );
      expect(await images()).toHaveLength(before.images);
      expect((await other.tmux(["list-sessions", "-F", "#{session_name}"])).trim()).toBe("theirs");
      expect(isAlive(shownPid(up.stdout))).toBe(false);
      expect(existsSync(home)).toBe(false);
    } finally {
      await engine.stop();
    }
  }));

test("without one: a private Engine in its own folder, gone with everything", () =>
  withHome(async (home, words) => {
    const env = { DOCKER_HOST: "unix:///nonexistent/docker.sock" };
    const up = await runDemo(words, { env });
    expect(up).toMatchObject({ code: 0, stderr: "" });
    expect(up.stdout).toContain("a private Docker Engine");
    expect(paneLines(up.stdout)).toHaveLength(2);
    expect(processesNaming(home).length).toBeGreaterThan(0);

    const again = await runDemo(words, { env });
    expect(again).toMatchObject({ code: 0, stderr: "" });
    expect(paneLines(again.stdout)).toHaveLength(2);

    const down = await runDemo(["--down", "--home", home], { env });
    expect(down).toMatchObject({ code: 0, stderr: "" });
    expect(existsSync(home)).toBe(false);
    expect(processesNaming(home)).toEqual([]);
    expect(readFileSync("/proc/self/mountinfo", "utf8")).not.toContain(home);
    for (const run of [up, again]) expect(isAlive(shownPid(run.stdout))).toBe(false);
  }));

/** Command lines of this machine that have `text` in them. */
function processesNaming(text: string): string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        return [readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ")];
      } catch (error) {
        // Ended between the listing and the look.
        if (error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ESRCH")) return [];
        throw error;
      }
    })
    .filter((line) => line.includes(text));
}
