/** The demo where no Engine can be had: two sessions on a private tmux server of this machine (00 §7). */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { findProgram } from "../programs.ts";
import { AGENTS, newSession } from "./agents.ts";

/** Environment of the private server: nothing of a tmux that the demo itself may run in. */
function outside(): Record<string, string | undefined> {
  const { TMUX: _server, TMUX_PANE: _pane, ...env } = process.env;
  return { ...env, LANG: "C.UTF-8" };
}

function tmux(socket: string, words: string[]): { ok: boolean; stderr: string } {
  const run = Bun.spawnSync([findProgram("tmux") ?? "tmux", "-S", socket, "-f", "/dev/null", ...words], {
    env: outside(),
  });
  return { ok: run.exitCode === 0, stderr: run.stderr.toString().trim() };
}

/** Starts the server on `socket` with one agent per session. @throws when tmux refuses */
export function startHostAgents(socket: string, dir: string): void {
  for (const agent of AGENTS) {
    const cwd = join(dir, "projects", agent.name);
    mkdirSync(cwd, { recursive: true });
    const started = tmux(socket, newSession(agent, cwd));
    if (!started.ok) throw new Error(`tmux: ${started.stderr}`);
  }
}

/** Ends the private server and its panes. @returns false when none ran */
export function stopHostAgents(socket: string): boolean {
  return tmux(socket, ["kill-server"]).ok;
}
