/**
 * Who is a host peer (06 §3): a process in our pid namespace whose control groups are not those of a container that we do
 * not live in ourselves. Decided over plain text; what cannot be read proves nothing.
 */
import { readFileSync, readlinkSync } from "node:fs";

/** What `/proc` says of a process while it lives. */
export type ProcFacts = { pidNamespace: string; cgroup: string; startTime: number };

export type Place = {
  host: boolean /** The full id of the peer's container, where one is known. */;
  containerId: string | null;
};

/** Under these parents every child is a container, whatever its name. */
const CONTAINER_PARENTS = new Set(["docker", "containerd", "lxc", "libpod", "libpod_parent", "lxc.payload"]);

/**
 * The containers that a `/proc/<pid>/cgroup` text places its process in, outermost first; each named by its 64-hex id or,
 * where the runtime gives none, by its path.
 */
export function containersIn(cgroup: string): string[] {
  const found = new Set<string>();
  for (const line of cgroup.split("\n")) {
    // `hierarchy:controllers:path`; a path may hold colons itself.
    const segments = line.replace(/^\d+:[^:]*:/, "").split("/");
    segments.forEach((segment, index) => {
      // conmon is podman's monitor; it runs on the host, in a scope that carries the container's id.
      if (segment.includes("conmon")) return;
      const ids = segment.match(/(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])/g);
      if (ids) for (const id of ids) found.add(id);
      else if (isContainerSegment(segment, segments[index - 1])) found.add(segments.slice(0, index + 1).join("/"));
    });
  }
  return [...found];
}

function isContainerSegment(segment: string, parent: string | undefined): boolean {
  if (segment === "") return false;
  if (parent !== undefined && CONTAINER_PARENTS.has(parent)) return true;
  return /^(lxc\.payload[.:]|kubepods|docker-.+\.scope$|libpod-.+\.scope$|cri-containerd-|crio-|systemd-nspawn@)/.test(
    segment,
  );
}

/** Decides from what was read of the peer and of ourselves. */
export function placeOf(
  peer: Pick<ProcFacts, "pidNamespace" | "cgroup">,
  own: Pick<ProcFacts, "pidNamespace" | "cgroup">,
): Place {
  const ours = new Set(containersIn(own.cgroup));
  const foreign = containersIn(peer.cgroup).filter((container) => !ours.has(container));
  const containerId = foreign.findLast((container) => /^[0-9a-f]{64}$/.test(container)) ?? null;
  return { host: peer.pidNamespace === own.pidNamespace && foreign.length === 0, containerId };
}

/**
 * The start of a process in clock ticks since boot, from the text of `/proc/<pid>/stat`.
 * @returns `null` for anything else, and for a process that has ended and only waits to be reaped
 */
export function startTimeIn(stat: string): number | null {
  // The command, in parentheses, may hold blanks and parentheses: count from behind it.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const ticks = Number(fields[19]);
  return fields[0] === "Z" || fields[0] === "X" || !Number.isInteger(ticks) ? null : ticks;
}

/** Clock ticks per second of `/proc/<pid>/stat`: fixed by the Linux ABI. */
const TICKS_PER_SECOND = 100;

/**
 * Whether a process had started by an instant `agoMs` before now. Both clocks tick in hundredths of a second, so a start
 * within the same tick counts.
 * @param uptime text of `/proc/uptime`
 */
export function startedBy(startTicks: number, uptime: string, agoMs: number): boolean {
  const then = Number.parseFloat(uptime) - agoMs / 1000;
  return (startTicks - 1) / TICKS_PER_SECOND <= then;
}

/** Reads a process; `null` when it is gone or may not be read. */
export function readProc(pid: number | "self"): ProcFacts | null {
  try {
    const startTime = startTimeIn(readFileSync(`/proc/${pid}/stat`, "utf8"));
    if (startTime === null) return null;
    return {
      pidNamespace: readlinkSync(`/proc/${pid}/ns/pid`),
      cgroup: readFileSync(`/proc/${pid}/cgroup`, "utf8"),
      startTime,
    };
  } catch {
    return null; // fails closed
  }
}

/** Whether the process that started at `startTime` still runs under this pid. */
export function processAlive(pid: number, startTime: number | null): boolean {
  if (pid <= 0) return false;
  if (startTime === null) {
    try {
      return process.kill(pid, 0);
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === "EPERM";
    }
  }
  try {
    return startTimeIn(readFileSync(`/proc/${pid}/stat`, "utf8")) === startTime;
  } catch {
    return false;
  }
}
