/**
 * Brings what tests, demo and benchmark need beside Bun and its packages: tmux and a Docker Engine. Installs only on Debian and
 * Ubuntu, as root or by sudo without a password, and never asks anything; elsewhere it says exactly what is missing (00 §3).
 */
import { existsSync } from "node:fs";
import { proveEngine, startEngine } from "./engine.ts";
import { findProgram, rootPrefix } from "./programs.ts";

/** Whether a thing is there now; if not, a sentence for people that says what to do. */
export type Ensured = { ok: true } | { ok: false; reason: string };

/** Has tmux installed. */
export function ensureTmux(): Promise<Ensured> {
  return ensurePrograms([{ program: "tmux", packageName: "tmux" }]);
}

/** Has installed what a bench image is made of, for an Engine that is there already. */
export async function ensureBenchImage(): Promise<Ensured> {
  if (process.platform !== "linux")
    return { ok: false, reason: "bench images are made from a Linux system's programs" };
  return ensurePrograms([
    { program: "tmux", packageName: "tmux" },
    { program: "busybox", packageName: "busybox-static" },
  ]);
}

/**
 * Has the programs of a Docker Engine installed, and one started and made to run a container for proof: in an unprivileged container the
 * programs may be there and the kernel still refuse.
 */
export async function ensureEngine(): Promise<Ensured> {
  if (process.platform !== "linux") return { ok: false, reason: "a private Docker Engine runs on Linux only" };
  const programs = await ensurePrograms([
    { program: "dockerd", packageName: "docker.io" },
    { program: "busybox", packageName: "busybox-static" },
  ]);
  if (!programs.ok) return programs;
  if (rootPrefix() === null) return { ok: false, reason: "a Docker Engine needs root, or sudo without a password" };
  try {
    const engine = await startEngine();
    try {
      await proveEngine(engine.socketPath);
    } finally {
      await engine.stop();
    }
    return { ok: true };
  } catch (error) {
    return { ok: false, reason: error instanceof Error ? error.message : String(error) };
  }
}

async function ensurePrograms(needed: { program: string; packageName: string }[]): Promise<Ensured> {
  const missing = needed.filter(({ program }) => findProgram(program) === null);
  if (missing.length === 0) return { ok: true };
  const names = missing.map(({ program }) => program).join(" and ");
  const packages = missing.map(({ packageName }) => packageName);
  const todo = `${names} missing; as root: apt-get install ${packages.join(" ")}`;
  const apt = findProgram("apt-get");
  const root = rootPrefix();
  if (apt === null) return { ok: false, reason: `${names} missing; install it with this system's package manager` };
  if (root === null) return { ok: false, reason: todo };

  console.error(`Installing ${packages.join(", ")}...`);
  const install = [apt, "install", "--yes", "--no-install-recommends", ...packages];
  // Fresh images have no package lists, old machines have lists whose files are gone: both are cured by an update.
  const lists = existsSync("/var/lib/apt/lists") && (await quietly(root, install));
  if (!lists && !((await quietly(root, [apt, "update"])) && (await quietly(root, install, true)))) {
    return { ok: false, reason: `${todo} (tried, and failed: see above)` };
  }
  const still = missing.filter(({ program }) => findProgram(program) === null);
  return still.length === 0 ? { ok: true } : { ok: false, reason: todo };
}

/** Runs as root without a terminal; its output is shown only when it failed and `loud` is set. */
async function quietly(root: string[], argv: string[], loud = false): Promise<boolean> {
  const child = Bun.spawn([...root, "env", "DEBIAN_FRONTEND=noninteractive", ...argv], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [stdout, stderr, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  if (code !== 0 && loud) console.error(`${stdout}${stderr}`.trimEnd());
  return code === 0;
}
