import { expect, test } from "bun:test";
import { NoHome, resolvePaths } from "../../src/config/paths.ts";

test("everything hangs on HOME by default", () => {
  expect(resolvePaths({ HOME: "/home/u" })).toEqual({
    configDir: "/home/u/.config/opensoft/agenttower",
    configFile: "/home/u/.config/opensoft/agenttower/config.toml",
    stateDir: "/home/u/.local/state/opensoft/agenttower",
    stateDb: "/home/u/.local/state/opensoft/agenttower/agenttower.sqlite3",
    eventsFile: "/home/u/.local/state/opensoft/agenttower/events.jsonl",
    logsDir: "/home/u/.local/state/opensoft/agenttower/logs",
    socket: "/home/u/.local/state/opensoft/agenttower/agenttowerd.sock",
    cacheDir: "/home/u/.cache/opensoft/agenttower",
    lock: "/home/u/.local/state/opensoft/agenttower/agenttowerd.lock",
    pid: "/home/u/.local/state/opensoft/agenttower/agenttowerd.pid",
    log: "/home/u/.local/state/opensoft/agenttower/logs/agenttowerd.log",
    notes: [],
  });
});

const moved = {
  XDG_CONFIG_HOME: ["configDir", "configFile"],
  XDG_STATE_HOME: ["stateDir", "stateDb", "eventsFile", "logsDir", "socket", "lock", "pid", "log"],
  XDG_CACHE_HOME: ["cacheDir"],
};

test.each(Object.entries(moved))("%s moves its own members and no other", (variable, members) => {
  const plain = resolvePaths({ HOME: "/h" });
  const paths = resolvePaths({ HOME: "/h", [variable]: "/x" });
  for (const [name, value] of Object.entries(paths)) {
    if (members.includes(name)) expect(value).toStartWith("/x/opensoft/agenttower");
    else expect(value).toEqual(plain[name as keyof typeof plain]);
  }
});

test("a runtime directory moves nothing, and empty counts as unset", () => {
  const plain = resolvePaths({ HOME: "/h" });
  expect(resolvePaths({ HOME: "/h", XDG_RUNTIME_DIR: "/run/x", XDG_STATE_HOME: "" })).toEqual(plain);
});

test("a relative base is ignored and named", () => {
  const { stateDir, notes } = resolvePaths({ HOME: "/h", XDG_STATE_HOME: "state" });
  expect(stateDir).toBe("/h/.local/state/opensoft/agenttower");
  expect(notes).toEqual(["note: XDG_STATE_HOME is ignored: not an absolute path"]);
});

test.each([{}, { HOME: "" }, { HOME: "relative" }])("no home: %p", (env) => {
  expect(() => resolvePaths(env)).toThrow(NoHome);
});

test("a home is needed only where something hangs on it", () => {
  const all = { XDG_CONFIG_HOME: "/c", XDG_STATE_HOME: "/s", XDG_CACHE_HOME: "/k" };
  expect(resolvePaths(all).socket).toBe("/s/opensoft/agenttower/agenttowerd.sock");
});
