/** What every source of benches promises (`base/bench.ts`): one suite, run against containers and against the host alike. */
import { describe, expect, test } from "bun:test";
import { type Bench, type BenchCommand, BenchFault } from "../../src/base/bench.ts";
import { until } from "./until.ts";

export type BenchUnderTest = {
  bench: Bench;
  containerId: string;
  user: string;
};

/** @param make gives the bench; called once, in the first test */
export function benchSuite(name: string, make: () => Promise<BenchUnderTest>): void {
  let made: Promise<BenchUnderTest> | undefined;
  const setting = () => {
    made ??= make();
    return made;
  };
  const command = async (argv: string[]): Promise<[Bench, BenchCommand]> => {
    const { bench, containerId, user } = await setting();
    return [bench, { containerId, user, argv }];
  };
  const run = async (argv: string[], ...options: Parameters<Bench["run"]>[1][]) => {
    const [bench, what] = await command(argv);
    return bench.run(what, ...options);
  };

  describe(name, () => {
    test("exit code and both streams", async () => {
      const script = "echo out; echo err >&2; exit 7";
      expect(await run(["sh", "-c", script])).toEqual({ exitCode: 7, stdout: "out\n", stderr: "err\n" });
      expect(await run(["true"])).toEqual({ exitCode: 0, stdout: "", stderr: "" });
    });

    test("a program ended by a signal: 128 and its number", async () => {
      expect((await run(["sh", "-c", "kill -9 $$"])).exitCode).toBe(137);
    });

    test("arguments reach the program as they are", async () => {
      const words = ["", "a b", "$(id)", "`id`", "; rm -rf /x", "-n", "'\"", "é\t\n", "*"];
      const { stdout } = await run(["printf", "%s|", "--", ...words]);
      expect(stdout.replace(/^--\|/, "")).toBe(words.map((word) => `${word}|`).join(""));
    });

    test("the locale is C.UTF-8", async () => {
      expect((await run(["sh", "-c", 'echo "$LANG $LC_ALL"'])).stdout).toBe("C.UTF-8 C.UTF-8\n");
    });

    test("a program that is not there: 126 or 127, and its name is told", async () => {
      const { exitCode, stdout, stderr } = await run(["no-such-program"]);
      expect([126, 127]).toContain(exitCode);
      expect(stdout + stderr).toMatch(/exec: "no-such-program": executable file not found in \$PATH/);
    });

    test("bytes that are not UTF-8 become U+FFFD; a byte order mark stays", async () => {
      expect((await run(["printf", "\\357\\273\\277a\\377b\\000c"])).stdout).toBe("\ufeffa\ufffdb\0c");
    });

    test("input goes in, byte by byte, and is closed", async () => {
      const input = crypto.getRandomValues(new Uint8Array(60_000)).map((byte) => byte & 0x7f);
      const { stdout, exitCode } = await run(["cat"], { input });
      expect(exitCode).toBe(0);
      expect(Buffer.from(stdout).equals(input)).toBe(true);
      expect((await run(["cat"], { input: new Uint8Array() })).stdout).toBe("");
    });

    test("a program without input sees its end", async () => {
      expect(await run(["cat"])).toEqual({ exitCode: 0, stdout: "", stderr: "" });
    });

    test("a program that does not read its input is none the worse", async () => {
      expect((await run(["true"], { input: new Uint8Array(1_000_000) })).exitCode).toBe(0);
    });

    test("a megabyte comes out whole", async () => {
      const { stdout } = await run(["sh", "-c", "yes 0123456789abcde | head -c 1000000"]);
      expect(stdout.length).toBe(1_000_000);
      expect(stdout.replaceAll("0123456789abcde\n", "")).toBe("");
    });

    test("many at once do not mix", async () => {
      const numbers = Array.from({ length: 8 }, (_, at) => at);
      const outputs = await Promise.all(numbers.map((at) => run(["sh", "-c", `echo ${at}; echo ${at} >&2`])));
      expect(outputs.map(({ stdout, stderr }) => stdout + stderr)).toEqual(numbers.map((at) => `${at}\n${at}\n`));
    });

    test("a stream: what is written goes in, what comes out is told at once", async () => {
      const [bench, what] = await command(["cat"]);
      const stream = await bench.stream(what);
      const output = stream.output[Symbol.asyncIterator]();
      for (const word of ["one", "zwei", "três"]) {
        stream.write(`${word}\n`);
        expect(Buffer.from((await output.next()).value ?? []).toString()).toBe(`${word}\n`);
      }
      stream.close();
      expect((await output.next()).done).toBe(true);
      stream.close();
      stream.write("late");
    });

    test("a stream ends when its program ends", async () => {
      const [bench, what] = await command(["sh", "-c", "echo bye >&2; echo bye"]);
      const stream = await bench.stream(what);
      const pieces = await Array.fromAsync(stream.output);
      expect(Buffer.concat(pieces).toString()).toBe("bye\n");
    });

    test("a closed stream's program sees the end of its input", async () => {
      const mark = `/tmp/at-ended-${crypto.randomUUID()}`;
      const [bench, what] = await command(["sh", "-c", `cat >/dev/null; : >${mark}`]);
      const stopping = new AbortController();
      await bench.stream(what, stopping.signal);
      stopping.abort();
      await until(async () => (await run(["ls", mark])).exitCode === 0, "the end of the program");
      await run(["rm", mark]);
    });

    test("the caller can stop waiting", async () => {
      const reason = new Error("gone");
      expect(run(["cat"], { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    });

    test("more than the limit is an overflow", async () => {
      const loud = run(["sh", "-c", "yes 0123456789 | head -c 1000000"], { maxBytes: 100_000 });
      await expect(loud).rejects.toMatchObject({ name: "BenchFault", kind: "overflow" });
    });

    test("over the deadline is a timeout, for everything together", async () => {
      const { bench, containerId, user } = await setting();
      // In a container the program of the test before may run for a moment yet.
      await until(
        async () => (await bench.run({ containerId, user, argv: ["true"] })).exitCode === 0,
        "a rested bench",
      );
      const before = performance.now();
      const fault = await run(["sleep", "60"], { deadlineMs: 1500 }).catch((error: unknown) => error);
      expect(fault).toBeInstanceOf(BenchFault);
      expect(fault).toHaveProperty("kind", "timeout");
      expect(performance.now() - before).toBeLessThan(15_000);
    });
  });
}
