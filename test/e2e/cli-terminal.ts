/** A program on a terminal of its own: what a person would see of it, escape sequences included. */
import { until } from "../support/until.ts";

/** Text without what sets colours and weights. */
export const withoutColours = (text: string): string => text.replace(/\u001b\[[0-9;]*m/g, "");

export type TerminalSize = { cols?: number; rows?: number };

/** Starts `argv` on a new terminal; it ends with the scope. */
export function openTerminal(
  argv: string[],
  env: Record<string, string>,
  cwd: string,
  { cols = 200, rows = 50 }: TerminalSize = {},
) {
  const decoder = new TextDecoder();
  const ended = Promise.withResolvers<void>();
  let text = "";
  const child = Bun.spawn(argv, {
    env,
    cwd,
    terminal: {
      cols,
      rows,
      data: (_, bytes) => {
        text += decoder.decode(bytes, { stream: true });
      },
      // Comes when the last program has let go of the terminal, after the last of its output.
      exit: () => ended.resolve(),
    },
  });
  return {
    /** All it wrote since the start, or since `forget`. */
    text: () => text,
    forget: () => {
      text = "";
    },
    type: (keys: string) => void child.terminal?.write(keys),
    /** Waits until it shows this, whatever the colours. */
    shows: (what: string | RegExp) =>
      until(() => {
        const plain = withoutColours(text);
        if (typeof what === "string" ? plain.includes(what) : what.test(plain)) return true;
        throw new Error(`it shows ${JSON.stringify(text)}`);
      }, `${what} on the terminal`),
    /** @returns its exit code, once all output is there */
    async exited(): Promise<number> {
      const code = await child.exited;
      await ended.promise;
      return code;
    },
    async [Symbol.asyncDispose](): Promise<void> {
      child.kill("SIGKILL");
      await child.exited;
      child.terminal?.close();
    },
  };
}
