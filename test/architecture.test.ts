/** Holds the house: rooms and the direction of imports, who may touch what, and what must appear nowhere. */
import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { Glob } from "bun";

const root = new URL("..", import.meta.url).pathname;

/** Lines from the top; a room sees the lines below its own. */
const LINES = [
  ["main"],
  ["cli", "daemon"],
  ["app", "legacy"],
  ["audit", "discovery", "agents", "logs", "events", "queue", "routes"],
  ["store", "journal", "docker", "host", "tmux", "wire", "config"],
  ["contract"],
  ["base"],
];
/** In this line a room also sees those to its left; in every other line rooms do not know each other. */
const DOMAIN = LINES[3] ?? [];

/** `cli` is the thin client that runs inside containers too: of the lower rooms it sees these alone. */
const SEEN_BY_CLI = [/^base\//, /^contract\//, /^config\//, /^wire\/(client|transport)\.ts$/, /^cli\//];

/** Imports against the table, all of them lazy: the commands that are, make or look for the daemon of this machine. */
const EXCEPTIONS: Record<string, readonly string[]> = {
  "cli/agenttowerd.ts": ["daemon/foreground.ts"],
  "cli/commands/daemon.ts": ["daemon/foreground.ts"],
  "cli/detach.ts": ["daemon/lock.ts"],
  "cli/setup.ts": ["daemon/initialize.ts", "daemon/lock.ts", "store/store-error.ts"],
};

/** Packages and built-ins that only these files may import. */
const RESERVED: Record<string, RegExp> = {
  dockerode: /^docker\//,
  "bun:sqlite": /^store\//,
  "bun:ffi": /^(wire\/peer|daemon\/(lock|footprint))\.ts$/,
  citty: /^cli\//,
  "@bomb.sh/tab": /^cli\//,
  "@valibot/to-json-schema": /^contract\/schema\.ts$/,
};

/** These run at build time only and must not get into the executable. */
const BUILD_TIME = ["contract/schema.ts", "contract/reference.ts"];

const MAX_LINES = 400;

type Source = { path: string; text: string; imports: string[]; packages: string[] };

const sources: Source[] = [...new Glob("**/*.ts").scanSync(join(root, "src"))]
  .filter((path) => !path.endsWith(".d.ts"))
  .sort()
  .map(read);

function read(path: string): Source {
  const text = stripComments(readFileSync(join(root, "src", path), "utf8"));
  const specifiers = [...text.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*"([^"]+)"/g)].map((match) => match[1] ?? "");
  const relative = specifiers.filter((specifier) => specifier.startsWith("."));
  return {
    path,
    text,
    imports: relative.map((specifier) => normalize(join(dirname(path), specifier))),
    packages: specifiers.filter((specifier) => !specifier.startsWith(".")),
  };
}

