/**
 * One accepted connection (06 §1): requests are answered in order, one at a time; nothing is buffered without bound. While an
 * answer is being made or waits for the client to read, at most `READ_AHEAD_BYTES` more are taken in. It keeps its own
 * deadline; the server sweeps.
 */
import type { Clock } from "../base/clock.ts";
import { IDLE_CONNECTION_MS, LINE_DEADLINE_MS, SLOW_READER_MS } from "../contract/limits.ts";
import type { Link } from "./context.ts";
import type { Answer, Dispatch } from "./dispatch.ts";
import { LineFramer } from "./framing.ts";
import type { ConnectedPeer } from "./peer.ts";

/** Input taken in beyond the request being answered; the rest waits in the kernel. */
const READ_AHEAD_BYTES = 65_536;
/** Requests of one connection answered before the others get their turn. */
const TURN_REQUESTS = 64;
/** Answers collected for one write. */
const BATCH_CHARACTERS = 65_536;
/**
 * After a refusal that ends the stream, a client that is still writing gets this much time and room to finish and read its
 * answer: closed at once, it would only see a broken pipe.
 */
const LINGER_MS = 1_000;
const LINGER_BYTES = 4 * 1_048_576;
const NEVER = Number.POSITIVE_INFINITY;

/** The part of `Bun.Socket` that is used here. */
export type Wire = {
  write(data: string | Uint8Array): number;
  shutdown(): void;
  terminate(): void;
  pause(): void;
  resume(): void;
};

export type ConnectionDeps = {
  dispatch: Dispatch;
  clock: Clock;
  stopping: AbortSignal;
  /** A deadline was set that may be nearer than any other. */
  onDeadline(deadline: number): void;
  /** Something ended or became idle: the server may be waiting for it. */
  onRest(): void;
};

/**
 * - `open`: reads requests
 * - `last`: the last answer is made or on its way, then close
 * - `linger`: answered and shut for writing; input is thrown away
 * - `closed`
 */
type Phase = "open" | "last" | "linger" | "closed";

export class Connection implements Link {
  readonly peer: ConnectedPeer;
  readonly #wire: Wire;
  readonly #deps: ConnectionDeps;
  readonly #framer = new LineFramer();
  #phase: Phase = "open";
  #deadline = NEVER;
  /** When the client must have read what is unsent. */
  #readBy = NEVER;
  /** A handler works on the current request. */
  #busy = false;
  /** An earlier request asked for the connection to stay. */
  #kept = false;
  /** The client has ended its side. */
  #ended = false;
  #paused = false;
  #turnPending = false;
  #lineBegun = false;
  #batch = "";
  #unsent: Uint8Array | null = null;
  #lingerWanted = false;
  #lingered = 0;
  #aborter: AbortController | null = null;
  #onClose: (() => void)[] | null = null;
  #afterAnswer: (() => void)[] | null = null;

  constructor(wire: Wire, peer: ConnectedPeer, deps: ConnectionDeps) {
    this.#wire = wire;
    this.peer = peer;
    this.#deps = deps;
    this.#within(LINE_DEADLINE_MS);
  }

