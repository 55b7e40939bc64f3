/** Programs in containers, by execs of the Engine (02 §2). */
import type { Duplex, Readable } from "node:stream";
import {
  type Bench,
  type BenchCommand,
  BenchFault,
  type BenchOutput,
  type BenchStream,
  type RunOptions,
} from "../base/bench.ts";
import type { Clock } from "../base/clock.ts";
import type { ClientSource, EngineClient } from "./client.ts";
import { startDeadline } from "./deadline.ts";
import type { ExecRecord } from "./exec-record.ts";
import { faultOf } from "./failure.ts";
import { BrokenFrames, FrameReader } from "./frames.ts";

const DEADLINE_MS = 5000;
const OUTPUT_BYTES = 4 * 1024 * 1024;
/** The Engine may report an exec as running for a moment after its output ended; it is asked again after 2, 4, 8 … ms. */
const FIRST_POLL_MS = 2;
const LONGEST_POLL_MS = 100;
/** Input of a stream that its program does not take; beyond it the stream is closed. */
const QUEUED_BYTES = 8 * 1024 * 1024;

/** @param record shared with the Engine's event reader */
export function dockerBench(client: ClientSource, record: ExecRecord, clock: Clock): Bench {
  /** Creates an exec, unless the container still rests from an abandoned one. */
  const create = async (engine: EngineClient, command: BenchCommand, withInput: boolean, signal: AbortSignal) => {
    await record.refuseWhileAbandoned(command.containerId, (execId) => isRunning(engine, execId, signal));
    const { containerId, user, argv } = command;
    const execId = await engine.createExec(containerId, { user, argv, withInput }, signal);
    record.started(execId);
    return execId;
  };

  return {
    async run(command, options = {}) {
      const what = `run ${command.argv[0] ?? "nothing"} in the container`;
      const deadline = startDeadline(clock, options.deadlineMs ?? DEADLINE_MS, what, options.signal);
      try {
        const engine = await client();
        const execId = await create(engine, command, options.input !== undefined, deadline.signal);
        let ended = false;
        try {
          const output = await attend(engine, execId, options, deadline.signal, clock);
          ended = true;
          return output;
        } finally {
          if (!ended) record.abandon(command.containerId, execId);
        }
      } catch (error) {
        if (options.signal?.aborted) throw options.signal.reason;
        throw faultOf(deadline.signal.aborted ? deadline.signal.reason : error, what);
      } finally {
        deadline.clear();
      }
    },

    async stream(command, signal) {
      const what = `start ${command.argv[0] ?? "nothing"} in the container`;
      const opening = startDeadline(clock, DEADLINE_MS, what, signal);
      try {
        const engine = await client();
        const execId = await create(engine, command, true, opening.signal);
        return kept(await engine.attachExec(execId, opening.signal), signal);
      } catch (error) {
        if (signal?.aborted) throw signal.reason;
        throw faultOf(error, what);
      } finally {
        opening.clear();
      }
    },
  };
}

async function isRunning(engine: EngineClient, execId: string, signal: AbortSignal): Promise<boolean> {
  try {
    return (await engine.execState(execId, signal)).running;
  } catch (error) {
    // The Engine forgets execs with their container, and all of them when it restarts.
    if (error instanceof BenchFault && error.kind === "not_found") return false;
    throw error;
  }
}

/** Starts a created exec, feeds it, reads it to its end and asks how it ended. */
async function attend(
  engine: EngineClient,
  execId: string,
  { input, maxBytes = OUTPUT_BYTES }: RunOptions,
  signal: AbortSignal,
  clock: Clock,
): Promise<BenchOutput> {
  let output: Omit<BenchOutput, "exitCode">;
  if (input === undefined) {
    output = await collect(await engine.startExec(execId, signal), maxBytes, signal);
  } else {
    const connection = await engine.attachExec(execId, signal);
    connection.end(input);
    output = await collect(connection, maxBytes, signal);
  }
  for (let waitMs = FIRST_POLL_MS; ; waitMs = Math.min(waitMs * 2, LONGEST_POLL_MS)) {
    const { running, exitCode } = await engine.execState(execId, signal);
    if (!running) {
      if (exitCode === null) throw new BenchFault("no_exit", "the command ended without an exit code");
      return { exitCode, ...output };
    }
    await clock.sleep(waitMs, signal);
  }
}

/** Reads both streams to the end. The stream is closed in any case. */
async function collect(
  stream: Readable,
  maxBytes: number,
  signal: AbortSignal,
): Promise<{ stdout: string; stderr: string }> {
  const frames = new FrameReader();
  const pieces: Record<"stdout" | "stderr", Uint8Array[]> = { stdout: [], stderr: [] };
  let bytes = 0;
  try {
    for await (const chunk of stream) {
      for (const piece of frames.push(chunk)) {
        bytes += piece.bytes.length;
        if (bytes > maxBytes) throw new BenchFault("overflow", `the command wrote more than ${maxBytes} bytes`);
        pieces[piece.stream].push(piece.bytes);
      }
    }
  } catch (error) {
    if (error instanceof BrokenFrames)
      throw new BenchFault("frames", `the command's output is broken: ${error.message}`);
    if (error instanceof BenchFault) throw error;
    throw new BenchFault("lost", faultOf(error, "the command's output was lost").message);
  } finally {
    stream.destroy();
  }
  signal.throwIfAborted();
  if (!frames.betweenFrames) throw new BenchFault("lost", "the command's output ended in the middle");
  return { stdout: decode(pieces.stdout), stderr: decode(pieces.stderr) };
}

/** Bytes that are not UTF-8 become U+FFFD; a byte order mark is data. */
function decode(pieces: Uint8Array[]): string {
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(Buffer.concat(pieces));
}

/** A hijacked exec as a stream: its standard output, without standard error. Broken frames end it like a lost connection. */
function kept(connection: Duplex, signal: AbortSignal | undefined): BenchStream {
  const close = () => {
    signal?.removeEventListener("abort", close);
    connection.destroy();
  };
  signal?.addEventListener("abort", close, { once: true });
  return {
    write(bytes) {
      if (connection.destroyed) return;
      connection.write(bytes);
      if (connection.writableLength > QUEUED_BYTES) close();
    },
    output: standardOutput(connection, close),
    close,
  };
}

async function* standardOutput(connection: Duplex, close: () => void): AsyncGenerator<Uint8Array> {
  const frames = new FrameReader();
  try {
    for await (const chunk of connection) {
      for (const piece of frames.push(chunk)) if (piece.stream === "stdout") yield piece.bytes;
    }
  } catch {
    // However the connection broke, its reader sees the end: a link that ends falls back to single commands.
    return;
  } finally {
    close();
  }
}
