/**
 * `npm run bench` (00 §5): measures the compiled executable and prints each figure beside its floor of the same run.
 *
 *   --only GROUP   ping, dashboard, hello, lists, start, cli, idle, scan; may be given several times
 *   --quick        a smaller registry and fewer turns, to see that all of it works; its figures prove nothing
 *   --json         JSON on standard output, nothing else; the same goes to build/out/bench.json always
 *   --idle-seconds N   length of the idle window, 60 by default
 *
 * Exit 0 when every target is reached, 1 when one is not, 2 for a usage error.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type EngineOptions, engineRows } from "./bench/engine-rows.ts";
import { type Row, tableOf } from "./bench/row.ts";
import { FULL, QUICK, seed } from "./bench/seed.ts";
import { dashboardRows, type Effort, helloRows, listRows, pingRows } from "./bench/socket-rows.ts";
import { cliRows, startRows } from "./bench/start-rows.ts";
import { makeHome, startServer, startTower } from "./bench/tower.ts";
import { compile } from "./compile.ts";
import { ensureEngine } from "./setup.ts";

const GROUPS = ["ping", "dashboard", "hello", "lists", "start", "cli", "idle", "scan"] as const;
type Group = (typeof GROUPS)[number];

const REGISTRY_GROUPS: readonly Group[] = ["ping", "dashboard", "hello", "lists", "start", "cli"];
/** Background work would share the two processors with the measurement. */
const QUIET = '[containers]\nname_contains = ["bench"]\nscan_interval_seconds = 0\n';

const EFFORT: Effort = { requests: 4000, loadMs: 4000, helloTurns: 100, walks: 5 };
const QUICK_EFFORT: Effort = { requests: 400, loadMs: 500, helloTurns: 100, walks: 2 };

const root = new URL("..", import.meta.url).pathname;

type Options = { groups: ReadonlySet<Group>; quick: boolean; json: boolean; idleSeconds: number };

function readOptions(argv: string[]): Options {
  const { values } = parseArgs({
    args: argv,
    options: {
      only: { type: "string", multiple: true },
      quick: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      "idle-seconds": { type: "string" },
    },
  });
  const groups = (values.only ?? GROUPS).map((word) => {
    const group = GROUPS.find((known) => known === word);
    if (group === undefined) throw new Error(`--only takes one of: ${GROUPS.join(", ")}`);
    return group;
  });
  const idleSeconds = Number(values["idle-seconds"] ?? (values.quick ? 5 : 60));
  if (!(idleSeconds >= 1 && idleSeconds <= 86_400)) throw new Error("--idle-seconds takes a number from 1 to 86400");
  return { groups: new Set(groups), quick: values.quick, json: values.json, idleSeconds };
}

/** The echo server, compiled as the daemon is. */
const compileEcho = () =>
  compile({ entry: new URL("./bench/echo.ts", import.meta.url).pathname, outfile: join(root, "build/out/bench/echo") });

async function registryRows(executable: string, dir: string, options: Options, say: Say): Promise<Row[]> {
  const effort = options.quick ? QUICK_EFFORT : EFFORT;
  const size = options.quick ? QUICK : FULL;
  const wants = (group: Group) => options.groups.has(group);
  const echoFile = await compileEcho();
  const empty = await makeHome(executable, join(dir, "empty"), { config: QUIET });
  const full = await makeHome(executable, join(dir, "full"), { config: QUIET });
  say(`seeding ${size.events} events, ${size.queue} queue rows, ${size.panes} panes, ${size.agents} agents`);
  seed(full.database, size);
  const rows: Row[] = [];
  const echoSocket = join(dir, "echo.sock");
  if (wants("start")) {
    say("start");
    const homes = { empty, full };
    rows.push(
      ...(await startRows(executable, { executable: echoFile, socket: echoSocket }, homes, options.quick ? 3 : 10)),
    );
  }
  const echo = await startServer([echoFile, echoSocket], empty.env, echoSocket);
  const onEmpty = await startTower(executable, empty);
  const onFull = await startTower(executable, full);
  try {
    const measures: [Group, () => Promise<Row[]>][] = [
      ["ping", () => pingRows(onEmpty, echoSocket, effort)],
      ["dashboard", () => dashboardRows(onFull, onEmpty, echoSocket, effort)],
      ["hello", () => helloRows(onFull, echoSocket, effort)],
      ["lists", () => listRows(onFull, echoSocket, effort)],
      ["cli", () => cliRows(executable, echoFile, onFull, options.quick ? 6 : 30)],
    ];
    for (const [group, measure] of measures) {
      if (!wants(group)) continue;
      say(group);
      rows.push(...(await measure()));
    }
  } finally {
    await Promise.all([onEmpty.stop(), onFull.stop(), echo.stop()]);
  }
  return rows;
}

function engineOptions(options: Options, say: Say): EngineOptions {
  const { groups, idleSeconds } = options;
  return { scan: groups.has("scan"), idle: groups.has("idle"), idleSeconds, say };
}

type Say = (words: string) => void;

async function main(options: Options): Promise<number> {
  const from = performance.now();
  const say: Say = (words) => {
    if (!options.json) console.error(`${((performance.now() - from) / 1000).toFixed(1).padStart(6)} s  ${words}`);
  };
  const executable = await compile();
  const load = loadavg()[0] ?? 0;
  if (load > cpus().length / 2)
    say(`load average ${load.toFixed(1)} before the start: absolute times will be too long`);
  const dir = mkdtempSync(join(tmpdir(), "agenttower-bench-"));
  const rows: Row[] = [];
  const leftOut: string[] = [];
  const failed: string[] = [];
  try {
    if (REGISTRY_GROUPS.some((group) => options.groups.has(group))) {
      rows.push(...(await registryRows(executable, dir, options, say)));
    }
    if (options.groups.has("idle") || options.groups.has("scan")) {
      const engine = await ensureEngine();
      if (engine.ok) {
        try {
          rows.push(...(await engineRows(executable, dir, engineOptions(options, say))));
        } catch (error) {
          // The other rows stand; what could not be measured is named and fails the run.
          failed.push(`idle, scan: ${error instanceof Error ? error.message : error}`);
        }
      } else leftOut.push(`idle, scan: no Docker Engine here (${engine.reason})`);
    }
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
  const machine = { cpu: cpus()[0]?.model ?? "", cores: cpus().length, bun: Bun.version, load, quick: options.quick };
  const json = JSON.stringify(
    { measured_at: new Date().toISOString(), machine, rows, left_out: leftOut, failed },
    null,
    2,
  );
  mkdirSync(join(root, "build/out"), { recursive: true });
  writeFileSync(join(root, "build/out/bench.json"), `${json}\n`);
  console.log(options.json ? json : tableOf(rows));
  for (const words of leftOut) console.error(`left out: ${words}`);
  for (const words of failed) console.error(`failed: ${words}`);
  return failed.length === 0 && rows.every((row) => row.reached) ? 0 : 1;
}

let options: Options;
try {
  options = readOptions(Bun.argv.slice(2));
} catch (error) {
  console.error(`error: ${error instanceof Error ? error.message : error}`);
  process.exit(2);
}
process.exit(await main(options));
