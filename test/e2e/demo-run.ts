/** Runs the demo as `npm run demo` does, and reads what it printed. */
import { readFileSync } from "node:fs";
import { join } from "node:path";

const root = new URL("../..", import.meta.url).pathname;

export type DemoOutcome = { code: number; stdout: string; stderr: string };

/** @param more `env` goes on top of this process's own, `undefined` takes away; `prefix` stands before the command */
export async function runDemo(
  words: string[],
  more: { env?: Record<string, string | undefined>; prefix?: string[] } = {},
): Promise<DemoOutcome> {
  const child = Bun.spawn([...(more.prefix ?? []), process.execPath, "--no-env-file", "build/demo.ts", ...words], {
    cwd: root,
    env: { ...process.env, NO_COLOR: "1", ...more.env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [stdout, stderr, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { code, stdout, stderr };
}

/** The lines of the pane table without the title, columns by one blank. */
export function paneLines(stdout: string): string[] {
  const after = stdout.split("Panes, as app.pane.list answers\n")[1] ?? "";
  const lines = (after.split("\n\n")[0] ?? "").split("\n").slice(1);
  return lines.map((line) => line.trim().split(/\s+/).slice(0, 4).join(" ")).filter((line) => line !== "");
}

/** Pid of the daemon, as the demo said it. */
export function shownPid(stdout: string): number {
  return Number(/runs, pid (\d+)/.exec(stdout)?.[1]);
}

/** Whether a process runs; one that has ended and waits for its parent does not. */
export function isAlive(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return !/^.*\) Z /s.test(stat);
  } catch (error) {
    if (error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ESRCH")) return false;
    throw error;
  }
}

/** What the demo wrote down about itself. */
export function readRecordOf(home: string): Record<string, unknown> {
  return JSON.parse(readFileSync(join(home, "demo.json"), "utf8"));
}
