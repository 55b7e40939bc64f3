/** Discovery as the rest of the daemon sees it (02): scans on request, app scans, and the background. */
import { type Bench, BenchFault } from "../base/bench.ts";
import type { Clock } from "../base/clock.ts";
import type { Engine } from "../base/engine.ts";
import { isContainerId, uuid } from "../base/ids.ts";
import { message } from "../base/text.ts";
import type { ContainerScanResult, PaneScanResult } from "../contract/scans.ts";
import { containerIdsNamed } from "../store/containers.ts";
import type { Store } from "../store/open.ts";
import { newestPaneScan, pruneScans } from "../store/scans.ts";
import { createBackground } from "./background.ts";
import type { DaemonUser } from "./bench-user.ts";
import { listByRule } from "./container-look.ts";
import { type ContainerScanDone, scanContainers } from "./container-scan.ts";
import { rebuildDegradedScan } from "./degraded.ts";
import { createEngineWatch } from "./engine-watch.ts";
import { engineCode } from "./failure-codes.ts";
import { createGoneServers } from "./gone-servers.ts";
import { createScanJobs, type ScanJobs } from "./jobs.ts";
import { createLinks } from "./links.ts";
import { createListings, type Freshness } from "./listings.ts";
import { createPaneMemory } from "./pane-memory.ts";
import { type PaneScanDeps, type PaneScanDone, type PaneScanOrder, scanPanes } from "./pane-scan.ts";
import { type Rule, RuleFault, readRule } from "./rule.ts";
import { type LineDeps, type ScanOrigin, tryWrite } from "./scan-lines.ts";
import { createTurns } from "./turns.ts";

export type DiscoveryDeps = LineDeps & {
  store: Store;
  clock: Clock;
  engine: Engine;
  benchOf(containerId: string): Bench;
  /** The whole configuration file; `null` when there is none. May throw. */
  readConfigText(): string | null;
  /** Id of the host bench (00 §7). */
  hostId: string;
  /** Those of the configured sockets of the host that are there, as absolute paths. */
  hostSockets(configured: readonly string[]): readonly string[];
  daemonUser: DaemonUser;
  daemonUid: number;
  /** False: tmux is always asked by programs of their own (05 §11, `transport = "exec"`). */
  useLinks: boolean;
};

export type Discovery = {
  /** @throws Fault with a code of 02 §3.5 */
  scanContainers(): Promise<ContainerScanResult>;
  /**
   * @param scope full id in either case, or exact name; `null`: all benches
   * @throws Fault `docker_unavailable`
   */
  scanPanes(scope: string | null): Promise<PaneScanResult>;
  jobs: ScanJobs;
  /** Works until the signal aborts (02 §11). */
  runBackground(signal: AbortSignal): Promise<void>;
  /** Running containers that the name rule left out, as the last look at the list says. */
  ignoredNames(): number;
  /** Closes links and event stream; scans that run come to their end. */
  stop(): void;
};

