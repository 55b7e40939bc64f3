/**
 * The six rows of `app.readiness` and the state they add up to (06 §5). Decided from facts; who reads the facts is
 * `overview.ts`.
 */
import { characters, clean, cut } from "../base/text.ts";
import type { DashboardCounts, SubsystemView } from "../contract/views.ts";
import type { EngineState } from "./engine-probe.ts";

/** Longest reason, in characters; longer ones end in `...`. */
const REASON_CHARACTERS = 512;

export type ReadinessFacts = {
  engine: EngineState;
  /** `null`: the registry could not be read. */
  counts: DashboardCounts | null;
  /** `null` when the registry answers and its file is writable, else why not. */
  registryTrouble: string | null;
  /** SQLite's name for what the last write to the registry failed with, while none has succeeded since. */
  registryFailing: string | null;
  /** `null` when the events file or its directory is there and writable, else why not. */
  eventsTrouble: string | null;
  /** Class of the last failed append, while none has succeeded since. */
  eventsFailing: string | null;
};

type Verdict = Omit<SubsystemView, "name">;

const OK: Verdict = { status: "ok", reason: "", hint: null };

const unavailable = (reason: string, hint: string | null = null): Verdict => ({
  status: "unavailable",
  reason: oneLine(reason),
  hint,
});
const degraded = (reason: string, hint: string | null = null): Verdict => ({
  status: "degraded",
  reason: oneLine(reason),
  hint,
});

const UNREADABLE = unavailable("the registry cannot be read");

/** All rows, always in this order. */
export function subsystems(facts: ReadinessFacts): SubsystemView[] {
  return [
    { name: "docker", ...docker(facts.engine) },
    { name: "tmux_discovery", ...tmuxDiscovery(facts.counts) },
    { name: "sqlite", ...sqlite(facts) },
    { name: "jsonl", ...jsonl(facts) },
    { name: "routing_worker", ...routingWorker(facts.counts) },
    { name: "log_attachment_workers", ...logWorkers(facts.counts) },
  ];
}

/** What the rows add up to. */
export function overallState(rows: readonly SubsystemView[]): "ready" | "degraded" | "unavailable" {
  if (rows.every((row) => row.status === "ok")) return "ready";
  return rows.every((row) => row.status === "unavailable") ? "unavailable" : "degraded";
}

function docker(engine: EngineState): Verdict {
  if (engine.up) return OK;
  return unavailable(engine.reason, "start the Docker Engine, or check that this user may use it");
}

function tmuxDiscovery(counts: DashboardCounts | null): Verdict {
  if (!counts) return UNREADABLE;
  const { active: well, degraded_scan: troubled } = counts.containers;
  if (troubled === 0) return OK;
  const reason = `the newest pane scan did not end well in ${troubled} of ${well + troubled} active benches`;
  const hint = "app.scan.panes tells what failed in each bench";
  return well === 0 ? unavailable(reason, hint) : degraded(reason, hint);
}

function sqlite({ registryTrouble, registryFailing }: ReadinessFacts): Verdict {
  const hint = "check space and permissions of the state directory";
  if (registryTrouble !== null) return unavailable(registryTrouble, hint);
  return registryFailing === null ? OK : degraded(`last write to the registry failed: ${registryFailing}`, hint);
}

function jsonl({ eventsTrouble, eventsFailing }: ReadinessFacts): Verdict {
  const hint = "check space and permissions of the events file";
  if (eventsTrouble !== null) return unavailable(eventsTrouble, hint);
  return eventsFailing === null ? OK : degraded(`last append to the events file failed: ${eventsFailing}`, hint);
}

/** This build has no routing worker: that is no trouble as long as there is nothing that it would carry. */
function routingWorker(counts: DashboardCounts | null): Verdict {
  if (!counts) return UNREADABLE;
  const { routes, queue } = counts;
  return routes.enabled === 0 && queue.queued === 0 ? OK : unavailable("routing worker stopped");
}

/** This build has no log readers: that is no trouble as long as no log is attached. */
function logWorkers(counts: DashboardCounts | null): Verdict {
  if (!counts) return UNREADABLE;
  const logs = counts.log_attachments;
  return logs.active + logs.degraded === 0 ? OK : unavailable("log readers stopped");
}

function oneLine(text: string): string {
  const line = clean(text).trim();
  return characters(line) <= REASON_CHARACTERS ? line : `${cut(line, REASON_CHARACTERS - 3)}...`;
}
