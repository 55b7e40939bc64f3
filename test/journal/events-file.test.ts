import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { systemClock } from "../../src/base/clock.ts";
import { openEventsFile } from "../../src/journal/events-file.ts";
import { JournalFault } from "../../src/journal/private-file.ts";

const clock = systemClock();
let dir: string;
let path: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "agenttower-journal-"));
  path = join(dir, "events.jsonl");
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const lines = (): unknown[] =>
  readFileSync(path, "utf8")
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line));
const mode = (of: string): number => statSync(of).mode & 0o7777;
const failure = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => null,
    (error: unknown) => error,
  );
const faultOf = async (work: Promise<unknown>): Promise<string> => {
  const error = await failure(work);
  if (!(error instanceof JournalFault)) throw new Error(`no JournalFault: ${error}`);
  return error.errorClass;
};

test("opening makes no file; the first append does, with its parents, whatever the umask", async () => {
  path = join(dir, "a", "b", "events.jsonl");
  for (const umask of [0o000, 0o077]) {
    rmSync(join(dir, "a"), { recursive: true, force: true });
    const before = process.umask(umask);
    try {
      const file = openEventsFile(path, clock);
      expect(existsSync(join(dir, "a"))).toBe(false);
      await file.append({ event_type: "completed" });
      await file.close();
    } finally {
      process.umask(before);
    }
    expect([mode(join(dir, "a")), mode(join(dir, "a", "b")), mode(path)]).toEqual([0o700, 0o700, 0o600]);
  }
});

