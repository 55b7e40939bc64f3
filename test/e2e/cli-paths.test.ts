/** Where everything lies, and which socket is asked: acceptance checks 1, 2, 3 and 26 of 01 §18. */
import { describe, expect, test } from "bun:test";
import { readdirSync, symlinkSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import { HOST, runIn } from "./cli-world.ts";
import { createTower, type Tower } from "./tower.ts";

const KEYS = [
  "CONFIG_FILE",
  "STATE_DB",
  "EVENTS_FILE",
  "LOGS_DIR",
  "SOCKET",
  "CACHE_DIR",
  "SOCKET_SOURCE",
  "EVENTS_READER_CYCLE_WALLCLOCK_CAP_SECONDS",
  "EVENTS_PER_CYCLE_BYTE_CAP_BYTES",
  "EVENTS_PER_EVENT_EXCERPT_CAP_BYTES",
  "EVENTS_DEBOUNCE_ACTIVITY_WINDOW_SECONDS",
  "EVENTS_PANE_EXITED_GRACE_SECONDS",
  "EVENTS_LONG_RUNNING_GRACE_SECONDS",
  "EVENTS_DEFAULT_PAGE_SIZE",
  "EVENTS_MAX_PAGE_SIZE",
  "EVENTS_FOLLOW_LONG_POLL_MAX_SECONDS",
  "EVENTS_FOLLOW_SESSION_IDLE_TIMEOUT_SECONDS",
];
const NOTE = "note: agenttower has not been initialized; run `agenttower config init`\n";

const pairs = (stdout: string): [string, string][] => {
  expect(stdout.endsWith("\n")).toBe(true);
  return stdout
    .slice(0, -1)
    .split("\n")
    .map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]);
};

const everythingIn = (tower: Tower): unknown[] => readdirSync(tower.home, { recursive: true });

/** `config paths` as a table. */
async function pathsOf(tower: Tower, env: Record<string, string> = {}): Promise<Record<string, string>> {
  const { code, stdout } = await tower.run(["config", "paths"], { env });
  expect(code).toBe(0);
  return Object.fromEntries(pairs(stdout));
}

test("check 1: --version of both commands is one line with one version, and creates nothing", async () => {
  await using tower = await createTower();
  const cli = await tower.run(["--version"]);
  const daemon = await tower.run(["agenttowerd", "--version"]);
  expect(cli).toEqual({ code: 0, stdout: expect.stringMatching(/^agenttower \d+\.\d+\.\d+\S*\n$/), stderr: "" });
  expect(daemon).toEqual({ code: 0, stdout: cli.stdout.replace("agenttower", "agenttowerd"), stderr: "" });
  expect(everythingIn(tower)).toEqual([]);
});

test("check 2: config paths on an empty home", async () => {
  await using tower = await createTower();
  const { code, stdout, stderr } = await runIn(HOST, tower, ["config", "paths"]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: NOTE });
  expect(pairs(stdout).map(([key]) => key)).toEqual(KEYS);
  const values = Object.fromEntries(pairs(stdout));
  const own = `${tower.home}/.local/state/opensoft/agenttower`;
  expect(values).toEqual({
    CONFIG_FILE: `${tower.home}/.config/opensoft/agenttower/config.toml`,
    STATE_DB: `${own}/agenttower.sqlite3`,
    EVENTS_FILE: `${own}/events.jsonl`,
    LOGS_DIR: `${own}/logs`,
    SOCKET: `${own}/agenttowerd.sock`,
    CACHE_DIR: `${tower.home}/.cache/opensoft/agenttower`,
    SOCKET_SOURCE: "host_default",
    EVENTS_READER_CYCLE_WALLCLOCK_CAP_SECONDS: "1.0",
    EVENTS_PER_CYCLE_BYTE_CAP_BYTES: "65536",
    EVENTS_PER_EVENT_EXCERPT_CAP_BYTES: "1024",
    EVENTS_DEBOUNCE_ACTIVITY_WINDOW_SECONDS: "5.0",
    EVENTS_PANE_EXITED_GRACE_SECONDS: "30.0",
    EVENTS_LONG_RUNNING_GRACE_SECONDS: "30.0",
    EVENTS_DEFAULT_PAGE_SIZE: "50",
    EVENTS_MAX_PAGE_SIZE: "50",
    EVENTS_FOLLOW_LONG_POLL_MAX_SECONDS: "30.0",
    EVENTS_FOLLOW_SESSION_IDLE_TIMEOUT_SECONDS: "300.0",
  });
  expect(everythingIn(tower)).toEqual([]);
});

test("once initialized there is no note, and what the configuration sets is printed", async () => {
  await using tower = await createTower({
    config:
      "[events]\nreader_cycle_wallclock_cap_seconds = 2.5\npane_exited_grace_seconds = 3\nmax_page_size = 40\ndefault_page_size = 7\n",
  });
  await tower.init();
  const { code, stdout, stderr } = await tower.run(["config", "paths"]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(Object.fromEntries(pairs(stdout))).toMatchObject({
    EVENTS_READER_CYCLE_WALLCLOCK_CAP_SECONDS: "2.5",
    EVENTS_PANE_EXITED_GRACE_SECONDS: "3.0",
    EVENTS_MAX_PAGE_SIZE: "40",
    EVENTS_DEFAULT_PAGE_SIZE: "7",
  });
});

test("config paths has no --json", async () => {
  await using tower = await createTower();
  const { code, stdout, stderr } = await tower.run(["config", "paths", "--json"]);
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr).toContain("error: unknown option '--json'");
});

