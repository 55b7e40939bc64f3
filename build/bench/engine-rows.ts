/**
 * Figures that need a real Engine: 20 benches with 3 panes each on a private one. Pane scans cold and over links, the idle
 * daemon, and its memory after many requests.
 */
import { join } from "node:path";
import { benchRootFs } from "../bench-image.ts";
import { EngineApi, engineAtSocket } from "../demo/engine-api.ts";
import { startEngine } from "../engine.ts";
import { hello, Kept, keptLine, lineOf, once, resultOf } from "./client.ts";
import { type EngineFloor, engineFloor } from "./engine-floor.ts";
import { cpuMs, residentMb } from "./process.ts";
import type { Row } from "./row.ts";
import { median, spreadOf, timed } from "./spread.ts";
import { makeHome, startTower, type Tower } from "./tower.ts";

const BENCHES = 20;
const PANES = 3;
const WIDE = BENCHES * PANES;
/** User of the bench image, and where its tmux server listens. */
const USER = "dev";
const TMUX_SOCKET = "/tmp/tmux-1000/default";
const COLD_TURNS = 3;
const LINKED_SCANS = 30;
/** On a busy machine a shell takes its time, and a container whose exec ran late rests for a minute (02 §2). */
const SEEN_MS = 120_000;
const POLL_MS = 100;
const SETTLE_MS = 6_000;
const MIXED_REQUESTS = 20_000;

export type EngineOptions = {
  scan: boolean;
  idle: boolean;
  idleSeconds: number;
  say(words: string): void;
};

export async function engineRows(executable: string, dir: string, options: EngineOptions): Promise<Row[]> {
  options.say(`starting a private Engine with ${BENCHES} benches`);
  const engine = await startEngine();
  try {
    const api = new EngineApi(engineAtSocket(engine.socketPath));
    await api.importImage("bench:latest", await benchRootFs());
    await Promise.all(Array.from({ length: BENCHES }, (_, at) => api.startContainer(nameOf(at), benchSpec())));
    const rows: Row[] = [];
    if (options.scan) rows.push(...(await scanRows(executable, dir, engine.dockerHost, options)));
    if (options.idle) rows.push(...(await idleRows(executable, dir, engine.dockerHost, options)));
    return rows;
  } finally {
    await engine.stop();
  }
}

const nameOf = (at: number) => `bench-${at}`;

/** A bench of three idle shells: two panes in one window, one in another. */
function benchSpec(): object {
  const start = [
    "tmux -f /dev/null new-session -d -s work -x 120 -y 30",
    "tmux split-window -t work",
    "tmux new-window -t work",
    "while :; do sleep 3600; done",
  ].join("; ");
  return {
    Image: "bench:latest",
    User: USER,
    Env: ["LANG=C.UTF-8", "TERM=xterm-256color", "HOME=/home/dev"],
    Cmd: ["bash", "-c", start],
    HostConfig: { NetworkMode: "none" },
  };
}

const CONFIG = (interval: number) => `[containers]\nname_contains = ["bench"]\nscan_interval_seconds = ${interval}\n`;

/** Scans both kinds until all panes are there. */
async function seeAll(tower: Tower): Promise<void> {
  const until = performance.now() + SEEN_MS;
  for (;;) {
    resultOf(await once(tower.socket, lineOf("scan_containers")));
    const scan = resultOf(await once(tower.socket, lineOf("scan_panes")));
    if (scan["panes_seen"] === WIDE) return;
    if (performance.now() > until) throw new Error(`only ${scan["panes_seen"]} of ${WIDE} panes came`);
    await Bun.sleep(POLL_MS);
  }
}

async function scanRows(executable: string, dir: string, engine: string, options: EngineOptions): Promise<Row[]> {
  const home = await makeHome(executable, join(dir, "scan"), { engine, config: CONFIG(0) });
  options.say("pane scan: all panes once, so that every shell is up");
  const first = await startTower(executable, home);
  await seeAll(first);
  await first.stop();

  options.say("pane scan: floors");
  const floor = await engineFloor(
    engine,
    Array.from({ length: BENCHES }, (_, at) => nameOf(at)),
    USER,
    TMUX_SOCKET,
  );

  options.say("pane scan: cold");
  const cold: number[] = [];
  for (let turn = 0; turn < COLD_TURNS; turn++) {
    const tower = await startTower(executable, home);
    resultOf(await once(tower.socket, lineOf("scan_containers")));
    cold.push(await timed(() => scanPanes(tower)));
    await tower.stop();
  }

  options.say("pane scan: links open");
  const tower = await startTower(executable, home);
  await seeAll(tower);
  await linksOpen(tower, floor.execMs);
  const linked = [];
  for (let scan = 0; scan < LINKED_SCANS; scan++) linked.push(await timed(() => scanPanes(tower)));
  await tower.stop();
  return [linkedRow(linked, floor), coldRow(cold, floor)];
}

