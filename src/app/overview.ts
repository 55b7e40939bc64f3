/**
 * `app.readiness` and `app.dashboard` (06 §5): side-effect free, no lock, no scan. Here the facts are read; what they mean is
 * decided in `readiness.ts` and `hints.ts`.
 */
import { accessSync, constants, statSync } from "node:fs";
import { dirname } from "node:path";
import type { DashboardCounts, HintView } from "../contract/views.ts";
import type { EventsFile } from "../journal/events-file.ts";

import { readCounts, readDashboard } from "../store/dashboard.ts";
import { isHostBenchAlone } from "../store/host-bench.ts";
import type { Store } from "../store/open.ts";
import { StoreFault } from "../store/store-error.ts";
import type { AppHandlers } from "../wire/dispatch.ts";
import type { EngineProbe, EngineState } from "./engine-probe.ts";
import { hintsFor } from "./hints.ts";
import { overallState, subsystems } from "./readiness.ts";
import { toRecentEvent, toRecentQueueRow, toRecentRoute } from "./recent.ts";

export type OverviewDeps = {
  store: Pick<Store, "read" | "writeTrouble">;
  engine: EngineProbe;
  discovery: { ignoredNames(): number };
  eventsFile: Pick<EventsFile, "state">;
  paths: { registry: string; events: string };
};

export function overviewHandlers(deps: OverviewDeps) {
  return {
    "app.readiness": async () => {
      const engine = await deps.engine.state();
      const { counts, trouble } = readRegistry(deps);
      const rows = subsystems({
        engine,
        counts,
        registryTrouble: trouble ?? registryFileTrouble(deps.paths.registry),
        registryFailing: deps.store.writeTrouble(),
        eventsTrouble: eventsFileTrouble(deps.paths.events),
        eventsFailing: failingSince(deps.eventsFile),
      });
      return { state: overallState(rows), subsystems: rows, hints: counts ? hints(deps, engine, counts) : [] };
    },

    "app.dashboard": (_call, params) => {
      const engine = deps.engine.state();
      return engine instanceof Promise
        ? engine.then((state) => dashboard(deps, state, params.recent_limit))
        : dashboard(deps, engine, params.recent_limit);
    },
  } satisfies Partial<AppHandlers>;
}

function dashboard(deps: OverviewDeps, engine: EngineState, recentLimit: number) {
  const { counts, recent } = deps.store.read((tx) => readDashboard(tx, recentLimit));
  return {
    counts,
    recent: {
      events: recent.events.map(toRecentEvent),
      queue: recent.queue.map(toRecentQueueRow),
      routes: recent.routes.map(toRecentRoute),
    },
    hints: hints(deps, engine, counts),
  };
}

function hints(deps: OverviewDeps, engine: EngineState, counts: DashboardCounts): HintView[] {
  return hintsFor({
    engineUp: engine.up,
    // Asked only where it decides something.
    hostAlone: engine.up === false && deps.store.read(isHostBenchAlone),
    ignoredNames: deps.discovery.ignoredNames(),
    counts,
  });
}

/** A registry that cannot be read is an answer of readiness, not a failure of it. */
function readRegistry({ store }: OverviewDeps): { counts: DashboardCounts | null; trouble: string | null } {
  try {
    return { counts: store.read(readCounts), trouble: null };
  } catch (error) {
    if (!(error instanceof StoreFault)) throw error;
    return { counts: null, trouble: `the registry cannot be read: ${error.code}` };
  }
}

function registryFileTrouble(path: string): string | null {
  const error = accessError(path);
  return error === null ? null : `the registry file is not writable: ${error}`;
}

function eventsFileTrouble(path: string): string | null {
  const error = accessError(path);
  if (error === null) return statSync(path).isFile() ? null : "the events file is no file";
  if (error !== "ENOENT") return `the events file is not writable: ${error}`;
  const folderError = accessError(dirname(path));
  return folderError === null ? null : `the directory of the events file is not writable: ${folderError}`;
}

/** Name of what keeps us from writing to `path`, or `null`. */
function accessError(path: string): string | null {
  try {
    accessSync(path, constants.W_OK);
    return null;
  } catch (error) {
    return error instanceof Error && "code" in error ? String(error.code) : "unknown";
  }
}

function failingSince(eventsFile: Pick<EventsFile, "state">): string | null {
  const { degraded, errorClass } = eventsFile.state();
  return degraded ? (errorClass ?? "unknown") : null;
}