/** Also prunes scan history and makes the set of degraded benches anew. */
export function createDiscovery(deps: DiscoveryDeps): Discovery {
  const { store, clock, engine } = deps;
  const memory = createPaneMemory(
    store.write((tx) => {
      pruneScans(tx);
      rebuildDegradedScan(tx);
      return newestPaneScan(tx);
    }),
  );
  const turns = { containers: createTurns(), panes: createTurns() };
  let rule: Rule | null = null;
  let ignored = 0;
  /** Opening links goes on beside the scans, one round at a time. */
  let opening: Promise<void> = Promise.resolve();

  const onBug = (error: unknown): void => {
    tryWrite(() =>
      deps.log.write("worker_fault", {
        worker: "discovery",
        code: "internal_error",
        error: error instanceof Error ? error.name : "error",
        error_message: message(String(error)),
      }),
    );
  };

  const currentRule = (): Rule => {
    rule = readRule(deps.readConfigText);
    background.setInterval(rule.scanIntervalSeconds);
    return rule;
  };

  const watch = createEngineWatch(
    engine,
    clock,
    (event) => {
      if (!("containerId" in event)) {
        if (event.action === "opened") background.engineChanged();
        return;
      }
      listings.drop(event.containerId, event.action === "exec_foreign");
      if (event.action !== "exec_foreign") background.engineChanged();
    },
    onBug,
  );
  const links = createLinks(deps.benchOf, clock, {
    onChange: (containerId) => background.serverChanged(containerId),
    onLost(containerId) {
      listings.drop(containerId);
      background.engineChanged();
      background.serverChanged(containerId);
    },
    onAny: (isAny) => watch.want("links", isAny),
    onBug,
  });
  const listings = createListings(clock, watch.liveSince, links.isLinked);

  const paneDeps: PaneScanDeps = {
    ...deps,
    links,
    listings,
    gone: createGoneServers(),
    hostSockets() {
      const { hostSockets } = rule ?? currentRule();
      return hostSockets === null ? [] : deps.hostSockets(hostSockets);
    },
  };

  const containers = (scanId: string, origin: ScanOrigin): Promise<ContainerScanDone> =>
    turns.containers.take(origin, async () => {
      const done = await scanContainers({ ...deps, readRule: currentRule }, scanId, origin);
      ignored = done.ignoredCount;
      return done;
    });

  const panes = (order: Omit<PaneScanOrder, "isNews" | "remember">): Promise<PaneScanDone> =>
    turns.panes.take(order.origin, async () => {
      const done = await scanPanes(paneDeps, {
        ...order,
        isNews: (verdict, seen) => memory.isNews(order.ids === null, verdict, seen),
        remember: (verdict, seen) => memory.remember(order.ids === null, verdict, seen),
      });
      if (deps.useLinks) opening = opening.then(() => links.open(done.reached));
      return done;
    });

  const requestedPanes = async (scanId: string, scope: string | null): Promise<PaneScanResult> => {
    const ids = scope === null ? null : idsOf(store, scope);
    const freshness: Freshness = scope === null ? "requested" : "anew";
    return (await panes({ scanId, origin: "requested", ids, filter: scope, freshness })).result;
  };

  const background = createBackground({
    clock,
    async lightPass() {
      try {
        const { matched, ignored: others } = await listByRule(engine, currentRule());
        ignored = others.length;
        const states = matched.map(({ id, names, status }) => [id, [...names].sort(), stateOf(status)]);
        return JSON.stringify([rule?.hostSockets ?? null, states.sort()]);
      } catch (error) {
        // The container scan that follows says what it is.
        if (error instanceof RuleFault) return `config_invalid ${error.message}`;
        if (error instanceof BenchFault) return `${engineCode(error)} ${JSON.stringify(rule?.hostSockets ?? null)}`;
        throw error;
      }
    },
    async scanContainers() {
      const { changedIds, result } = await containers(uuid(), "background");
      return { changedIds, isPartial: result.status === "degraded" };
    },
    async scanPanes(ids, isAnew) {
      const freshness: Freshness = isAnew ? "anew" : "background";
      const { result, isTurned } = await panes({ scanId: uuid(), origin: "background", ids, filter: null, freshness });
      const serverless = result.containers.filter(({ sockets }) =>
        sockets.some(({ error_code }) => error_code === "tmux_no_server"),
      );
      return { isTurned, serverlessIds: serverless.map(({ container_id }) => container_id) };
    },
    onSwitch(isOn) {
      watch.want("background", isOn);
      links.watch(isOn);
    },
    onBug,
  });

  return {
    scanContainers: async () => (await containers(uuid(), "requested")).result,
    scanPanes: (scope) => requestedPanes(uuid(), scope),
    jobs: createScanJobs(
      {
        containers: async (scanId) => (await containers(scanId, "requested")).result,
        async panes(scanId) {
          const result = await requestedPanes(scanId, null);
          return { ...result, panes_reconciled_inactive: result.panes_reconciled_to_inactive };
        },
      },
      clock,
      onBug,
    ),
    runBackground(signal) {
      try {
        currentRule();
      } catch (error) {
        if (!(error instanceof RuleFault)) throw error;
        // A bad block does not switch the background off: its container scan says `config_invalid`.
        background.setInterval(FALLBACK_INTERVAL_SECONDS);
      }
      return background.run(signal);
    },
    ignoredNames: () => ignored,
    stop() {
      links.stop();
      watch.stop();
    },
  };
}

/** Used while the configuration cannot say. */
const FALLBACK_INTERVAL_SECONDS = 5;

/** The part of the Engine's status text that does not change by itself: `Up 2 hours (Paused)` → `paused`. */
function stateOf(status: string): string {
  if (status.includes("(Paused)")) return "paused";
  return status.split(" ", 1)[0] ?? "";
}

/** 64 hex digits are an id, in either case; anything else is the exact name of any row (02 §8). */
function idsOf(store: Store, scope: string): string[] {
  const id = scope.toLowerCase();
  return isContainerId(id) ? [id] : store.read((tx) => containerIdsNamed(tx, scope));
}
