/**
 * The lines of a control-mode client as blocks and notifications (tmux(1), CONTROL MODE). Answers come raw, so a working
 * directory could imitate `%end`; numbers of blocks only grow and nothing but notifications stands between blocks, so every
 * imitation shows as a breach and never as a shorter answer.
 */
import { BenchFault } from "../base/bench.ts";

/** Longest line (03 §15.2). */
const LINE_BYTES = 1_048_576;
/** Longest answer, as for an exec (02 §12). */
const BLOCK_BYTES = 4_194_304;

/** `ours`: the answer to a line that this client sent; else tmux's own doing. */
export type Block = { ours: boolean; ok: boolean; lines: string[] };

export type LinkListener = {
  onBlock(block: Block): void;
  /** A line such as `%window-add @2`. */
  onNotification(line: string): void;
};

export type LinkLines = {
  /** Takes the next bytes. @throws BenchFault `overflow` or `frames`: the link cannot be trusted any more */
  take(bytes: Uint8Array): void;
};

export function linkLines(listener: LinkListener): LinkLines {
  let pieces: Uint8Array[] = [];
  let pendingBytes = 0;
  let open: { mark: string; ours: boolean; lines: string[]; bytes: number } | null = null;
  let lastNumber = -1;
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

  const takeLine = (line: string): void => {
    if (open) {
      const [, kind, mark] = /^%(end|error) (\d+ \d+ \d+)$/.exec(line) ?? [];
      if (kind !== undefined && mark === open.mark) {
        const block = { ours: open.ours, ok: kind === "end", lines: open.lines };
        open = null;
        listener.onBlock(block);
        return;
      }
      open.bytes += line.length + 1;
      if (open.bytes > BLOCK_BYTES) throw new BenchFault("overflow", "the tmux link gave an answer over 4 MiB");
      open.lines.push(line);
      return;
    }
    const [, mark, number, flags] = /^%begin (\d+ (\d+) (\d+))$/.exec(line) ?? [];
    if (mark !== undefined) {
      if (Number(number) <= lastNumber) throw new BenchFault("frames", "the tmux link repeated a block number");
      lastNumber = Number(number);
      open = { mark, ours: (Number(flags) & 1) === 1, lines: [], bytes: 0 };
      return;
    }
    if (!line.startsWith("%") || /^%(end|error|begin)\b/.test(line)) {
      throw new BenchFault("frames", "the tmux link sent a line outside its blocks");
    }
    listener.onNotification(line);
  };

  return {
    take(bytes) {
      let from = 0;
      for (;;) {
        const to = bytes.indexOf(0x0a, from);
        const piece = bytes.subarray(from, to < 0 ? bytes.length : to);
        pendingBytes += piece.length;
        if (pendingBytes > LINE_BYTES) throw new BenchFault("overflow", "the tmux link sent a line over 1 MiB");
        if (to < 0) {
          if (piece.length > 0) pieces.push(piece.slice());
          return;
        }
        pieces.push(piece);
        const line = decoder.decode(pieces.length === 1 ? piece : Buffer.concat(pieces));
        pieces = [];
        pendingBytes = 0;
        from = to + 1;
        takeLine(line.endsWith("\r") ? line.slice(0, -1) : line);
      }
    },
  };
}
