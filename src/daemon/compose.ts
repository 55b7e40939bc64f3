/** The one place that builds the real things and joins them; the order of their life is `lifecycle.ts`. */
import { existsSync, readFileSync } from "node:fs";
import { hostname } from "node:os";
import { createEngineProbe } from "../app/engine-probe.ts";
import { appHandlers } from "../app/handlers.ts";
import type { Clock } from "../base/clock.ts";
import { VERSION } from "../base/version.ts";
import type { DaemonConfig } from "../config/daemon-config.ts";
import type { Env, Paths } from "../config/paths.ts";
import { SHUTDOWN_GRACE_MS } from "../contract/limits.ts";
import { createDiscovery } from "../discovery/service.ts";
import { openDocker } from "../docker/open.ts";
import { hostBench } from "../host/bench.ts";
import { hostBenchId } from "../host/identity.ts";
import { hostSockets } from "../host/sockets.ts";
import type { DaemonLog } from "../journal/daemon-log.ts";
import { type EventsFile, openEventsFile } from "../journal/events-file.ts";
import { legacyHandlers } from "../legacy/handlers.ts";
import { openStore, readSchemaVersion, type Store } from "../store/open.ts";
import { StoreOpenError } from "../store/store-error.ts";
import { createDispatch } from "../wire/dispatch.ts";
import { processAlive } from "../wire/host-proof.ts";
import { createPeerOf } from "../wire/peer.ts";
import { type Server, startServer } from "../wire/server.ts";
import { createSessions } from "../wire/sessions.ts";
import { readStartConfig } from "./configuration.ts";
import { runFootprint } from "./footprint.ts";
import { type Services, story } from "./lifecycle.ts";
import { StartFailure } from "./start-failure.ts";
import type { SteadyLog } from "./steady-log.ts";
import type { StopRequest } from "./stop-request.ts";

/** How long a stopping daemon waits for its background scan. */
const BACKGROUND_END_MS = 250;

/** What everything else stands on: open files, and the configuration of this life. */
export type Base = { config: DaemonConfig; store: Store; schemaVersion: number; eventsFile: EventsFile };

export type BaseDeps = { paths: Paths; clock: Clock; log: DaemonLog; tell(line: string): void };

/**
 * Configuration, registry (migrated), events file. The caller holds the lock.
 * @throws StartFailure
 */
export function openBase({ paths, clock, log, tell }: BaseDeps): Base {
  const config = readStartConfig(paths.configFile, log, tell);
  try {
    const store = openStore(paths.stateDb, clock, { migrate: true });
    const schemaVersion = readSchemaVersion(paths.stateDb);
    return { config, store, schemaVersion, eventsFile: openEventsFile(paths.eventsFile, clock) };
  } catch (error) {
    if (error instanceof StoreOpenError) throw registryFailure(paths, error);
    throw error;
  }
}

/** The line for a registry that cannot be opened (01 §7). */
export function registryFailure(paths: Paths, error: StoreOpenError): StartFailure {
  if (error.reason === "schema_version row missing") {
    return new StartFailure(1, `agenttower is not initialized: schema_version row missing in ${paths.stateDb}`);
  }
  return new StartFailure(1, error.message);
}

export async function closeBase(base: Base): Promise<void> {
  await base.eventsFile.close();
  base.store.close();
}

export type ServicesDeps = {
  paths: Paths;
  clock: Clock;
  log: SteadyLog;
  base: Base;
  stop: StopRequest;
  /** The daemon's environment, as it was at its start. */
  env: Env;
};

/** Discovery, handlers and the door over them; nothing is bound yet. */
export function buildServices({ paths, clock, log, base, stop, env }: ServicesDeps): Services {
  const { store, eventsFile, schemaVersion, config } = base;
  const uid = process.geteuid?.() ?? -1;
  const docker = openDocker(env, clock);
  const host = hostBench(env, clock);
  const hostId = hostBenchId({ machineIdFile: "/etc/machine-id", hostName: hostname(), uid });

  const discovery = createDiscovery({
    log: log.strict,
    events: eventsFile,
    store,
    clock,
    engine: docker.engine,
    benchOf: (containerId) => (containerId === hostId ? host : docker.bench),
    readConfigText: () => (existsSync(paths.configFile) ? readFileSync(paths.configFile, "utf8") : null),
    hostId,
    hostSockets: (configured) =>
      hostSockets(configured, uid, env["TMUX_TMPDIR"])
        .filter(({ present }) => present)
        .map(({ path }) => path),
    daemonUser: { name: env["USER"] ?? "", passwdName: passwdName(uid) },
    daemonUid: uid,
    useLinks: config.routing.transport !== "exec",
  });

  const stopping = new AbortController();
  const sessions = createSessions(processAlive);
  const dispatch = createDispatch({
    uid,
    sessions,
    stopping: stopping.signal,
    log,
    appHandlers: appHandlers({
      sessions,
      daemonVersion: VERSION,
      schemaVersion,
      uid,
      store,
      engine: createEngineProbe(docker.engine, clock),
      discovery,
      eventsFile,
      paths: { registry: paths.stateDb, events: paths.eventsFile },
    }),
    legacyHandlers: legacyHandlers({
      clock,
      store,
      eventsFile,
      discovery,
      daemon: {
        pid: process.pid,
        startedAt: clock.now(),
        startedMonotonic: clock.monotonic(),
        socketPath: paths.socket,
        statePath: paths.stateDir,
        schemaVersion,
        version: VERSION,
      },
      requestStop: (peerPid) => stop.request({ trigger: "api", peer_pid: peerPid }),
    }),
  });

  let server: Server | null = null;
  let background: Promise<void> = Promise.resolve();
  return {
    async serve() {
      const { signal } = stopping;
      server = startServer({ socketPath: paths.socket, dispatch, peerOf: createPeerOf(), clock, stopping: signal });
      background = discovery.runBackground(signal).catch((error: unknown) => {
        if (signal.aborted) return;
        log.write("worker_fault", { worker: "discovery", code: "internal_error", error_message: story(error) });
      });
      void runFootprint(clock, signal, (reason) => {
        log.write("worker_fault", { worker: "daemon", code: "internal_error", error_message: reason });
      });
    },
    async stopServing() {
      server?.closeListener();
      stopping.abort();
      await server?.drain(SHUTDOWN_GRACE_MS);
    },
    async close() {
      stopping.abort();
      discovery.stop();
      // A hanging Engine may hold a scan for seconds; each of its rows is written whole or not at all, so it may be left.
      const patience = new AbortController();
      await Promise.race([background, clock.sleep(BACKGROUND_END_MS, patience.signal).catch(() => undefined)]);
      patience.abort();
    },
  };
}

/** Name of a uid in the password file, empty when it has none; the runtime's own look-up believes the environment. */
function passwdName(uid: number): string {
  if (!existsSync("/etc/passwd")) return "";
  const lines = readFileSync("/etc/passwd", "utf8").split("\n");
  return lines.map((line) => line.split(":")).find((fields) => fields[2] === String(uid))?.[0] ?? "";
}
