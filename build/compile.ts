/**
 * `npm run build`: makes `build/out/agenttower`, the one executable, and the symbolic link `agenttowerd` beside it (00 §1).
 * Tests, demo and benchmark import `compile()`; it does nothing when nothing changed.
 */
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { Glob } from "bun";
import { stubUnused } from "./stubs.ts";

const ROOT = new URL("..", import.meta.url).pathname;
const OUT = join(ROOT, "build/out");

export type CompileOptions = {
  /** Entry file; `src/main.ts` by default. */
  entry?: string;
  /** Path of the executable; `build/out/agenttower` by default. */
  outfile?: string;
};

/**
 * Compiles the executable for this machine.
 * @returns its absolute path
 * @throws with the bundler's messages when it does not compile
 */
export async function compile(options: CompileOptions = {}): Promise<string> {
  const entry = options.entry ?? join(ROOT, "src/main.ts");
  const outfile = options.outfile ?? join(OUT, "agenttower");
  const stampFile = `${outfile}.stamp`;
  const stamp = await fingerprint(entry);
  mkdirSync(join(outfile, ".."), { recursive: true });
  if (!existsSync(outfile) || read(stampFile) !== stamp) {
    await build(entry, outfile);
    writeFileSync(stampFile, stamp);
  }
  const daemonName = `${outfile}d`;
  if (!lstatSync(daemonName, { throwIfNoEntry: false })?.isSymbolicLink()) {
    rmSync(daemonName, { force: true });
    symlinkSync(outfile.slice(outfile.lastIndexOf("/") + 1), daemonName);
  }
  return outfile;
}

/** Builds beside the old file and moves over it: one that runs keeps running, and no one ever sees a half. */
async function build(entry: string, outfile: string): Promise<void> {
  const half = `${outfile}.${process.pid}`;
  try {
    try {
      await bundle(entry, half, runtime());
    } catch (error) {
      if (!isRuntimeMissing(error)) throw error;
      console.error(`The runtime ${runtime()} cannot be had (${String(error)}); taking that of this Bun.`);
      await bundle(entry, half, undefined);
    }
    renameSync(half, outfile);
  } finally {
    rmSync(half, { force: true });
  }
}

async function bundle(entry: string, outfile: string, target: Bun.Build.CompileTarget | undefined): Promise<void> {
  const built = await Bun.build({
    entrypoints: [entry],
    // Without the two switches the program would take `.env` values from, and run a preload of, whatever folder it starts in.
    compile: { outfile, autoloadDotenv: false, autoloadBunfig: false, ...(target === undefined ? {} : { target }) },
    minify: true,
    bytecode: true,
    format: "esm",
    splitting: true,
    plugins: [stubUnused],
    throw: false,
  });
  if (!built.success) throw new Error(built.logs.map(String).join("\n") || "the bundler gave no reason");
}

/** On x64 the baseline runtime, which older processors run as well; elsewhere this Bun's own. */
function runtime(): Bun.Build.CompileTarget | undefined {
  if (process.arch !== "x64" || process.platform !== "linux") return undefined;
  return existsSync("/etc/alpine-release") ? "bun-linux-x64-baseline-musl" : "bun-linux-x64-baseline";
}

function isRuntimeMissing(error: unknown): boolean {
  return /download|fetch|extract|target/i.test(String(error));
}

/** One hash over all that goes in: sources, packages, recipe, Bun. */
async function fingerprint(entry: string): Promise<string> {
  const hash = new Bun.CryptoHasher("sha256");
  const add = (name: string, bytes: Uint8Array | string) => hash.update(`${name}\0${bytes.length}\0`).update(bytes);
  const sources = (await Array.fromAsync(new Glob("src/**/*").scan({ cwd: ROOT, onlyFiles: true }))).sort();
  for (const name of [...sources, "package.json", "bun.lock", "build/compile.ts", "build/stubs.ts"]) {
    add(name, readFileSync(join(ROOT, name)));
  }
  add(entry, readFileSync(entry));
  add("bun", Bun.revision);
  return hash.digest("hex");
}

function read(file: string): string | null {
  return existsSync(file) ? readFileSync(file, "utf8") : null;
}

if (import.meta.main) console.log(await compile());
