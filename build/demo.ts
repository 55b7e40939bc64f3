/**
 * `npm run demo` (00 §3): sets everything up, shows the main job on benches of its own, and says how to look around.
 *
 *   --down             removes all of it again
 *   --host             shows it on this machine's tmux, also where a Docker Engine answers
 *   --home DIR         the demo's folder; build/out/demo by default
 *   --executable FILE  an `agenttower` that is compiled already
 *
 * Works as often as one likes: a run first removes what an earlier one left. Nothing of the user's is touched: containers,
 * image, tmux server, daemon and state are the demo's own. Exit 0, 1 when something is missing or fails, 2 for a usage error.
 */
import { writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { compile } from "./compile.ts";
import { AGENTS } from "./demo/agents.ts";
import { takeDown } from "./demo/down.ts";
import { createHome, type DemoHome, demoHome, readRecord, writeRecord } from "./demo/home.ts";
import { type Stage, setStage } from "./demo/stage.ts";
import { containerTable, countsTable, heading, hintList, paneTable, step } from "./demo/tell.ts";
import { towerOf } from "./demo/tower.ts";

const root = new URL("..", import.meta.url).pathname;

type Options = { down: boolean; host: boolean; home: string; executable: string | null };

function readOptions(argv: string[]): Options {
  const { values } = parseArgs({
    args: argv,
    options: {
      down: { type: "boolean", default: false },
      host: { type: "boolean", default: false },
      home: { type: "string", default: `${root}build/out/demo` },
      executable: { type: "string" },
    },
  });
  const executable = values.executable === undefined ? null : resolve(values.executable);
  return { down: values.down, host: values.host, home: values.home, executable };
}

async function down(home: DemoHome): Promise<void> {
  const record = readRecord(home);
  if (record === null) console.log(`Nothing to remove: ${home.dir} is not there.`);
  else for (const what of await takeDown(home, record)) console.log(`  removed     ${what}`);
}

async function up(options: Options, home: DemoHome): Promise<void> {
  console.log("AgentTower demo\n");
  const left = readRecord(home);
  if (left !== null) {
    await step(
      "clean up",
      () => takeDown(home, left),
      () => "what the last run left is gone",
    );
  }
  const record = createHome(home);
  const executable = await step(
    "compile",
    async () => options.executable ?? (await compile()),
    (file) => file,
  );
  const stage = await step(
    "benches",
    () => setStage(home, record, options.host),
    (set) => set.said,
  );
  const tower = towerOf(executable, home, stage.daemonEnv);
  record.executable = executable;
  writeRecord(home, record);
  await step(
    "configure",
    async () => {
      await tower.run(["config", "init"]);
      writeFileSync(home.configFile, stage.config, { mode: 0o600 });
    },
    () => home.configFile,
  );
  await step(
    "daemon",
    () => tower.start(),
    (ready) => `runs, pid ${ready.pid}`,
  );
  await step(
    "scan",
    () => tower.findPanes(AGENTS.length),
    (scan) => `${scan.panes_seen} panes on ${several(scan.sockets_scanned, "tmux server")}`,
  );

  heading("Benches, as app.container.list answers");
  containerTable(await tower.containers());
  heading("Panes, as app.pane.list answers");
  paneTable(await tower.panes());
  heading("Dashboard, as app.dashboard answers");
  const dashboard = await tower.dashboard();
  countsTable(dashboard.counts);
  hintList(dashboard.hints);
  lookAround(executable, home, stage);
}

function several(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}

function lookAround(executable: string, home: DemoHome, stage: Stage): void {
  heading("Look around");
  for (const [name, value] of Object.entries(home.env)) console.log(`  export ${name}=${quoted(value)}`);
  console.log(`  alias agenttower=${quoted(executable)}`);
  console.log("  agenttower status");
  console.log("  agenttower list-panes");
  console.log("  agenttower app call app.dashboard --pretty");
  for (const line of stage.attach) console.log(`  ${line}`);
  heading("Remove all of it");
  console.log(
    home.dir === demoHome(`${root}build/out/demo`).dir
      ? "  npm run demo -- --down"
      : `  npm run demo -- --down --home ${quoted(home.dir)}`,
  );
}

/** Fit for a shell line. */
function quoted(text: string): string {
  return /^[\w/.:@%+=-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

let options: Options;
try {
  options = readOptions(Bun.argv.slice(2));
} catch (error) {
  console.error(`error: ${error instanceof Error ? error.message : error}`);
  process.exit(2);
}
try {
  const home = demoHome(options.home);
  await (options.down ? down(home) : up(options, home));
} catch (error) {
  console.error(`\nerror: ${error instanceof Error ? error.message : error}`);
  process.exit(1);
}
