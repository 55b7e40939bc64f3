/** A world for commands: output in memory, a home of its own, and a daemon that answers as a test tells it. */
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../src/base/clock.ts";
import type { CliContext } from "../../src/cli/context.ts";
import type { Output } from "../../src/cli/output.ts";
import { runCommandLine } from "../../src/cli/run.ts";
import type { LocalFiles } from "../../src/config/local-files.ts";

export type Memory = Output & { text(): string };

type MemoryOptions = { terminal?: boolean; colour?: boolean; onWrite?: (text: string) => void };

export function memory({ terminal = false, colour = false, onWrite }: MemoryOptions = {}): Memory {
  let text = "";
  return {
    terminal,
    colour,
    write(more) {
      text += more;
      onWrite?.(more);
    },
    flush: async () => undefined,
    text: () => text,
  };
}

/** Answers a request line; bytes that came are given as text. `null` closes the connection without an answer. */
export type Reply = (line: string) => string | null;

export function createWorld(env: Record<string, string> = {}) {
  const home = mkdtempSync(join(tmpdir(), "at-cli-"));
  const socket = join(home, "d.sock");
  const requests: string[] = [];
  let connections = 0;
  let listener: Server | undefined;
  const open = new Set<Socket>();
  /** A host machine: nothing says that it is a container. */
  const files: LocalFiles = { exists: () => true, text: () => null, isSocket: () => false };

  const context = (input: string, terminal: boolean): CliContext & { out: Memory; err: Memory } => ({
    env: { HOME: home, AGENTTOWER_SOCKET: socket, ...env },
    out: memory({ terminal }),
    err: memory(),
    async *input() {
      yield Buffer.from(input);
    },
    clock: systemClock(),
    files,
    uid: process.geteuid?.(),
  });

  return {
    home,
    socket,
    requests,
    connections: () => connections,
    context,

    /** A daemon that keeps its connections; a refusal to keep is the reply's to make. */
    serve(reply: Reply): Promise<void> {
      listener = createServer((wire) => {
        connections++;
        let rest = "";
        wire.on("error", () => wire.destroy());
        wire.on("data", (chunk) => {
          const lines = (rest + chunk.toString()).split("\n");
          rest = lines.pop() ?? "";
          for (const line of lines) {
            requests.push(line);
            const answer = reply(line);
            if (answer === null) return void wire.destroy();
            wire.write(`${answer}\n`);
          }
        });
        open.add(wire);
      });
      const { promise, resolve } = Promise.withResolvers<void>();
      listener.listen(socket, resolve);
      return promise;
    },

    /** Runs a command line. */
    async run(words: readonly string[], { input = "", terminal = false } = {}) {
      const world = context(input, terminal);
      const exit = await runCommandLine(world, words);
      return { exit, stdout: world.out.text(), stderr: world.err.text() };
    },

    [Symbol.dispose](): void {
      listener?.close();
      for (const wire of open) wire.destroy();
      rmSync(home, { recursive: true, force: true });
    },
  };
}

export const ok = (result: unknown): string => JSON.stringify({ ok: true, result });
export const refusal = (code: string, message = "no"): string =>
  JSON.stringify({ ok: false, error: { code, message } });
