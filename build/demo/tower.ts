/** The demo's daemon, reached as any user reaches it: through the compiled executable's commands. */
import * as v from "valibot";
import { containerMethods } from "../../src/contract/app/container.ts";
import { overviewMethods } from "../../src/contract/app/overview.ts";
import { paneMethods } from "../../src/contract/app/pane.ts";
import { paneScanResult } from "../../src/contract/scans.ts";
import type { DemoHome } from "./home.ts";

/** The agents' tmux servers must be there by then. */
const PANES_MS = 15_000;
const POLL_MS = 100;
/** `scan` says so when part of it failed; the rest of the answer stands (01 §13). */
const DEGRADED_EXIT = 5;
const NO_DAEMON_EXIT = 2;

const readySchema = v.object({ pid: v.number() });
const envelope = <const R extends v.GenericSchema>(result: R) => v.object({ ok: v.literal(true), result });

/** @param daemonEnv goes on top of the user's own environment, as `DOCKER_HOST` of a private Engine does */
export function towerOf(executable: string, home: DemoHome, daemonEnv: Record<string, string>) {
  const { AGENTTOWER_SOCKET: _socket, ...own } = process.env;
  const env = { ...own, ...home.env, ...daemonEnv, NO_COLOR: "1" };

  async function run(words: string[], allowed: number[] = []): Promise<string> {
    const child = Bun.spawn([executable, ...words], { env, stdio: ["ignore", "pipe", "pipe"] });
    const [stdout, stderr, code] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
      child.exited,
    ]);
    if (code === 0 || allowed.includes(code)) return stdout;
    throw new Error(`agenttower ${words.join(" ")} ended with ${code}: ${(stderr || stdout).trim()}`);
  }

  async function call<const R extends v.GenericSchema>(method: string, result: R): Promise<v.InferOutput<R>> {
    return v.parse(envelope(result), JSON.parse(await run(["app", "call", method]))).result as v.InferOutput<R>;
  }

  return {
    run,
    /** Starts the daemon detached; it answers when this resolves. */
    start: async () => v.parse(readySchema, JSON.parse(await run(["daemon", "start", "--json"]))),
    /** Stops the daemon. @returns false when none ran */
    stop: async () => (await run(["daemon", "stop"], [NO_DAEMON_EXIT])) !== "",
    /** Scans until all agents' panes are seen; a bench needs a moment until its tmux server is there. */
    async findPanes(expected: number) {
      const until = performance.now() + PANES_MS;
      for (;;) {
        await run(["scan", "--containers", "--json"], [DEGRADED_EXIT]);
        const answer = JSON.parse(await run(["scan", "--panes", "--json"], [DEGRADED_EXIT]));
        const scan = v.parse(envelope(paneScanResult), answer).result;
        if (scan.panes_seen >= expected) return scan;
        if (performance.now() > until)
          throw new Error(`only ${scan.panes_seen} of ${expected} panes came: ${scan.error_message}`);
        await Bun.sleep(POLL_MS);
      }
    },
    containers: async () => (await call("app.container.list", containerMethods["app.container.list"].result)).rows,
    panes: async () => (await call("app.pane.list", paneMethods["app.pane.list"].result)).rows,
    dashboard: () => call("app.dashboard", overviewMethods["app.dashboard"].result),
  };
}
