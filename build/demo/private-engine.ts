/**
 * A Docker Engine of the demo's own. Unlike the one of the tests it outlives the run that started it; all of it lies in one
 * folder, and it is known again by its pid file and by that folder in its command line.
 */
import { closeSync, existsSync, mkdirSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { findProgram, rootPrefix } from "../programs.ts";
import { EngineApi, engineAtSocket } from "./engine-api.ts";

const READY_MS = 30_000;
const POLL_MS = 50;
/** It ends its helpers and unmounts within this. */
const END_MS = 20_000;

/** Socket of the Engine under `dir`, whether or not it runs. */
export function privateSocket(dir: string): string {
  return join(dir, "docker.sock");
}

/**
 * Starts `dockerd` with data and sockets under `dir`.
 * @param namespace keeps its containers apart where a containerd of the system serves it
 * @throws with its last words when it does not come up
 */
export async function startPrivateEngine(dir: string, namespace: string): Promise<void> {
  const [dockerd, root] = [findProgram("dockerd"), rootPrefix()];
  if (dockerd === null || root === null) throw new Error("dockerd, or the right to run it, is gone");
  mkdirSync(dir, { recursive: true, mode: 0o755 });
  const log = openSync(join(dir, "dockerd.log"), "w", 0o600);
  const child = Bun.spawn(
    [
      ...root,
      ...[dockerd, "--host", `unix://${privateSocket(dir)}`, "--group", String(process.getgid?.() ?? 0)],
      ...["--data-root", join(dir, "root"), "--exec-root", join(dir, "exec"), "--pidfile", join(dir, "pid")],
      ...["--bridge=none", "--iptables=false", "--ip6tables=false", "--ip-forward=false"],
      ...["--exec-opt", "native.cgroupdriver=cgroupfs"],
      ...["--containerd-namespace", namespace, "--containerd-plugins-namespace", `${namespace}-plugins`],
    ],
    {
      stdio: ["ignore", log, log],
      detached: true,
      env: { PATH: `${process.env["PATH"] ?? ""}:/usr/local/sbin:/usr/sbin:/sbin`, HOME: dir },
    },
  );
  closeSync(log);
  child.unref();
  const engine = new EngineApi(engineAtSocket(privateSocket(dir)));
  const until = performance.now() + READY_MS;
  while ((await engine.refusal()) !== null) {
    if (child.exitCode !== null) throw new Error(`dockerd ended: ${lastWords(dir)}`);
    if (performance.now() > until) {
      await stopPrivateEngine(dir);
      throw new Error(`dockerd did not answer in ${READY_MS / 1000} s: ${lastWords(dir)}`);
    }
    await Bun.sleep(POLL_MS);
  }
}

/** Ends it and removes its folder with everything mounted in it. @returns false when it did not run */
export async function stopPrivateEngine(dir: string): Promise<boolean> {
  const root = rootPrefix() ?? [];
  const pid = pidOf(dir);
  if (pid !== null) {
    Bun.spawnSync([...root, "kill", String(pid)]);
    const until = performance.now() + END_MS;
    while (pidOf(dir) === pid) {
      if (performance.now() > until) throw new Error(`dockerd, pid ${pid}, does not end`);
      await Bun.sleep(POLL_MS);
    }
  }
  for (const mount of mountsUnder(dir)) Bun.spawnSync([...root, "umount", "-l", mount]);
  const removal = Bun.spawnSync([...root, "rm", "-rf", "--", dir]);
  if (removal.exitCode !== 0) throw new Error(`cannot remove ${dir}: ${removal.stderr.toString().trim()}`);
  return pid !== null;
}

/** The pid in its file, if that process is still the one: a pid may have gone to another since. */
function pidOf(dir: string): number | null {
  const file = join(dir, "pid");
  if (!existsSync(file)) return null;
  const pid = Number(readFileSync(file, "utf8").trim());
  try {
    const words = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
    return words.includes(join(dir, "root")) ? pid : null;
  } catch (error) {
    if (error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ESRCH")) return null;
    throw error;
  }
}

function lastWords(dir: string): string {
  const lines = readFileSync(join(dir, "dockerd.log"), "utf8").trimEnd().split("\n");
  return (lines.at(-1) ?? "").slice(0, 500);
}

/** Mount points under `dir`, the deepest first. */
function mountsUnder(dir: string): string[] {
  const plain = (text: string) =>
    text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
  return readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .map((line) => plain(line.split(" ")[4] ?? ""))
    .filter((mount) => mount.startsWith(`${dir}/`))
    .sort()
    .reverse();
}
