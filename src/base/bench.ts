/**
 * A bench is a place where tmux servers run: a container of a Docker Engine, or the host itself (00 §1, §7).
 * `docker/` and `host/` are its two sources; everything above them sees this small type only.
 */

/** One program to run: a plain argument list, never a shell line (02 §2). */
export type BenchCommand = {
  /** Full id of the container, or of the host bench. */
  containerId: string;
  /** User to run as inside the bench; the host bench ignores it (00 §7). */
  user: string;
  argv: readonly string[];
};

export type RunOptions = {
  /** Given to the program on standard input, which is then closed. */
  input?: Uint8Array;
  /** Time for everything together; default 5000 (02 §12). */
  deadlineMs?: number;
  /** Both streams together; default 4 MiB, beyond it reading stops with `overflow` (02 §12). */
  maxBytes?: number;
  signal?: AbortSignal;
};

/** What a finished program left. Bytes that are not UTF-8 have become U+FFFD. */
export type BenchOutput = { exitCode: number; stdout: string; stderr: string };

/** A program that stays: its input can be written, its output arrives in pieces. */
export type BenchStream = {
  /** Queues bytes for standard input. */
  write(bytes: Uint8Array | string): void;
  /** Standard output in the order of arrival; ends when the program or the connection ends. */
  readonly output: AsyncIterable<Uint8Array>;
  /** Closes the connection; the program sees the end of its input. Idempotent. */
  close(): void;
};

export type Bench = {
  /** Runs a program to its end. @throws BenchFault */
  run(command: BenchCommand, options?: RunOptions): Promise<BenchOutput>;
  /** Starts a program and keeps its standard input and output. @throws BenchFault when it cannot be started. */
  stream(command: BenchCommand, signal?: AbortSignal): Promise<BenchStream>;
};

/**
 * Why a bench or its Engine did not do as asked; one word per row of the table in 02 §6.
 * - `unreachable`: no socket, refused, no route, name or TLS failure, unsupported endpoint
 * - `permission`: no right to connect; `unauthorized`: HTTP 401 or 403
 * - `lost`: connection lost in the middle of an answer
 * - `timeout`: no complete answer in time; `abandoned`: refused at once, an earlier exec there is still running
 * - `not_found`: 404; `conflict`: 409 (paused, not running, restarting); `failed`: any other refusal
 * - `malformed`: not JSON, wrong shape, over the size limit
 * - `overflow`: output over its limit; `frames`: stream frames broken; `no_exit`: ended without an exit code
 */
export type BenchFaultKind =
  | "unreachable"
  | "permission"
  | "unauthorized"
  | "lost"
  | "timeout"
  | "abandoned"
  | "not_found"
  | "conflict"
  | "failed"
  | "malformed"
  | "overflow"
  | "frames"
  | "no_exit";

export class BenchFault extends Error {
  readonly kind: BenchFaultKind;

  /** @param text one clean line of prose: what was tried and what came back; at most 2048 characters. */
  constructor(kind: BenchFaultKind, text: string) {
    super(text);
    this.name = "BenchFault";
    this.kind = kind;
  }
}
