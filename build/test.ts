/**
 * `npm test`: everything that must hold, in one command. Sets up what is missing, then type check, lint, dead code and all tests.
 * Where no Docker Engine can be had, the end-to-end files that need one are named and left out; with `CI` set that is a failure
 * (00 §3).
 */
import { Glob } from "bun";
import { compile } from "./compile.ts";
import { ensureEngine, ensureTmux } from "./setup.ts";

const root = new URL("..", import.meta.url).pathname;
const bun = process.execPath;
/** One test of the whole suite may take this long; waits inside tests have their own, shorter limits. */
const TEST_TIMEOUT_MS = 120_000;

type Step = { name: string; argv: string[] };

const STEPS: Step[] = [
  { name: "type check", argv: [`${root}node_modules/.bin/tsc`] },
  { name: "lint", argv: [`${root}node_modules/.bin/biome`, "ci"] },
  { name: "dead code", argv: [bun, "x", "knip"] },
];

async function run(step: Step): Promise<boolean> {
  console.log(`\n── ${step.name}`);
  const child = Bun.spawn(step.argv, { cwd: root, stdio: ["ignore", "inherit", "inherit"] });
  return (await child.exited) === 0;
}

/** Test files, and those among them that cannot run without a Docker Engine: they import the Engine of `test/support`. */
async function testFiles(): Promise<{ all: string[]; needEngine: string[] }> {
  const all = (await Array.fromAsync(new Glob("test/**/*.test.ts").scan(root))).sort();
  const needEngine: string[] = [];
  for (const file of all) {
    if (/support\/engine\.ts"/.test(await Bun.file(root + file).text())) needEngine.push(file);
  }
  return { all, needEngine };
}

/** Runs the files in one process, copies its output and counts. */
async function runTests(files: string[]): Promise<{ passed: number; failed: number; ok: boolean }> {
  const argv = [bun, "test", `--timeout=${TEST_TIMEOUT_MS}`, ...files.map((file) => `./${file}`)];
  const child = Bun.spawn(argv, { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
  let tail = "";
  const copy = async (from: ReadableStream<Uint8Array>, to: NodeJS.WriteStream) => {
    const decoder = new TextDecoder();
    for await (const chunk of from) {
      to.write(chunk);
      tail = (tail + decoder.decode(chunk, { stream: true })).slice(-4000);
    }
  };
  await Promise.all([copy(child.stdout, process.stdout), copy(child.stderr, process.stderr)]);
  const count = (word: string) => Number(new RegExp(`^\\s*(\\d+) ${word}$`, "m").exec(tail)?.[1] ?? 0);
  return { passed: count("pass"), failed: count("fail"), ok: (await child.exited) === 0 };
}

const failures: string[] = [];
const tmux = await ensureTmux();
const engine = await ensureEngine();
await compile();
for (const step of STEPS) if (!(await run(step))) failures.push(step.name);

const { all, needEngine } = await testFiles();
const left = engine.ok ? [] : needEngine;
console.log("\n── tests");
const result = await runTests(all.filter((file) => !left.includes(file)));
if (!result.ok) failures.push("tests");

if (!tmux.ok) failures.push(`tmux: ${tmux.reason}`);
if (!engine.ok) {
  console.error(`\n!! No Docker Engine here (${engine.reason}). These files did NOT run:`);
  for (const file of left) console.error(`!!   ${file}`);
  if (process.env["CI"]) failures.push("end-to-end tests did not run");
}
for (const failure of failures) console.error(`failed: ${failure}`);
console.log(`\n${result.passed} passed, ${result.failed} failed`);
process.exit(failures.length === 0 ? 0 : 1);