describe("check 3: the XDG variables", () => {
  const MEMBERS = {
    XDG_CONFIG_HOME: ["CONFIG_FILE"],
    XDG_STATE_HOME: ["STATE_DB", "EVENTS_FILE", "LOGS_DIR", "SOCKET"],
    XDG_CACHE_HOME: ["CACHE_DIR"],
  };

  test("each alone moves its own members only, all three move all", async () => {
    await using tower = await createTower();
    const usual = await pathsOf(tower);
    for (const moved of [...Object.keys(MEMBERS).map((name) => [name]), Object.keys(MEMBERS)]) {
      const env = Object.fromEntries(moved.map((name) => [name, `/srv/${name.toLowerCase()}`]));
      const now = await pathsOf(tower, env);
      for (const [variable, members] of Object.entries(MEMBERS)) {
        for (const member of members) {
          const name = usual[member]?.split("/opensoft/agenttower")[1];
          const at = moved.includes(variable)
            ? `/srv/${variable.toLowerCase()}/opensoft/agenttower${name}`
            : usual[member];
          expect(now[member]).toBe(at ?? "");
        }
      }
    }
    for (const value of ["", "relative/dir"]) {
      const env = { XDG_CONFIG_HOME: value, XDG_STATE_HOME: value, XDG_CACHE_HOME: value };
      expect(await pathsOf(tower, env)).toEqual(usual);
    }
    expect(await pathsOf(tower, { XDG_RUNTIME_DIR: "/srv/runtime", XDG_DATA_HOME: "/srv/data" })).toEqual(usual);
    expect(everythingIn(tower)).toEqual([]);
  });

  test("what config init makes lies where config paths says", async () => {
    await using tower = await createTower();
    const env = {
      XDG_CONFIG_HOME: `${tower.dir}/c`,
      XDG_STATE_HOME: `${tower.dir}/s`,
      XDG_CACHE_HOME: `${tower.dir}/k`,
    };
    const values = await pathsOf(tower, env);
    const { stdout } = await tower.run(["config", "init"], { env });
    expect(stdout).toBe(`created config: ${values["CONFIG_FILE"]}\ncreated registry: ${values["STATE_DB"]}\n`);
    expect(everythingIn(tower)).toEqual([]);
  });

  test("a relative value and one that a shell would interpret are said on stderr", async () => {
    await using tower = await createTower();
    const relative = await tower.run(["config", "paths"], { env: { XDG_STATE_HOME: "state" } });
    expect(relative.stderr).toContain("XDG_STATE_HOME");
    for (const value of Object.values(Object.fromEntries(pairs(relative.stdout))).slice(0, 6)) {
      expect(isAbsolute(value)).toBe(true);
    }
    const odd = `${tower.dir}/with blank and $(touch here) 'quote'`;
    const { code, stdout, stderr } = await tower.run(["config", "paths"], { env: { XDG_STATE_HOME: odd } });
    expect(code).toBe(0);
    expect(stdout).toContain(`STATE_DB=${odd}/opensoft/agenttower/agenttower.sqlite3\n`);
    expect(stderr.split("\n").length).toBeGreaterThan(NOTE.split("\n").length);
  });
});

describe("check 26: AGENTTOWER_SOCKET", () => {
  // `status`, `ensure-daemon` and `config paths` meet every reason in daemon-life.test.ts; here are the other commands.
  const ASKING = [
    ["stop-daemon"],
    ["daemon", "start"],
    ["daemon", "stop"],
    ["daemon", "status"],
    ["scan", "--containers"],
    ["list-containers"],
    ["list-panes", "--json"],
    ["config", "doctor", "--json"],
    ["app", "call", "app.preflight"],
    ["app", "connect"],
  ];

  test("no command falls back to another socket: exit 1 with the reason, stdout empty", async () => {
    await using tower = await createTower();
    await tower.start();
    const link = join(tower.dir, "link");
    symlinkSync(tower.socket, link);
    symlinkSync(link, join(tower.dir, "link-to-link"));
    const cases: [value: string, reason: string][] = [
      [" \t ", "value is empty"],
      ["$HOME/agenttowerd.sock", "value is not absolute"],
      [join(tower.dir, "link-to-link"), "value is not a Unix socket"],
    ];
    for (const words of ASKING) {
      await Promise.all(
        cases.map(async ([value, reason]) => {
          const outcome = await tower.run(words, { env: { AGENTTOWER_SOCKET: value } });
          expect({ words, ...outcome }).toEqual({
            words,
            code: 1,
            stdout: "",
            stderr: `error: AGENTTOWER_SOCKET must be an absolute path to a Unix socket: ${reason}\n`,
          });
        }),
      );
    }
    expect((await tower.call("ping")).ok).toBe(true);
  });

  test("a live socket, straight or behind one link, with blanks around it", async () => {
    await using tower = await createTower();
    const pid = await tower.start();
    const link = join(tower.dir, "link");
    symlinkSync(tower.socket, link);
    for (const path of [tower.socket, link]) {
      const env = { AGENTTOWER_SOCKET: ` ${path}\n` };
      expect((await tower.json(["status"], { env })).result.pid).toBe(pid);
      expect(await pathsOf(tower, env)).toMatchObject({ SOCKET: path, SOCKET_SOURCE: "env_override" });
    }
  });

  test("ensure-daemon looks at the value, then uses the host default path", async () => {
    await using tower = await createTower();
    await using other = await createTower();
    await other.start();
    await tower.init();
    const { code, stdout } = await tower.run(["ensure-daemon", "--json"], { env: { AGENTTOWER_SOCKET: other.socket } });
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ started: true, socket_path: tower.socket });
    expect((await tower.call("ping")).ok).toBe(true);
  });
});
