/** Where text goes. The program writes to its own streams, tests to memory. */
import type { Env } from "../config/paths.ts";

export type Output = {
  /** People look at it: aligned columns, relative times, progress. */
  readonly terminal: boolean;
  /** A terminal, and nobody asked for none with `NO_COLOR`. */
  readonly colour: boolean;
  write(text: string): void;
  /** Resolves once everything written so far has left. */
  flush(): Promise<void>;
};

/**
 * One of the process's own streams.
 * @param onBroken nothing more can be written: `reader gone`, or another reason
 */
export function streamOutput(
  stream: NodeJS.WriteStream,
  env: Env,
  onBroken: (why: "reader gone" | "failed") => void,
): Output {
  const terminal = stream.isTTY === true;
  let pending: Promise<void> = Promise.resolve();
  // A full disk behind a redirection is no reader that left; both end the output.
  stream.on("error", (error: NodeJS.ErrnoException) => onBroken(error.code === "EPIPE" ? "reader gone" : "failed"));
  return {
    terminal,
    colour: terminal && !env["NO_COLOR"],
    write(text) {
      if (text === "") return;
      const { promise, resolve } = Promise.withResolvers<void>();
      const before = pending;
      pending = before.then(() => promise);
      stream.write(text, () => resolve());
    },
    flush: () => pending,
  };
}
