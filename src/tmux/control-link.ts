/**
 * A kept control-mode client of one tmux server (05 §11 "Transport"): commands go in as lines, answers come back in order,
 * changes arrive as notifications. A command without an answer within 2 s ends the link: nothing on it is repeated.
 */
import { BenchFault, type BenchStream } from "../base/bench.ts";
import type { Clock } from "../base/clock.ts";
import { randomHex } from "../base/ids.ts";
import { cut } from "../base/text.ts";
import { type Block, linkLines } from "./link-lines.ts";

/** Time for one answer, and for the attach itself (05 §11). */
const ANSWER_MS = 2000;
/** Commands that may wait for their answers at the same time. */
const MAX_WAITING = 64;
/** Everything that one command printed, in all its blocks: as for an exec (02 §12). */
const ANSWER_CHARACTERS = 4_194_304;
/** Piece of tmux's own text in a message, in characters. */
const REASON_CHARACTERS = 256;

/** `ok`: no command of the line failed. `lines`: everything that was printed, errors too. */
export type LinkAnswer = { ok: boolean; lines: string[] };

export type ControlLink = {
  /**
   * Sends one command line (several commands with `;` are fine) and gives all it printed.
   * @throws BenchFault: `lost` when the link is gone, `timeout` when it did not answer, `overflow` with too many waiting
   */
  command(line: string): Promise<LinkAnswer>;
  /** Resolves with the reason once the link is over; `timeout` means that the server answered nothing for too long. */
  readonly ended: Promise<BenchFault>;
  /** Detaches. Idempotent. */
  close(): void;
};

type Waiting = {
  guard: string;
  ok: boolean;
  lines: string[];
  characters: number;
  settled: AbortController;
  resolve(answer: LinkAnswer): void;
  reject(fault: BenchFault): void;
};

/**
 * Waits until tmux has attached.
 * @param stream an exec of `linkCommand`
 * @param onNotification every notification line from then on
 * @throws BenchFault when tmux does not attach
 */
export async function openLink(
  stream: BenchStream,
  clock: Clock,
  onNotification: (line: string) => void,
): Promise<ControlLink> {
  const waiting: Waiting[] = [];
  const attached = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<BenchFault>();
  const attachSettled = new AbortController();
  let fault: BenchFault | null = null;
  let isAttached = false;

  const end = (reason: BenchFault): void => {
    if (fault) return;
    fault = reason;
    stream.close();
    attachSettled.abort();
    attached.reject(reason);
    for (const one of waiting.splice(0)) {
      one.settled.abort();
      one.reject(reason);
    }
    ended.resolve(reason);
  };

  const onBlock = (block: Block): void => {
    if (!isAttached) {
      const reason = cut(block.lines.join(" "), REASON_CHARACTERS);
      if (!block.ok) {
        end(new BenchFault("failed", `tmux did not attach: ${reason}`));
        return;
      }
      isAttached = true;
      attachSettled.abort();
      attached.resolve();
      return;
    }
    const one = waiting[0];
    if (!block.ours || !one) return;
    if (block.lines.length === 1 && block.lines[0] === one.guard) {
      waiting.shift();
      one.settled.abort();
      one.resolve({ ok: one.ok, lines: one.lines });
      return;
    }
    one.ok &&= block.ok;
    for (const line of block.lines) {
      one.lines.push(line);
      one.characters += line.length + 1;
    }
    if (one.characters > ANSWER_CHARACTERS) end(new BenchFault("overflow", "the tmux link gave an answer over 4 MiB"));
  };

  const lines = linkLines({
    onBlock,
    onNotification: (line) => {
      if (line === "%exit" || line.startsWith("%exit ")) end(new BenchFault("lost", "tmux closed the link"));
      else if (isAttached) onNotification(line);
    },
  });

  const read = async (): Promise<void> => {
    try {
      for await (const bytes of stream.output) {
        lines.take(bytes);
        if (fault) return;
      }
      end(new BenchFault("lost", "the tmux link ended"));
    } catch (error) {
      end(error instanceof BenchFault ? error : new BenchFault("lost", `the tmux link broke: ${String(error)}`));
    }
  };

  /** Ends the link unless `settled` aborts within the limit. */
  const limit = async (settled: AbortSignal): Promise<void> => {
    const isLate = await clock.sleep(ANSWER_MS, settled).then(
      () => true,
      () => false,
    );
    if (isLate) end(new BenchFault("timeout", "the tmux link gave no answer within 2 s"));
  };

  void read();
  void limit(attachSettled.signal);
  await attached.promise;

  return {
    ended: ended.promise,
    close: () => end(new BenchFault("lost", "the tmux link was closed")),
    command(line) {
      if (fault) return Promise.reject(fault);
      // An empty line detaches, and a line break would be a second command.
      if (line.trim() === "" || /[\r\n]/.test(line)) throw new Error("a command over a link is one line");
      if (waiting.length >= MAX_WAITING) {
        return Promise.reject(new BenchFault("overflow", "too many commands wait on the tmux link"));
      }
      return new Promise((resolve, reject) => {
        const guard = `end-${randomHex(8)}`;
        const settled = new AbortController();
        waiting.push({ guard, ok: true, lines: [], characters: 0, settled, resolve, reject });
        // One line may print several blocks; the guard's own block tells that all of them are there.
        void limit(settled.signal);
        try {
          stream.write(`${line}\ndisplay-message -p ${guard}\n`);
        } catch (error) {
          // The other side may be gone a moment before its output ends.
          end(new BenchFault("lost", `the tmux link broke: ${String(error)}`));
        }
      });
    },
  };
}
