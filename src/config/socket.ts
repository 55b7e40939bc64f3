/** Which socket a client talks to, resolved anew by every invocation (01 §10). */
import { lstatSync, readlinkSync, type Stats, statSync } from "node:fs";
import { dirname, isAbsolute, resolve } from "node:path";
import type { LocalFiles } from "./local-files.ts";
import type { Env, Paths } from "./paths.ts";

/** Where benches find the daemon's socket when it is mounted. */
export const MOUNTED_SOCKET = "/run/agenttower/agenttowerd.sock";

export type SocketSource = "env_override" | "mounted_default" | "host_default";
export type SocketChoice = { path: string; source: SocketSource };

/** `AGENTTOWER_SOCKET` is set and unusable; the message is the whole line after `error: `. */
export class BadSocketOverride extends Error {
  constructor(reason: string) {
    super(`AGENTTOWER_SOCKET must be an absolute path to a Unix socket: ${reason}`);
    this.name = "BadSocketOverride";
  }
}

/**
 * The socket of this invocation.
 * @param allowed an override that need not exist yet: the host default path, for those who are about to start the daemon
 * @throws BadSocketOverride never a silent fallback
 */
export function resolveSocket(env: Env, paths: Paths, files: LocalFiles, allowed?: string): SocketChoice {
  const override = env["AGENTTOWER_SOCKET"];
  if (override !== undefined) {
    const path = override.trim();
    const fault = overrideFault(path);
    if (fault && !(fault === ABSENT && path === allowed)) throw new BadSocketOverride(fault);
    return { path, source: "env_override" };
  }
  if (inContainer(files) && files.isSocket(MOUNTED_SOCKET)) return { path: MOUNTED_SOCKET, source: "mounted_default" };
  return { path: paths.socket, source: "host_default" };
}

const ABSENT = "value does not exist";

function overrideFault(path: string): string | null {
  if (path === "") return "value is empty";
  if (path.includes("\0")) return "value contains NUL byte";
  if (!isAbsolute(path)) return "value is not absolute";
  const target = statOrNull(path, statSync);
  const link = statOrNull(path, lstatSync);
  if (!link || !target) return ABSENT;
  const end = link.isSymbolicLink() ? statOrNull(resolve(dirname(path), readlinkSync(path)), lstatSync) : link;
  // A link to a link is refused: one step is what can be shown to the user and checked.
  return end?.isSocket() ? null : "value is not a Unix socket";
}

function statOrNull(path: string, stat: (path: string) => Stats): Stats | null {
  try {
    return stat(path);
  } catch {
    return null; // absent, dangling or behind a directory that is closed to us: not there for this user
  }
}

const CONTAINER_MARKERS = ["/.dockerenv", "/run/.containerenv"];
const CONTAINER_CGROUPS = ["docker/", "containerd/", "kubepods/", "lxc/"];

/** Whether this process runs in a container, by local files alone. */
export function inContainer(files: LocalFiles): boolean {
  if (CONTAINER_MARKERS.some((path) => files.exists(path))) return true;
  const cgroup = files.text("/proc/self/cgroup") ?? "";
  return CONTAINER_CGROUPS.some((part) => cgroup.includes(part));
}
