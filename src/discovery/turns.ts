/**
 * One scan of a kind at a time (02 §3.1). Requested scans go in the order they came, and before a background scan that has
 * not begun, so that a request waits at most for the running one (02 §11).
 */

/** Requested scans that may wait in line; each is a connection of its own, of which there are at most 256. */
const MAX_WAITING = 256;

export type Turns = {
  /** Runs `work` when it is its turn. @throws Error when the line is full */
  take<T>(origin: "requested" | "background", work: () => Promise<T>): Promise<T>;
};

export function createTurns(): Turns {
  const lines = { requested: [] as (() => void)[], background: [] as (() => void)[] };
  let busy = false;

  const leave = (): void => {
    const next = lines.requested.shift() ?? lines.background.shift();
    if (next) next();
    else busy = false;
  };

  return {
    async take(origin, work) {
      if (busy) {
        if (lines[origin].length >= MAX_WAITING) throw new Error("too many scans wait for their turn");
        await new Promise<void>((resolve) => lines[origin].push(resolve));
      }
      busy = true;
      try {
        return await work();
      } finally {
        leave();
      }
    },
  };
}