/** Comments may speak of anything. A `//` inside a string is kept when a quote or colon stands before it. */
function stripComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/(^|[^:"'`\\])\/\/.*$/gm, "$1");
}

const roomOf = (path: string) => (path.includes("/") ? (path.split("/")[0] ?? "") : path.replace(/\.ts$/, ""));
const lineOf = (room: string) => LINES.findIndex((line) => line.includes(room));

function allowed(from: string, to: string): boolean {
  const [here, there] = [roomOf(from), roomOf(to)];
  if (EXCEPTIONS[from]?.includes(to)) return true;
  if (here === there) return true;
  if (here === "cli") return SEEN_BY_CLI.some((pattern) => pattern.test(to));
  if (lineOf(there) > lineOf(here)) return true;
  return DOMAIN.includes(here) && DOMAIN.includes(there) && DOMAIN.indexOf(there) < DOMAIN.indexOf(here);
}

describe("rooms", () => {
  test("every file of src is in a known room", () => {
    expect(sources.map(({ path }) => roomOf(path)).filter((room) => lineOf(room) === -1)).toEqual([]);
  });

  test("imports go down, in the domain also to the left", () => {
    const offences = sources.flatMap(({ path, imports }) =>
      imports
        // What lies outside src is data: package.json, the published schema.
        .filter((target) => !target.startsWith("..") && !allowed(path, target))
        .map((target) => `${path} → ${target}`),
    );
    expect(offences).toEqual([]);
  });

  test("outside src only data is imported", () => {
    const outside = sources.flatMap(({ imports }) => imports.filter((target) => target.startsWith("..")));
    expect(outside.filter((target) => !target.endsWith(".json"))).toEqual([]);
  });

  test("exceptions are loaded lazily", () => {
    const eager = Object.entries(EXCEPTIONS).flatMap(([path, targets]) => {
      const text = sources.find((source) => source.path === path)?.text ?? "";
      return targets.filter((target) => new RegExp(`^import [^;(]*/${target}"`, "m").test(text));
    });
    expect(eager).toEqual([]);
  });

  test("main loads only the half that it runs", () => {
    const main = sources.find(({ path }) => path === "main.ts")?.text ?? "";
    expect(main).not.toMatch(/^import [^;]*"\.\//m);
  });

  test("no exception outlives its import", () => {
    const stale = Object.entries(EXCEPTIONS).flatMap(([path, targets]) =>
      targets.filter((target) => !sources.find((source) => source.path === path)?.imports.includes(target)),
    );
    expect(stale).toEqual([]);
  });

  test.each(Object.entries(RESERVED))("%s is imported in its own place only", (name, place) => {
    const users = sources.filter(({ packages }) => packages.some((it) => it === name || it.startsWith(`${name}/`)));
    expect(users.map(({ path }) => path).filter((path) => !place.test(path))).toEqual([]);
  });

  test("what runs at build time is imported by nothing that ships", () => {
    const users = sources.filter(
      ({ path, imports }) => !BUILD_TIME.includes(path) && imports.some((target) => BUILD_TIME.includes(target)),
    );
    expect(users.map(({ path }) => path)).toEqual([]);
  });

  test("dockerode is loaded lazily", () => {
    const eager = sources.filter(({ text }) => /^import (?!type)[^;]*"dockerode/m.test(text));
    expect(eager.map(({ path }) => path)).toEqual([]);
  });
});

describe("files", () => {
  test("no barrel files, no leftover drawers", () => {
    const names = /(^|\/)(index|utils?|helpers?|manager|types|misc|common)\.ts$/;
    expect(sources.map(({ path }) => path).filter((path) => names.test(path))).toEqual([]);
    const barrels = sources.filter(({ text }) => /^export (\*|\{[^}]*\}) from/m.test(text));
    expect(barrels.map(({ path }) => path)).toEqual([]);
  });

  test("file names are kebab-case", () => {
    const odd = sources.map(({ path }) => path).filter((path) => !/^([a-z0-9-]+\/)*[a-z0-9-]+\.ts$/.test(path));
    expect(odd).toEqual([]);
  });

  test(`no file is longer than ${MAX_LINES} lines`, async () => {
    const long: string[] = [];
    for (const { path } of sources) {
      const lines = (await Bun.file(join(root, "src", path)).text()).split("\n").length;
      if (lines > MAX_LINES) long.push(`${path}: ${lines}`);
    }
    expect(long).toEqual([]);
  });

  test("the top level is what 00 §1 says", () => {
    const may = [
      ...["package.json", "bunfig.toml", "src", "test", "specs", "build", "README.md"],
      ...["LICENSE", "CHANGELOG.md", "tsconfig.json", "bun.lock", "node_modules"],
    ];
    const found = readdirSync(root).filter((name) => !name.startsWith("."));
    expect(found.filter((name) => !may.includes(name))).toEqual([]);
  });
});

describe("never in src", () => {
  const never: [string, RegExp][] = [
    ["a switch for tests", /AGENTTOWER_TEST|NODE_ENV|ForTest\b|\bisTest\b/],
    ["a type escape", /@ts-(ignore|expect-error|nocheck)|biome-ignore|\bas unknown as\b|\bas any\b/],
    ["an empty catch", /catch\s*(\([^)]*\))?\s*\{\s*\}/],
    ["a network listener", /Bun\.serve|createServer|node:dgram|udpSocket|node:http2/],
  ];
  test.each(never)("%s", async (_what, pattern) => {
    const found: string[] = [];
    for (const { path } of sources) {
      // Comments count here: that is where an exception to a rule would stand.
      if (pattern.test(await Bun.file(join(root, "src", path)).text())) found.push(path);
    }
    expect(found).toEqual([]);
  });

  test("Bun.listen stands in one place, on a Unix socket", () => {
    const users = sources.filter(({ text }) => /\bBun\.listen|\blisten\s*(<[^>]*>)?\(\{/.test(text));
    expect(users.map(({ path }) => path).filter((path) => path !== "wire/server.ts")).toEqual([]);
    for (const { text } of users) expect(text).not.toMatch(/\b(port|hostname)\s*:/);
  });
});
