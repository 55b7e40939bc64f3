/** `config paths` (01 §12): 17 lines, nothing created. */
import { ConfigFault, readTables } from "../../config/config-file.ts";
import { type EventsConfig, eventsConfig } from "../../config/daemon-config.ts";
import { command } from "../command.ts";
import type { CliContext } from "../context.ts";
import { OK, PREFLIGHT } from "../exits.ts";
import { preflightFailure } from "../failure.ts";
import { placeOf } from "../place.ts";

/** Printed in this order; the other keys of `[events]` are not. */
const SECONDS = "seconds";
const COUNT = "count";
const PRINTED_EVENTS = {
  reader_cycle_wallclock_cap_seconds: SECONDS,
  per_cycle_byte_cap_bytes: COUNT,
  per_event_excerpt_cap_bytes: COUNT,
  debounce_activity_window_seconds: SECONDS,
  pane_exited_grace_seconds: SECONDS,
  long_running_grace_seconds: SECONDS,
  default_page_size: COUNT,
  max_page_size: COUNT,
  follow_long_poll_max_seconds: SECONDS,
  follow_session_idle_timeout_seconds: SECONDS,
} as const satisfies Partial<Record<keyof EventsConfig, string>>;

/** What a shell takes literally without quotes. */
const PLAIN = /^[A-Za-z0-9_@%+=:,./-]*$/;

export const configPaths = command({
  name: "paths",
  summary: "Print where everything lies, as KEY=value lines.",
  examples: ["agenttower config paths"],
  run(context) {
    const { paths, socket } = placeOf(context);
    const events = eventsOf(paths.configFile);
    const lines: [string, string][] = [
      ["CONFIG_FILE", paths.configFile],
      ["STATE_DB", paths.stateDb],
      ["EVENTS_FILE", paths.eventsFile],
      ["LOGS_DIR", paths.logsDir],
      ["SOCKET", socket.path],
      ["CACHE_DIR", paths.cacheDir],
      ["SOCKET_SOURCE", socket.source],
      ...printedEvents(events),
    ];
    // Values are printed as they are: scripts compare them.
    context.out.write(lines.map(([key, value]) => `${key}=${value}\n`).join(""));
    for (const note of notes(context, paths.stateDb, [...paths.notes], lines)) context.err.write(`${note}\n`);
    return OK;
  },
});

function eventsOf(configFile: string): EventsConfig {
  try {
    return eventsConfig(readTables(configFile), configFile);
  } catch (error) {
    if (error instanceof ConfigFault) throw preflightFailure(PREFLIGHT, error.message);
    throw error;
  }
}

function printedEvents(events: EventsConfig): [string, string][] {
  return Object.entries(PRINTED_EVENTS).map(([key, unit]) => {
    const value = events[key as keyof typeof PRINTED_EVENTS];
    return [`EVENTS_${key.toUpperCase()}`, unit === SECONDS ? withPoint(value) : String(value)];
  });
}

/** Seconds always carry a decimal point. */
function withPoint(value: number): string {
  return Number.isInteger(value) ? value.toFixed(1) : String(value);
}

function notes(context: CliContext, stateDb: string, found: string[], lines: [string, string][]): string[] {
  if (!context.files.exists(stateDb)) {
    found.push("note: agenttower has not been initialized; run `agenttower config init`");
  }
  if (lines.some(([, value]) => !PLAIN.test(value))) {
    found.push("note: some values hold characters that a shell would interpret; read the lines, do not eval them");
  }
  return found;
}
