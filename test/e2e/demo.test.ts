/** `npm run demo` (00 §3) where no Engine can be had: it plays on a private tmux server, and `--down` leaves nothing. */
import { afterEach, expect, test } from "bun:test";
import { chownSync, existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isAlive, paneLines, readRecordOf, runDemo, shownPid } from "./demo-run.ts";
import { executable } from "./tower.ts";

const ORDINARY_UID = 1000;
const places: string[] = [];

/** A folder that does not exist yet, in one that goes with the test. */
function freshHome(): string {
  const place = mkdtempSync(join(tmpdir(), "at-demo-test-"));
  places.push(place);
  return join(place, "demo");
}

afterEach(async () => {
  for (const place of places.splice(0)) {
    if (existsSync(join(place, "demo/demo.json"))) await runDemo(["--down", "--home", join(place, "demo")]);
    rmSync(place, { recursive: true, force: true });
  }
});

test("shows both agents on a private tmux server, twice, and removes all of it", async () => {
  const home = freshHome();
  const words = ["--host", "--home", home, "--executable", await executable()];
  const first = await runDemo(words);
  expect(first).toMatchObject({ code: 0, stderr: "" });
  expect(first.stdout).toContain("the host bench");
  expect(paneLines(first.stdout)).toEqual(["host builder:0.0 %1 demo-agent", "host planner:0.0 %0 demo-agent"]);
  const firstPid = shownPid(first.stdout);
  expect(isAlive(firstPid)).toBe(true);

  const second = await runDemo(words);
  expect(second).toMatchObject({ code: 0, stderr: "" });
  expect(isAlive(firstPid)).toBe(false);
  expect(paneLines(second.stdout)).toHaveLength(2);
  const [pid, { tmuxSocket }] = [shownPid(second.stdout), readRecordOf(home)];
  expect(existsSync(String(tmuxSocket))).toBe(true);

  const down = await runDemo(["--down", "--home", home]);
  expect(down).toMatchObject({ code: 0, stderr: "" });
  expect(existsSync(home)).toBe(false);
  expect(existsSync(String(tmuxSocket))).toBe(false);
  expect(isAlive(pid)).toBe(false);
  expect((await runDemo(["--down", "--home", home])).stdout).toContain("Nothing to remove");
});

test.skipIf(process.getuid?.() !== 0)(
  "an ordinary user without any Engine gets the host bench, and is told why",
  async () => {
    const home = freshHome();
    const place = join(home, "..");
    chownSync(place, ORDINARY_UID, ORDINARY_UID);
    const as = ["setpriv", `--reuid=${ORDINARY_UID}`, `--regid=${ORDINARY_UID}`, "--clear-groups"];
    const more = { prefix: as, env: { DOCKER_HOST: "unix:///nonexistent/docker.sock", HOME: place } };
    const up = await runDemo(["--home", home, "--executable", await executable()], more);
    expect(up).toMatchObject({ code: 0, stderr: "" });
    expect(up.stdout).toContain("no Docker Engine can be had: ");
    expect(paneLines(up.stdout)).toHaveLength(2);
    const down = await runDemo(["--down", "--home", home], more);
    expect(down).toMatchObject({ code: 0, stderr: "" });
    expect(existsSync(home)).toBe(false);
    expect(isAlive(shownPid(up.stdout))).toBe(false);
  },
);

test("a folder with a long name works as well", async () => {
  const home = join(freshHome(), "..", "long-".repeat(20), "demo");
  mkdirSync(join(home, ".."));
  const up = await runDemo(["--host", "--home", home, "--executable", await executable()]);
  expect(up).toMatchObject({ code: 0, stderr: "" });
  expect(paneLines(up.stdout)).toHaveLength(2);
  const { shortDir } = readRecordOf(home);
  expect(await runDemo(["--down", "--home", home])).toMatchObject({ code: 0, stderr: "" });
  expect(existsSync(home)).toBe(false);
  expect(existsSync(String(shortDir))).toBe(false);
});

test("a folder that is not the demo's is left alone", async () => {
  const home = freshHome();
  mkdirSync(home);
  await Bun.write(join(home, "precious"), "mine");
  for (const words of [[], ["--down"]]) {
    const refused = await runDemo([...words, "--home", home]);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain("is not a demo folder");
  }
  expect(await Bun.file(join(home, "precious")).text()).toBe("mine");
});

test("an unknown option is a usage error", async () => {
  expect(await runDemo(["--nope"])).toMatchObject({ code: 2, stdout: "" });
});
