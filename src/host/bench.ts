/**
 * Programs on this machine, under the rules that programs in containers have (00 §7): plain argument lists, a fixed locale, both
 * streams limited, everything within a deadline. Here the process can be ended, so none is ever abandoned.
 */
import { constants } from "node:os";
import { delimiter } from "node:path";
import type { Subprocess } from "bun";
import { type Bench, BenchFault, type BenchOutput, type BenchStream, type RunOptions } from "../base/bench.ts";
import type { Clock } from "../base/clock.ts";
import { message } from "../base/text.ts";

const DEADLINE_MS = 5000;
const OUTPUT_BYTES = 4 * 1024 * 1024;
/** Input of a stream that its program does not take; beyond it the stream is closed. */
const QUEUED_BYTES = 8 * 1024 * 1024;

/** A program whose stream was closed gets this long to end by itself. */
const END_MS = 1000;

/** Where tmux is when PATH does not say: programs started from a desktop have a short one. */
const FIXED_PLACES = ["/usr/local/bin", "/usr/bin", "/opt/homebrew/bin"];
/** What a shell answers for a program that it cannot find, and so does a container (02 §4.3). */
const NOT_FOUND_EXIT = 127;

type Env = Readonly<Record<string, string | undefined>>;
type Child = Subprocess<"pipe", "pipe", "pipe">;

/** @param env the daemon's environment, as it was at its start; programs run in it, with the locale of 02 §2 */
export function hostBench(env: Env, clock: Clock): Bench {
  const path = [...(env["PATH"] ?? "").split(delimiter), "/bin", ...FIXED_PLACES].filter((dir) => dir.startsWith("/"));
  const childEnv = { ...env, LANG: "C.UTF-8", LC_ALL: "C.UTF-8" };

  const spawn = (argv: readonly string[]): Child | null => {
    const [name = "", ...rest] = argv;
    const program = Bun.which(name, { PATH: path.join(delimiter) });
    if (program === null) return null;
    try {
      return Bun.spawn([program, ...rest], { cwd: "/", env: childEnv, stdin: "pipe", stdout: "pipe", stderr: "pipe" });
    } catch (error) {
      throw new BenchFault("failed", message(`start ${name} on the host: ${String(error)}`));
    }
  };

  return {
    async run({ argv }, options = {}) {
      options.signal?.throwIfAborted();
      const child = spawn(argv);
      if (child === null) return notFound(argv);
      return attend(child, argv, options, clock);
    },

    async stream({ argv }, signal) {
      signal?.throwIfAborted();
      const child = spawn(argv);
      if (child === null) throw new BenchFault("failed", notFound(argv).stderr);
      return kept(child, signal, clock);
    },
  };
}

function notFound(argv: readonly string[]): BenchOutput {
  return {
    exitCode: NOT_FOUND_EXIT,
    stdout: "",
    stderr: `exec: "${argv[0] ?? ""}": executable file not found in $PATH`,
  };
}

/** Feeds a program and reads it to its end; one that is late, too loud or unwanted is killed. */
async function attend(child: Child, argv: readonly string[], options: RunOptions, clock: Clock): Promise<BenchOutput> {
  const { deadlineMs = DEADLINE_MS, maxBytes = OUTPUT_BYTES, input, signal } = options;
  const what = `run ${argv[0] ?? "nothing"} on the host`;
  const stop = Promise.withResolvers<never>();
  const done = new AbortController();
  clock.sleep(deadlineMs, done.signal).then(
    () => stop.reject(new BenchFault("timeout", `${what}: not finished in ${deadlineMs / 1000} s`)),
    () => undefined, // finished in time
  );
  const onAbort = () => stop.reject(signal?.reason);
  signal?.addEventListener("abort", onAbort, { once: true });

  let bytes = 0;
  const readers = [child.stdout.getReader(), child.stderr.getReader()] as const;
  const read = async (reader: (typeof readers)[number]) => {
    const pieces: Uint8Array[] = [];
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      bytes += next.value.length;
      if (bytes > maxBytes) throw new BenchFault("overflow", `${what}: it wrote more than ${maxBytes} bytes`);
      pieces.push(next.value);
    }
    return new TextDecoder("utf-8", { ignoreBOM: true }).decode(Buffer.concat(pieces));
  };
  try {
    const work = Promise.all([...readers.map(read), child.exited.then(() => ""), feed(child, input).then(() => "")]);
    const [stdout = "", stderr = ""] = await Promise.race([work, stop.promise]);
    return { exitCode: exitCodeOf(child), stdout, stderr };
  } finally {
    done.abort();
    signal?.removeEventListener("abort", onAbort);
    if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
    // A descendant may hold the pipes open for ever.
    for (const reader of readers) settle(reader.cancel());
  }
}

/** As a container gives it: 128 and the number of the signal that ended it. */
function exitCodeOf(child: Child): number {
  const { exitCode, signalCode } = child;
  return typeof signalCode === "string" ? 128 + constants.signals[signalCode] : (exitCode ?? 0);
}

async function feed(child: Child, input: Uint8Array | undefined): Promise<void> {
  try {
    if (input !== undefined) await child.stdin.write(input);
    await child.stdin.end();
  } catch (error) {
    // A program need not read its input to the end.
    if (!(error instanceof Error && "code" in error && error.code === "EPIPE")) throw error;
  }
}

/** Ends a program that does not go by itself: the client of a hanging tmux server would stay as long as that one hangs. */
async function endLater(child: Child, clock: Clock): Promise<void> {
  const ended = new AbortController();
  void child.exited.then(() => ended.abort());
  await clock.sleep(END_MS, ended.signal);
  child.kill("SIGKILL");
}

/** A program that stays. Its standard error is read and dropped. */
function kept(child: Child, signal: AbortSignal | undefined, clock: Clock): BenchStream {
  let open = true;
  const close = () => {
    if (!open) return;
    open = false;
    signal?.removeEventListener("abort", close);
    settle(child.stdin.end());
    settle(endLater(child, clock));
  };
  // Nobody reads standard error, but a full pipe would hold the program up.
  settle(child.stderr.pipeTo(new WritableStream()));
  signal?.addEventListener("abort", close, { once: true });
  const reader = child.stdout.getReader();
  // Asked for at once: until then the runtime would gather output without a limit.
  const first = reader.read();
  settle(first);
  async function* output(): AsyncGenerator<Uint8Array> {
    try {
      for (let next = await first; !next.done; next = await reader.read()) yield next.value;
    } finally {
      close();
      settle(reader.cancel());
    }
  }
  let queued = 0;
  return {
    write(bytes) {
      if (!open) return;
      const length = typeof bytes === "string" ? Buffer.byteLength(bytes) : bytes.length;
      queued += length;
      settle(child.stdin.write(bytes));
      settle(
        Promise.resolve(child.stdin.flush()).finally(() => {
          queued -= length;
        }),
      );
      if (queued <= QUEUED_BYTES) return;
      close();
      child.kill("SIGKILL");
    },
    output: output(),
    close,
  };
}

/** A pipe that breaks means that the program ended; its output says so by ending. */
function settle(work: unknown): void {
  Promise.resolve(work).catch(() => undefined);
}
