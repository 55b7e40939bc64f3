/** Real tmux servers of this machine on private sockets. Nothing of a tmux that the tests may run in is touched. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export type LocalTmux = Disposable & {
  dir: string;
  socket(name: string): string;
  /** @throws Error when tmux refuses */
  tmux(name: string, ...argv: string[]): string;
};

const env = (): Record<string, string | undefined> => {
  const { TMUX: _server, TMUX_PANE: _pane, ...rest } = process.env;
  return { ...rest, LANG: "C.UTF-8", LC_ALL: "C.UTF-8" };
};

export function localTmux(): LocalTmux {
  const dir = mkdtempSync(join(tmpdir(), "agenttower-tmux-"));
  const used = new Set<string>();
  const socket = (name: string) => join(dir, name);
  return {
    dir,
    socket,
    tmux(name, ...argv) {
      used.add(name);
      const ran = Bun.spawnSync(["tmux", "-f", "/dev/null", "-S", socket(name), ...argv], { env: env() });
      if (ran.exitCode !== 0) throw new Error(`tmux ${argv.join(" ")}: ${ran.stderr.toString()}`);
      return ran.stdout.toString().trim();
    },
    [Symbol.dispose]() {
      for (const name of used) Bun.spawnSync(["tmux", "-S", socket(name), "kill-server"], { env: env() });
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
