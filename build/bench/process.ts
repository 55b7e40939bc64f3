/** What the kernel says of a process (Linux `/proc`): memory in MB (10^6 bytes), processor time in milliseconds. */
import { readFileSync, readlinkSync } from "node:fs";

function statusMb(pid: number, key: "VmRSS" | "VmHWM"): number | null {
  const found = new RegExp(`^${key}:\\s+(\\d+) kB$`, "m").exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  return found?.[1] === undefined ? null : (Number(found[1]) * 1024) / 1e6;
}

/** Resident memory now. @throws when the process is gone */
export function residentMb(pid: number): number {
  return statusMb(pid, "VmRSS") ?? Number.NaN;
}

/** Clock ticks per second of `/proc/<pid>/stat`: fixed by the Linux ABI. */
const TICKS_PER_SECOND = 100;

/** Processor time of the process so far, that of ended threads included. @throws when the process is gone */
export function cpuMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  // The command, in parentheses, may hold blanks: count from behind it. Then utime and stime are the 12th and 13th field.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return ((Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND) * 1000;
}

export type CommandRun = { wallMs: number; exitCode: number };

/** Runs a command to its end; its output goes nowhere. */
export async function runCommand(argv: string[], env: Record<string, string>): Promise<CommandRun> {
  const from = performance.now();
  const child = Bun.spawn(argv, { env, stdio: ["ignore", "ignore", "ignore"] });
  const exitCode = await child.exited;
  return { wallMs: performance.now() - from, exitCode };
}

/**
 * Peak resident memory of a command, looked up again and again while it runs: what `wait4` tells would be the larger of the
 * command's and this process's own peak, which it starts from.
 */
export async function peakMb(argv: [string, ...string[]], env: Record<string, string>): Promise<number> {
  const child = Bun.spawn(argv, { env, stdio: ["ignore", "ignore", "ignore"] });
  let peak = 0;
  let running = true;
  const ended = child.exited.then(() => {
    running = false;
  });
  while (running) {
    peak = Math.max(peak, highWaterMb(child.pid, argv[0]));
    await Promise.race([ended, Bun.sleep(0.5)]);
  }
  return peak;
}

/** 0 while the process is still on its way to `executable`, and once it is gone. */
function highWaterMb(pid: number, executable: string): number {
  try {
    if (readlinkSync(`/proc/${pid}/exe`) !== executable) return 0;
    return statusMb(pid, "VmHWM") ?? 0;
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "ENOENT" || code === "ESRCH" || code === "EACCES") return 0;
    throw error;
  }
}
