/** The real door over real handlers and a real registry, without a socket: one call in, one envelope out. */
import { join } from "node:path";
import type { EngineState } from "../../src/app/engine-probe.ts";
import { appHandlers } from "../../src/app/handlers.ts";
import { refuse } from "../../src/contract/faults.ts";
import type { ContainerScanResult, PaneScanResult } from "../../src/contract/scans.ts";
import { createScanJobs } from "../../src/discovery/jobs.ts";
import { openEventsFile } from "../../src/journal/events-file.ts";
import { legacyHandlers } from "../../src/legacy/handlers.ts";
import type { AppHandlers } from "../../src/wire/dispatch.ts";
import { createDispatch } from "../../src/wire/dispatch.ts";
import { createSessions } from "../../src/wire/sessions.ts";
import { check } from "../contract/responses.ts";
import { testCall } from "./call-context.ts";
import { manualClock } from "./manual-clock.ts";
import type { TestRegistry } from "./registry.ts";

type Envelope = {
  ok: boolean;
  result?: Record<string, unknown>;
  error?: { code: string; message: string; details?: Record<string, unknown> };
};

export type Door = {
  /** Sends a request; the answer has been held against the published schema. */
  call(method: string, params?: unknown): Promise<Envelope>;
  /** A token that a `hello` has just issued. */
  token(): Promise<string>;
  /** What the daemon log was told: none of it should ever happen. */
  bugs: string[];
  stop: AbortController;
};

const AT = "2026-01-01T00:00:00.000000+00:00";
const HEAD = {
  scan_id: "s",
  started_at: AT,
  completed_at: AT,
  status: "ok",
  error_code: null,
  error_message: null,
} as const;

const containerScan: ContainerScanResult = {
  ...HEAD,
  ...{
    matched_count: 0,
    inactive_reconciled_count: 0,
    ignored_count: 0,
    error_details: [],
    containers: [],
    ignored_names: [],
  },
};
const paneScan: PaneScanResult = {
  ...HEAD,
  ...{
    containers_scanned: 0,
    sockets_scanned: 0,
    panes_seen: 0,
    panes_newly_active: 0,
    panes_reconciled_to_inactive: 0,
  },
  ...{
    containers_skipped_inactive: 0,
    containers_tmux_unavailable: 0,
    error_details: [],
    containers: [],
    container_filter: null,
  },
};

/** Scans find nothing; with the Engine down they are refused. */
function quietDiscovery(engine: EngineState) {
  const scanContainers = async () =>
    engine.up ? containerScan : refuse("docker_unavailable", {}, "the Engine cannot be reached");
  const scanPanes = async (scope: string | null) => ({ ...paneScan, container_filter: scope });
  const panes = async () => ({ ...paneScan, panes_reconciled_inactive: 0 });
  const onBug = (error: unknown) => {
    throw error;
  };
  const jobs = createScanJobs({ containers: scanContainers, panes }, manualClock(), onBug);
  return { scanContainers, scanPanes, jobs, ignoredNames: () => 0 };
}

/** @param broken handlers to use instead of the real ones */
export function testDoor(registry: TestRegistry, engine: EngineState, broken: Partial<AppHandlers> = {}): Door {
  const clock = manualClock();
  const events = join(registry.folder, "events.jsonl");
  const shared = {
    store: registry.store,
    eventsFile: openEventsFile(events, clock),
    discovery: quietDiscovery(engine),
  };
  const sessions = createSessions(() => true);
  const stop = new AbortController();
  const bugs: string[] = [];
  const call = testCall();
  const dispatch = createDispatch({
    uid: call.peer.uid,
    sessions,
    stopping: stop.signal,
    log: { write: (event, fields) => void bugs.push(`${event} ${JSON.stringify(fields)}`) },
    appHandlers: {
      ...appHandlers({
        ...shared,
        sessions,
        engine: { state: () => engine },
        paths: { registry: registry.path, events },
        daemonVersion: "0.1.0",
        schemaVersion: 9,
        uid: call.peer.uid,
      }),
      ...broken,
    },
    legacyHandlers: legacyHandlers({
      ...shared,
      clock,
      daemon: {
        ...{ pid: process.pid, startedAt: clock.now(), startedMonotonic: 0, schemaVersion: 9, version: "0.1.0" },
        socketPath: join(registry.folder, "agenttowerd.sock"),
        statePath: registry.path,
      },
      requestStop: () => undefined,
    }),
  });

  const door: Door = {
    bugs,
    stop,
    async call(method, params) {
      const bytes = Buffer.from(JSON.stringify({ method, params }));
      const { line } = await dispatch.answer({ kind: "line", bytes }, call.link, true);
      const envelope: Envelope = JSON.parse(line);
      check(method, envelope);
      return envelope;
    },
    token: async () => String((await door.call("app.hello", { ephemeral: true })).result?.["app_session_token"]),
  };
  return door;
}
