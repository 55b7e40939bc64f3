/**
 * Bytes in, lines out (06 §1, 01 §8). Caps hold at exactly their byte counts, whatever the cuts; every byte is looked at
 * once and copied a bounded number of times, so that a line that dribbles in byte by byte costs no more than its length.
 */
import { APP_LINE_BYTES, LEGACY_LINE_BYTES } from "../contract/limits.ts";
import { showsAppMethod } from "./json-scan.ts";

/**
 * What the stream held next.
 * - `line`: the bytes before a `\n`; they stay valid
 * - `oversize`: a cap was reached without a `\n`; `observedBytes` is a lower bound of the line's length, over its cap
 * - `unterminated`: the stream ended after these bytes
 */
export type Framed =
  | { kind: "line"; bytes: Uint8Array }
  | { kind: "oversize"; app: boolean; observedBytes: number }
  | { kind: "unterminated"; bytes: Uint8Array };

const NOTHING = new Uint8Array(0);
const FIRST_ROOM = 1024;
const LF = 10;

/** The bytes of one connection. After `oversize` it yields nothing more. */
export class LineFramer {
  #held: Uint8Array = NOTHING;
  #start = 0;
  #end = 0;
  /** Bytes before this index hold no `\n`. */
  #seen = 0;
  /** Whether `#held` was allocated here; a foreign chunk is never written to. */
  #own = false;
  #cap = LEGACY_LINE_BYTES;
  #over = false;

  /** Bytes that no line has taken yet. */
  get pending(): number {
    return this.#end - this.#start;
  }

  /** Takes the next bytes of the stream. The chunk must not be changed afterwards. */
  push(chunk: Uint8Array): void {
    if (this.#over || chunk.length === 0) return;
    const kept = this.pending;
    if (kept === 0) {
      this.#held = chunk;
      this.#own = false;
      this.#start = 0;
      this.#seen = 0;
      this.#end = chunk.length;
      return;
    }
    if (!this.#own || this.#end + chunk.length > this.#held.length) this.#move(kept + chunk.length);
    this.#held.set(chunk, this.#end);
    this.#end += chunk.length;
  }

  /** The next whole line or refusal, or `null` when more bytes are needed. */
  next(): Framed | null {
    if (this.#over) return null;
    for (;;) {
      const limit = Math.min(this.#end, this.#start + this.#cap);
      const at = this.#held.subarray(this.#seen, limit).indexOf(LF);
      if (at !== -1) {
        const bytes = this.#held.subarray(this.#start, this.#seen + at);
        this.#start = this.#seen + at + 1;
        this.#seen = this.#start;
        this.#cap = LEGACY_LINE_BYTES;
        if (this.#start === this.#end) this.#clear();
        return { kind: "line", bytes };
      }
      this.#seen = limit;
      if (limit - this.#start < this.#cap) return null;
      if (this.#cap === APP_LINE_BYTES) return this.#refuse(true);
      const prefix = Buffer.from(this.#held.buffer, this.#held.byteOffset + this.#start, this.#cap).toString("latin1");
      if (!showsAppMethod(prefix)) return this.#refuse(false);
      this.#cap = APP_LINE_BYTES;
    }
  }

  /** Call when the stream has ended and `next` returned `null`: what came after the last `\n`, or `null` for nothing. */
  finish(): Framed | null {
    if (this.#over || this.pending === 0) return null;
    const bytes = this.#held.subarray(this.#start, this.#end);
    this.#over = true;
    this.#clear();
    return { kind: "unterminated", bytes };
  }

  #refuse(app: boolean): Framed {
    const observedBytes = Math.max(this.pending, this.#cap + 1);
    this.#over = true;
    this.#clear();
    return { kind: "oversize", app, observedBytes };
  }

  /** Moves what is pending to fresh room for at least `need` bytes; lines handed out before keep the old room. */
  #move(need: number): void {
    const room = new Uint8Array(Math.max(FIRST_ROOM, need * 2));
    room.set(this.#held.subarray(this.#start, this.#end));
    this.#seen -= this.#start;
    this.#end -= this.#start;
    this.#start = 0;
    this.#held = room;
    this.#own = true;
  }

  #clear(): void {
    this.#held = NOTHING;
    this.#own = false;
    this.#start = 0;
    this.#end = 0;
    this.#seen = 0;
  }
}
