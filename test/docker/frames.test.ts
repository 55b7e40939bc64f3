import { expect, test } from "bun:test";
import fc from "fast-check";
import { BrokenFrames, FrameReader, type Piece } from "../../src/docker/frames.ts";

const frame = fc.record({ stream: fc.constantFrom("stdout" as const, "stderr" as const), bytes: fc.uint8Array() });

function encode(frames: Piece[]): Uint8Array {
  return Buffer.concat(
    frames.flatMap(({ stream, bytes }) => {
      const header = Buffer.alloc(8);
      header[0] = stream === "stdout" ? 1 : 2;
      header.writeUInt32BE(bytes.length, 4);
      return [header, bytes];
    }),
  );
}

function cutAt(bytes: Uint8Array, cuts: number[]): Uint8Array[] {
  const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  return places.slice(1).map((end, at) => bytes.subarray(places[at], end));
}

function read(chunks: Uint8Array[]) {
  const frames = new FrameReader();
  const out = { stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) };
  for (const chunk of chunks) {
    for (const piece of frames.push(chunk)) out[piece.stream] = Buffer.concat([out[piece.stream], piece.bytes]);
  }
  return { ...out, betweenFrames: frames.betweenFrames };
}

test("both streams come out whole, however the bytes were cut", () =>
  fc.assert(
    fc.property(fc.array(frame), fc.array(fc.nat(), { maxLength: 20 }), (frames, cuts) => {
      const of = (stream: Piece["stream"]) =>
        Buffer.concat(frames.filter((f) => f.stream === stream).map((f) => f.bytes));
      expect(read(cutAt(encode(frames), cuts))).toEqual({
        stdout: of("stdout"),
        stderr: of("stderr"),
        betweenFrames: true,
      });
    }),
  ));

test("a cut inside a frame shows", () => {
  const bytes = encode([{ stream: "stdout", bytes: Buffer.from("hello") }]);
  for (let end = 1; end < bytes.length; end++) expect(read([bytes.subarray(0, end)]).betweenFrames).toBe(false);
});

test("hostile bytes are refused or read, and hold back at most a header", () =>
  fc.assert(
    fc.property(fc.array(fc.uint8Array()), (chunks) => {
      const frames = new FrameReader();
      try {
        for (const chunk of chunks)
          for (const piece of frames.push(chunk)) expect(piece.bytes.length).toBeGreaterThan(0);
      } catch (error) {
        expect(error).toBeInstanceOf(BrokenFrames);
      }
    }),
  ));

test("text where a header must be is refused", () => {
  expect(() => new FrameReader().push(Buffer.from("Error: no such exec"))).toThrow(BrokenFrames);
});
