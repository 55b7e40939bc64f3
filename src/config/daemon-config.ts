/**
 * What is read once at daemon start (01 §3): `[events]` is exact, so a fault there is an error; in `[logs]` and `[routing]` it is a
 * warning and the default is used; unknown tables and unknown `[containers]` keys are warnings.
 */
import { cut, message } from "../base/text.ts";
import { ConfigFault, type ConfigWarning, isTable, type Tables } from "./config-file.ts";
import {
  anyString,
  choice,
  integerIn,
  numberIn,
  orZero,
  positive,
  readSettings,
  type Settings,
  toggle,
  type ValuesOf,
} from "./settings.ts";

/** `[events]`, in the order of 01 §3. */
export const EVENTS_SETTINGS = {
  reader_cycle_wallclock_cap_seconds: positive(1),
  per_cycle_byte_cap_bytes: integerIn(65_536, 1),
  per_event_excerpt_cap_bytes: integerIn(1024, 1),
  excerpt_truncation_marker: anyString("…[truncated]"),
  debounce_activity_window_seconds: positive(5, 5),
  pane_exited_grace_seconds: positive(30, 30),
  long_running_grace_seconds: positive(30),
  default_page_size: integerIn(50, 1, 50),
  max_page_size: integerIn(50, 1, 50),
  follow_long_poll_max_seconds: positive(30),
  follow_session_idle_timeout_seconds: positive(300),
  classify_idle_prompts: toggle(false),
} as const satisfies Settings;
export type EventsConfig = ValuesOf<typeof EVENTS_SETTINGS>;

/** `[logs]` (03 §15.1, §19, §23). Below 1 MiB rotation would do little else. */
const MIN_FILE_BYTES = 1_048_576;
export const LOGS_SETTINGS = {
  transport: choice("auto", ["auto", "pipe", "stream"]),
  max_file_bytes: orZero(integerIn(67_108_864, MIN_FILE_BYTES)),
  keep_generations: integerIn(3, 0, 99),
} as const satisfies Settings;
export type LogsConfig = ValuesOf<typeof LOGS_SETTINGS>;

/** `[routing]` (05 §22). */
export const ROUTING_SETTINGS = {
  deliver_headers: toggle(false),
  transport: choice("auto", ["auto", "exec"]),
  submit_key: choice("Enter", ["Enter", "CR"]),
  settle_ms: integerIn(150, 0, 2000),
  verify_seconds: numberIn(2, 0, 10),
  enter_resends: integerIn(2, 0, 3),
  parallel_panes: integerIn(8, 1, 32),
  hold_dialogs: toggle(true),
  hold_drafts: toggle(true),
  hold_multiline: toggle(true),
  cycle_interval_seconds: numberIn(1, 0.1, 60),
  batch_size: integerIn(100, 1, 10_000),
  heartbeat_interval_seconds: numberIn(60, 10, 3600),
  loop_warn_hops: integerIn(8, 0),
  loop_max_hops: integerIn(256, 0),
  loop_max_per_minute: integerIn(120, 0),
  route_max_per_minute: integerIn(0, 0),
} as const satisfies Settings;
export type RoutingConfig = ValuesOf<typeof ROUTING_SETTINGS>;

export type DaemonConfig = {
  events: EventsConfig;
  logs: LogsConfig;
  routing: RoutingConfig;
  warnings: ConfigWarning[];
};

const KNOWN_TABLES = new Set(["containers", "host", "events", "logs", "routing"]);
const KNOWN_CONTAINERS_KEYS = new Set(["name_contains", "scan_interval_seconds"]);
/** Warnings of one file; the rest of a file that is all nonsense adds nothing. */
const MAX_WARNINGS = 100;
const KEY_CHARACTERS = 128;

/** Judges tables that were read. @throws ConfigFault */
export function daemonConfig(tables: Tables, path: string): DaemonConfig {
  const warnings: ConfigWarning[] = [];
  const warn = (key: string, reason: string): void => {
    if (warnings.length < MAX_WARNINGS) warnings.push({ path, key: cut(message(key), KEY_CHARACTERS), reason });
  };
  for (const key of Object.keys(tables)) if (!KNOWN_TABLES.has(key)) warn(key, "unknown table or key");
  const containers = tables["containers"];
  if (isTable(containers)) {
    for (const key of Object.keys(containers)) {
      if (!KNOWN_CONTAINERS_KEYS.has(key)) warn(`containers.${key}`, "unknown key");
    }
  }
  const lenient = <S extends Settings>(name: string, settings: S): ValuesOf<S> => {
    const table = tables[name];
    if (table !== undefined && !isTable(table)) warn(name, "must be a TOML table");
    const { values, faults } = readSettings(settings, isTable(table) ? table : undefined);
    for (const { key, reason } of faults) warn(`${name}.${key}`, reason);
    return values;
  };
  return {
    events: eventsConfig(tables, path),
    logs: lenient("logs", LOGS_SETTINGS),
    routing: lenient("routing", ROUTING_SETTINGS),
    warnings,
  };
}

/** `[events]` alone. @throws ConfigFault naming table and key */
export function eventsConfig(tables: Tables, path: string): EventsConfig {
  const table = tables["events"];
  if (table !== undefined && !isTable(table)) throw new ConfigFault(path, "[events] must be a TOML table");
  const { values, faults } = readSettings(EVENTS_SETTINGS, table);
  const [first] = faults;
  if (first) throw new ConfigFault(path, `[events] ${cut(message(first.key), KEY_CHARACTERS)}: ${first.reason}`);
  if (values.per_cycle_byte_cap_bytes < values.per_event_excerpt_cap_bytes) {
    throw new ConfigFault(path, "[events] per_cycle_byte_cap_bytes: must be at least per_event_excerpt_cap_bytes");
  }
  if (values.default_page_size > values.max_page_size) {
    throw new ConfigFault(path, "[events] default_page_size: must be at most max_page_size");
  }
  return values;
}