/** A scan over links is far below one exec; the first whole one of that kind says that all are open. */
async function linksOpen(tower: Tower, execMs: number): Promise<void> {
  const until = performance.now() + SEEN_MS;
  for (;;) {
    let seen: unknown;
    const ms = await timed(async () => {
      seen = resultOf(await once(tower.socket, lineOf("scan_panes")))["panes_seen"];
    });
    if (seen === WIDE && ms < execMs) return;
    if (performance.now() > until)
      throw new Error(`links do not help: a scan of ${seen} panes takes ${ms.toFixed(0)} ms`);
    await Bun.sleep(POLL_MS);
  }
}

async function scanPanes(tower: Tower): Promise<void> {
  const scan = resultOf(await once(tower.socket, lineOf("scan_panes")));
  if (scan["panes_seen"] !== WIDE) throw new Error(`${scan["panes_seen"]} of ${WIDE} panes seen`);
}

function linkedRow(times: number[], floor: EngineFloor): Row {
  const spread = spreadOf(times);
  return {
    group: "scan",
    what: `pane scan, ${BENCHES} benches × ${PANES} panes, links open, p50`,
    value: spread.p50,
    unit: "ms",
    floor: { what: `${BENCHES} × one tmux command over a link`, value: floor.linkMs * BENCHES, unit: "ms" },
    target: "≤ 50 ms",
    reached: spread.p50 <= 50,
    note: `p95 ${spread.p95.toFixed(1)} ms, worst of ${spread.n} ${spread.worst.toFixed(1)} ms`,
  };
}

function coldRow(times: number[], floor: EngineFloor): Row {
  return {
    group: "scan",
    what: `pane scan, ${BENCHES} benches × ${PANES} panes, cold`,
    value: median(times),
    unit: "ms",
    floor: { what: "one exec", value: floor.execMs, unit: "ms" },
    target: "≤ 1500 ms",
    reached: median(times) <= 1500,
    note: `median of ${times.length}, worst ${Math.max(...times).toFixed(0)} ms; 8 execs at a time ${floor.eightExecsMs.toFixed(0)} ms`,
  };
}

async function idleRows(executable: string, dir: string, engine: string, options: EngineOptions): Promise<Row[]> {
  const home = await makeHome(executable, join(dir, "idle"), { engine, config: CONFIG(5) });
  const tower = await startTower(executable, home);
  try {
    await seeAll(tower);
    await Bun.sleep(SETTLE_MS);
    options.say(`idle for ${options.idleSeconds} s`);
    const [cpuBefore, from] = [cpuMs(tower.pid), performance.now()];
    const rssBefore = residentMb(tower.pid);
    await Bun.sleep(options.idleSeconds * 1000);
    const percent = ((cpuMs(tower.pid) - cpuBefore) / (performance.now() - from)) * 100;
    const rss = residentMb(tower.pid);
    options.say(`${MIXED_REQUESTS} mixed requests, twice`);
    await mixedRequests(tower, MIXED_REQUESTS);
    const afterOnce = residentMb(tower.pid);
    await mixedRequests(tower, MIXED_REQUESTS);
    const afterTwice = residentMb(tower.pid);
    const common = { group: "idle", floor: null } as const;
    return [
      {
        ...common,
        what: `idle daemon, ${BENCHES} benches, ${WIDE} panes, processor`,
        value: percent,
        unit: "%",
        target: "≤ 0.3 % of one core",
        reached: percent <= 0.3,
        note: `over ${options.idleSeconds} s`,
      },
      {
        ...common,
        what: "idle daemon, resident",
        value: rss,
        unit: "MB",
        target: "≤ 64 MB",
        reached: rss <= 64,
        note: `${rssBefore.toFixed(1)} MB at the start of the window`,
      },
      {
        ...common,
        what: `resident after ${MIXED_REQUESTS} mixed requests`,
        value: afterOnce,
        unit: "MB",
        target: "≤ 96 MB",
        reached: afterOnce <= 96,
        note: `${afterTwice.toFixed(1)} MB after as many again`,
      },
    ];
  } finally {
    await tower.stop();
  }
}

/** Reads of every kind, on a kept connection and, every tenth, on one of its own. */
async function mixedRequests(tower: Tower, count: number): Promise<void> {
  const kept = await Kept.open(tower.socket);
  const app_session_token = await hello(kept);
  const requests: [string, object][] = [
    ["ping", {}],
    ["status", {}],
    ["list_containers", {}],
    ["list_panes", { active_only: true }],
    ["app.readiness", { app_session_token }],
    ["app.dashboard", { app_session_token }],
    ["app.container.list", { app_session_token }],
    ["app.pane.list", { app_session_token, order_by: "last_seen_at:desc" }],
    ["app.pane.list", { app_session_token, filters: { registered: false }, limit: 7 }],
  ];
  for (let at = 0; at < count; at++) {
    const [method, params] = requests[at % requests.length] ?? ["ping", {}];
    if (at % 10 === 0) await once(tower.socket, lineOf(method, params));
    else await kept.request(keptLine(method, params));
  }
  kept.close();
}
