import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { ConfigFault, parseTables } from "../../src/config/config-file.ts";
import { daemonConfig, EVENTS_SETTINGS, eventsConfig } from "../../src/config/daemon-config.ts";

const PATH = "/c/config.toml";
const read = (toml: string) => daemonConfig(parseTables(toml, PATH), PATH);
const events = (toml: string) => eventsConfig(parseTables(`[events]\n${toml}`, PATH), PATH);

test("an empty file gives every default and no warning", () => {
  const { events: found, logs, routing, warnings } = read("");
  expect(warnings).toEqual([]);
  expect(found).toEqual({
    reader_cycle_wallclock_cap_seconds: 1,
    per_cycle_byte_cap_bytes: 65536,
    per_event_excerpt_cap_bytes: 1024,
    excerpt_truncation_marker: "…[truncated]",
    debounce_activity_window_seconds: 5,
    pane_exited_grace_seconds: 30,
    long_running_grace_seconds: 30,
    default_page_size: 50,
    max_page_size: 50,
    follow_long_poll_max_seconds: 30,
    follow_session_idle_timeout_seconds: 300,
    classify_idle_prompts: false,
  });
  expect(logs).toEqual({ transport: "auto", max_file_bytes: 67_108_864, keep_generations: 3 });
  expect(routing.settle_ms).toBe(150);
});

describe("[events] is exact", () => {
  test.each([
    "default_page_size = 51",
    "max_page_size = 51",
    "default_page_size = 0",
    "default_page_size = 1.5",
    "default_page_size = true",
    "default_page_size = 40\nmax_page_size = 39",
    "per_cycle_byte_cap_bytes = 1023",
    "per_event_excerpt_cap_bytes = 65537",
    "debounce_activity_window_seconds = 5.1",
    "pane_exited_grace_seconds = 31",
    "long_running_grace_seconds = 0",
    "long_running_grace_seconds = -1",
    "long_running_grace_seconds = inf",
    "long_running_grace_seconds = nan",
    "follow_long_poll_max_seconds = '1'",
    "excerpt_truncation_marker = 5",
    "classify_idle_prompts = 1",
    "nonsense = 1",
    "__proto__ = 1",
    "toString = 1",
  ])("%s is an error", (toml) => {
    expect(() => events(toml)).toThrow(/^config invalid: \/c\/config\.toml: \[events\] [a-zA-Z_]+: /);
  });

  test.each([
    "default_page_size = 50",
    "default_page_size = 1\nmax_page_size = 1",
    "debounce_activity_window_seconds = 5",
    "pane_exited_grace_seconds = 30.0",
    "long_running_grace_seconds = 0.001",
    "per_cycle_byte_cap_bytes = 1024",
    "excerpt_truncation_marker = ''",
    "classify_idle_prompts = true",
  ])("%s is fine", (toml) => {
    const given = parseTables(toml, PATH);
    expect(events(toml)).toMatchObject(given);
  });

  test("something that is no table", () => {
    expect(() => read("events = 5")).toThrow("[events] must be a TOML table");
    expect(() => read("events = [1]")).toThrow("[events] must be a TOML table");
  });
});

test("in [logs] and [routing] a fault is a warning and the default stays", () => {
  const { logs, routing, warnings } = read(`
    [logs]
    transport = "carrier pigeon"
    max_file_bytes = 5
    keep_generations = 99
    colour = "blue"
    [routing]
    settle_ms = 2001
    submit_key = "CR"
    hold_drafts = "no"
  `);
  expect(logs).toEqual({ transport: "auto", max_file_bytes: 67_108_864, keep_generations: 99 });
  expect(routing).toMatchObject({ settle_ms: 150, submit_key: "CR", hold_drafts: true });
  expect(warnings.map(({ key }) => key)).toEqual([
    "logs.transport",
    "logs.max_file_bytes",
    "logs.colour",
    "routing.settle_ms",
    "routing.hold_drafts",
  ]);
  expect(warnings[0]).toEqual({ path: PATH, key: "logs.transport", reason: "must be one of: auto, pipe, stream" });
});

test("max_file_bytes may be 0, which is never", () => {
  const { logs, warnings } = read("[logs]\nmax_file_bytes = 0");
  expect(logs.max_file_bytes).toBe(0);
  expect(warnings).toEqual([]);
});

test("unknown tables and [containers] keys are warnings; [host] is judged elsewhere", () => {
  const { warnings } = read("stray = 1\n[containers]\nname_contain = ['x']\n[host]\nsockets = 5\n[evnts]\na = 1");
  expect(warnings.map(({ key }) => key)).toEqual(["stray", "evnts", "containers.name_contain"]);
});

test("a hundred warnings are enough", () => {
  const { warnings } = read(Array.from({ length: 500 }, (_, n) => `k${n} = 1`).join("\n"));
  expect(warnings).toHaveLength(100);
});

test("no TOML is one clean line", () => {
  for (const text of ["[containers\n", "a = 1\na = 2", "\x00", "= 5"]) {
    expect(() => read(text)).toThrow(/^config invalid: \/c\/config\.toml: failed to parse: [^\n]+$/);
  }
});

test("whatever the file holds: a configuration, or one fault of one line", () =>
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (tables) => {
      try {
        const { events: found } = daemonConfig(tables, PATH);
        expect<string[]>(Object.keys(found)).toEqual(Object.keys(EVENTS_SETTINGS));
      } catch (error) {
        expect(error).toBeInstanceOf(ConfigFault);
        expect(String(error)).not.toContain("\n");
      }
    }),
  ));