test("ts comes first, and a caller's own wins", async () => {
  const file = openEventsFile(path, clock);
  await file.append({ event_type: "completed", n: 1 });
  await file.append({ n: 2, ts: "then" });
  await file.close();
  const [first, second] = readFileSync(path, "utf8").split("\n");
  expect(first).toMatch(/^\{"ts":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00","event_type":"completed","n":1\}$/);
  expect(second).toBe('{"ts":"then","n":2}');
});

test("100 concurrent appends give 100 whole lines in the order of the calls", async () => {
  const file = openEventsFile(path, clock);
  await Promise.all(Array.from({ length: 100 }, (_, n) => file.append({ n, text: "ü\n".repeat(n) })));
  expect(lines()).toEqual(
    Array.from({ length: 100 }, (_, n) => ({ ts: expect.any(String), n, text: "ü\n".repeat(n) })),
  );
  await file.close();
});

test("whatever is appended comes back line by line", () =>
  fc.assert(
    fc.asyncProperty(fc.array(fc.record({ value: fc.jsonValue() }), { maxLength: 20 }), async (values) => {
      rmSync(path, { force: true });
      const file = openEventsFile(path, clock);
      await Promise.all(values.map((value) => file.append(value)));
      await file.close();
      const written = existsSync(path) ? lines() : [];
      expect(written).toEqual(
        values.map((value) => ({ ts: expect.any(String), ...JSON.parse(JSON.stringify(value)) })),
      );
    }),
    { numRuns: 50 },
  ));

test("numbers that are not finite are refused and leave nothing behind", async () => {
  const file = openEventsFile(path, clock);
  for (const value of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
    expect(await failure(file.append({ deep: [{ value }] }))).toBeInstanceOf(TypeError);
  }
  expect(existsSync(path)).toBe(false);
  expect(file.state().degraded).toBe(false);
  await file.close();
});

test("a torn last line is closed at open and stays", async () => {
  writeFileSync(path, '{"ts":"a"}\n{"ts":"b', { mode: 0o600 });
  const file = openEventsFile(path, clock);
  expect(readFileSync(path, "utf8")).toBe('{"ts":"a"}\n{"ts":"b\n');
  await file.append({ ts: "c" });
  await file.close();
  expect(readFileSync(path, "utf8")).toBe('{"ts":"a"}\n{"ts":"b\n{"ts":"c"}\n');
});

describe("what is broader or something else is refused, byte for byte untouched", () => {
  test("a file 0644", async () => {
    writeFileSync(path, "old", { mode: 0o600 });
    chmodSync(path, 0o644);
    const file = openEventsFile(path, clock);
    expect(file.state().errorClass).toBe("unsafe_mode");
    expect(await faultOf(file.append({ n: 1 }))).toBe("unsafe_mode");
    expect([readFileSync(path, "utf8"), mode(path)]).toEqual(["old", 0o644]);
    chmodSync(path, 0o600);
    await file.append({ ts: "t" });
    expect(file.state()).toEqual({ degraded: false, since: null, errorClass: null });
    expect(readFileSync(path, "utf8")).toBe('old\n{"ts":"t"}\n');
    await file.close();
  });

  test("a file that becomes broader while it is open", async () => {
    const file = openEventsFile(path, clock);
    await file.append({ ts: "a" });
    chmodSync(path, 0o640);
    expect(await faultOf(file.append({ n: 1 }))).toBe("unsafe_mode");
    expect(readFileSync(path, "utf8")).toBe('{"ts":"a"}\n');
    await file.close();
  });

  test("a directory 0755", async () => {
    chmodSync(dir, 0o755);
    const file = openEventsFile(path, clock);
    expect(await faultOf(file.append({ n: 1 }))).toBe("unsafe_mode");
    expect(existsSync(path)).toBe(false);
    await file.close();
  });

  test("a symbolic link, a directory", async () => {
    writeFileSync(join(dir, "target"), "", { mode: 0o600 });
    symlinkSync(join(dir, "target"), path);
    const file = openEventsFile(path, clock);
    expect(await faultOf(file.append({ n: 1 }))).toBe("ELOOP");
    rmSync(path);
    mkdirSync(path);
    expect(await faultOf(file.append({ n: 1 }))).toBe("EISDIR");
    expect(readFileSync(join(dir, "target"), "utf8")).toBe("");
    await file.close();
  });
});

test("an unwritable file degrades with its first instant, every caller hears of it, and repair heals without a reopening", async () => {
  const parent = join(dir, "state");
  writeFileSync(parent, "in the way");
  const file = openEventsFile(join(parent, "events.jsonl"), clock);
  path = join(parent, "events.jsonl");
  expect(await Promise.all([1, 2, 3].map((n) => faultOf(file.append({ n }))))).toEqual(
    Array(3).fill("not_a_directory"),
  );
  const first = file.state();
  expect(first).toEqual({ degraded: true, since: expect.any(Number), errorClass: "not_a_directory" });
  await failure(file.append({ n: 4 }));
  expect(file.state().since).toBe(first.since);
  rmSync(parent);
  await file.append({ ts: "after" });
  expect(file.state().degraded).toBe(false);
  expect(lines()).toEqual([{ ts: "after" }]);
  await file.close();
});

test("a file that was moved away or removed is begun anew", async () => {
  const file = openEventsFile(path, clock);
  await file.append({ ts: "a" });
  renameSync(path, `${path}.old`);
  await file.append({ ts: "b" });
  expect(lines()).toEqual([{ ts: "b" }]);
  rmSync(path);
  await file.append({ ts: "c" });
  expect(lines()).toEqual([{ ts: "c" }]);
  await file.close();
});

test("closing waits for what was appended and refuses the rest", async () => {
  const file = openEventsFile(path, clock);
  const appended = file.append({ ts: "a" });
  await file.close();
  await appended;
  expect(lines()).toEqual([{ ts: "a" }]);
  expect(await faultOf(file.append({ n: 1 }))).toBe("closed");
});

test("a disk that is full in the middle of a batch: whole lines count, the torn one is closed later", async () => {
  // The shell's file size limit of 1 KiB stands in for the disk; ignoring its signal makes the write fail instead.
  const script = `
    import { openEventsFile } from ${JSON.stringify(join(import.meta.dir, "../../src/journal/events-file.ts"))};
    const clock = { now: Date.now, monotonic: () => 0, sleep: async () => {} };
    const file = openEventsFile(${JSON.stringify(path)}, clock);
    const results = await Promise.all(Array.from({ length: 8 }, (_, n) =>
      file.append({ ts: "t", n, pad: "x".repeat(200) }).then(() => "ok", (error) => error.errorClass)));
    console.log(JSON.stringify([results, file.state().degraded]));`;
  const code = join(dir, "full.ts");
  writeFileSync(code, script);
  const run = Bun.spawnSync(["bash", "-c", `trap '' XFSZ; ulimit -f 1; exec "$0" "$1"`, process.execPath, code]);
  const [results, degraded] = JSON.parse(run.stdout.toString()) as [string[], boolean];
  expect(results).toEqual(["ok", "ok", "ok", "ok", "EFBIG", "EFBIG", "EFBIG", "EFBIG"]);
  expect(degraded).toBe(true);
  expect(statSync(path).size).toBe(1024);
  const file = openEventsFile(path, clock);
  await file.append({ ts: "later" });
  await file.close();
  const written = readFileSync(path, "utf8").split("\n");
  expect(written.length).toBe(7);
  expect(JSON.parse(written[3] ?? "")).toEqual({ ts: "t", n: 3, pad: "x".repeat(200) });
  expect(written[5]).toBe('{"ts":"later"}');
});

test("other writers' bytes at the end are kept", async () => {
  const file = openEventsFile(path, clock);
  await file.append({ ts: "a" });
  appendFileSync(path, '{"ts":"hand"}\n');
  await file.append({ ts: "b" });
  expect(lines()).toEqual([{ ts: "a" }, { ts: "hand" }, { ts: "b" }]);
  await file.close();
});