  /** When to close it, on the monotonic clock; infinite while a handler works. */
  get deadline(): number {
    return Math.min(this.#deadline, this.#readBy);
  }

  get signal(): AbortSignal {
    this.#aborter ??= new AbortController();
    if (this.#phase === "closed" || this.#deps.stopping.aborted) this.#aborter.abort();
    return this.#aborter.signal;
  }

  /** Nothing is being answered and nothing waits to be read by the client. */
  get atRest(): boolean {
    return !this.#busy && this.#unsent === null && !this.#turnPending;
  }

  /** Which line it waits for; only connections that wait for one make room for others. */
  get waitsFor(): "first_line" | "next_line" | null {
    if (!this.atRest || this.#phase === "last") return null;
    return this.#kept ? "next_line" : "first_line";
  }

  onClose(action: () => void): void {
    if (this.#phase === "closed") {
      action();
      return;
    }
    this.#onClose ??= [];
    this.#onClose.push(action);
  }

  afterAnswer(action: () => void): void {
    if (this.#phase === "closed") {
      action();
      return;
    }
    this.#afterAnswer ??= [];
    this.#afterAnswer.push(action);
  }

  /** Bytes arrived. */
  receive(chunk: Uint8Array): void {
    if (this.#phase === "linger") {
      this.#lingered += chunk.length;
      if (this.#lingered > LINGER_BYTES) this.close();
      return;
    }
    // Bytes behind the last request are ignored (01 §8).
    if (this.#phase !== "open") return;
    this.#framer.push(chunk);
    this.#pump();
  }

  /** The client ended its side; what it asked before is still answered. */
  ended(): void {
    this.#ended = true;
    if (this.#phase === "linger") this.close();
    else this.#pump();
  }

  /** There is room for more output. */
  drained(): void {
    if (this.#unsent === null) return;
    this.#send(this.#unsent);
    if (this.#unsent === null) this.#pump();
  }

  /** The daemon begins to stop: waiting handlers wake up. */
  wake(): void {
    this.#aborter?.abort();
  }

  /** Ends it now, whatever is under way. Idempotent. */
  close(): void {
    if (this.#phase === "closed") return;
    this.#phase = "closed";
    this.#deadline = NEVER;
    this.#readBy = NEVER;
    this.#unsent = null;
    this.peer.release();
    this.#wire.terminate();
    this.#aborter?.abort();
    this.#runAfterAnswer();
    const actions = this.#onClose ?? [];
    this.#onClose = null;
    for (const action of actions) action();
    this.#deps.onRest();
  }

  /** Answers what is there, as far as it may go on now. */
  #pump(): void {
    for (let served = 0; this.#phase === "open" && this.atRest; served++) {
      if (served === TURN_REQUESTS) {
        this.#turnPending = true;
        setImmediate(() => {
          this.#turnPending = false;
          this.#pump();
        });
        break;
      }
      // What waits for an earlier answer must not wait for this one.
      if (this.#afterAnswer !== null && this.#batch !== "") {
        this.#flush();
        continue;
      }
      const framed = this.#framer.next() ?? (this.#ended ? this.#framer.finish() : null);
      if (framed === null) break;
      this.#lineBegun = false;
      const answer = this.#deps.dispatch.answer(framed, this, this.#kept);
      if (answer instanceof Promise) {
        this.#busy = true;
        this.#flush();
        this.#deadline = NEVER;
        // `answer` never rejects: the door turns everything thrown into an answer.
        void answer.then((made) => {
          this.#busy = false;
          if (this.#phase !== "open") return;
          this.#take(made);
          this.#pump();
        });
        break;
      }
      this.#take(answer);
    }
    if (this.#phase === "closed") return;
    this.#flush();
    this.#rest();
  }

  #take(answer: Answer): void {
    this.#batch += answer.line;
    if (answer.after === "keep") {
      this.#kept = true;
      this.#within(IDLE_CONNECTION_MS);
      if (this.#batch.length >= BATCH_CHARACTERS) this.#flush();
      return;
    }
    this.#phase = "last";
    this.#flush();
    if (this.#phase !== "last") return;
    if (answer.after === "linger" && !this.#ended) this.#lingerWanted = true;
    if (this.#unsent === null) this.#finish();
  }

  /** The last answer is out. */
  #finish(): void {
    if (!this.#lingerWanted) {
      this.close();
      return;
    }
    this.#phase = "linger";
    this.#within(LINGER_MS);
    this.#wire.shutdown();
    if (this.#paused) this.#resume();
  }

  #flush(): void {
    if (this.#batch === "" || this.#unsent !== null) return;
    const batch = this.#batch;
    this.#batch = "";
    const written = this.#wire.write(batch);
    if (written < 0) {
      this.close();
      return;
    }
    // Most answers are ASCII and go out whole; a shorter count of bytes than of UTF-16 units is always a rest.
    if (written === batch.length && Buffer.byteLength(batch) === written) {
      this.#answered();
      return;
    }
    const rest = Buffer.from(batch).subarray(written);
    if (rest.length === 0) {
      this.#answered();
      return;
    }
    this.#unsent = rest;
    this.#readBy = this.#deps.clock.monotonic() + SLOW_READER_MS;
    this.#deps.onDeadline(this.#readBy);
  }

  #send(bytes: Uint8Array): void {
    const written = this.#wire.write(bytes);
    if (written < 0) {
      this.close();
      return;
    }
    if (written < bytes.length) {
      this.#unsent = bytes.subarray(written);
      return;
    }
    this.#unsent = null;
    this.#readBy = NEVER;
    this.#flush();
    if (this.#unsent !== null) return;
    this.#answered();
    if (this.#phase === "last" && !this.#busy) this.#finish();
  }

  /** All answers made so far are out; the one being made has its own actions. */
  #answered(): void {
    if (!this.#busy) this.#runAfterAnswer();
  }

  #runAfterAnswer(): void {
    if (this.#afterAnswer === null) return;
    const actions = this.#afterAnswer;
    this.#afterAnswer = null;
    for (const action of actions) action();
  }

  /** No more can be done now: sets what is waited for, and how much may come in meanwhile. */
  #rest(): void {
    if (this.#phase === "open") {
      if (this.atRest && this.#ended) {
        this.close();
        return;
      }
      const pending = this.#framer.pending;
      if (this.atRest && pending > 0 && !this.#lineBegun) {
        this.#lineBegun = true;
        // The first line has its deadline since accept.
        if (this.#kept) this.#within(LINE_DEADLINE_MS);
      }
      if (this.atRest) this.#resume();
      else if (!this.#paused && pending > READ_AHEAD_BYTES) {
        this.#paused = true;
        this.#wire.pause();
      }
    }
    if (this.atRest) this.#deps.onRest();
  }

  #within(ms: number): void {
    this.#deadline = this.#deps.clock.monotonic() + ms;
    this.#deps.onDeadline(this.#deadline);
  }

  #resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#wire.resume();
  }
}
