/**
 * The multiplexed stream of an exec: frames of an 8-byte header (stream, three zeros, length) and a payload. Pure: chunks in,
 * pieces out, however the bytes were cut; nothing but a header is ever held back.
 */

export type Piece = { stream: "stdout" | "stderr"; bytes: Uint8Array };

export class BrokenFrames extends Error {
  constructor(text: string) {
    super(text);
    this.name = "BrokenFrames";
  }
}

const HEADER_BYTES = 8;
const STDERR = 2;
const LAST_STREAM = 2;

export class FrameReader {
  readonly #header = new Uint8Array(HEADER_BYTES);
  #headerBytes = 0;
  #payloadLeft = 0;
  #stream: Piece["stream"] = "stdout";

  /** @throws BrokenFrames when a header is none */
  push(chunk: Uint8Array): Piece[] {
    const pieces: Piece[] = [];
    let at = 0;
    while (at < chunk.length) {
      if (this.#payloadLeft > 0) {
        const bytes = chunk.subarray(at, at + this.#payloadLeft);
        pieces.push({ stream: this.#stream, bytes });
        at += bytes.length;
        this.#payloadLeft -= bytes.length;
        continue;
      }
      const part = chunk.subarray(at, at + HEADER_BYTES - this.#headerBytes);
      this.#header.set(part, this.#headerBytes);
      this.#headerBytes += part.length;
      at += part.length;
      if (this.#headerBytes === HEADER_BYTES) this.#open();
    }
    return pieces;
  }

  /** False in the middle of a frame: a stream that ends there was cut. */
  get betweenFrames(): boolean {
    return this.#headerBytes === 0 && this.#payloadLeft === 0;
  }

  #open(): void {
    const [stream = 0, ...zeros] = this.#header.subarray(0, 4);
    if (stream > LAST_STREAM || zeros.some((byte) => byte !== 0))
      throw new BrokenFrames("no frame header where one must be");
    this.#stream = stream === STDERR ? "stderr" : "stdout";
    this.#payloadLeft = new DataView(this.#header.buffer).getUint32(4);
    this.#headerBytes = 0;
  }
}
