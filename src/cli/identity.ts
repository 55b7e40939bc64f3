/**
 * Who this process is: which container it runs in and which tmux pane it sits in (01 §10), and which row of the daemon that is
 * (01 §17: one resolver for all commands). Pure over environment and local files; tmux is never run.
 */
import { clean, cut } from "../base/text.ts";
import { type LocalFiles, shortValue, VALUE_CHARACTERS } from "../config/local-files.ts";
import type { Env } from "../config/paths.ts";

export type Signal = "env" | "cgroup" | "mounts" | "hostname" | "hostname_env";

export type ContainerIdentity =
  | { kind: "value"; value: string; signal: Signal }
  /** Sources that should agree do not; none is picked. */
  | { kind: "ambiguous"; candidates: readonly string[]; signal: Signal }
  | { kind: "none" };

/** The container this process believes to be in; the first source that yields a value. */
export function containerIdentity(env: Env, files: LocalFiles): ContainerIdentity {
  const named = shortValue(clean(env["AGENTTOWER_CONTAINER_ID"] ?? ""));
  if (named !== "") return { kind: "value", value: named, signal: "env" };
  const cgroup = agreed(cgroupIds(files.text("/proc/self/cgroup") ?? ""), "cgroup");
  if (cgroup) return cgroup;
  const mounts = agreed(mountIds(files.text("/proc/self/mountinfo") ?? ""), "mounts");
  if (mounts) return mounts;
  for (const [text, signal] of [
    [files.text("/etc/hostname"), "hostname"],
    [env["HOSTNAME"], "hostname_env"],
  ] as const) {
    const value = shortValue(clean(text ?? ""));
    if (value !== "") return { kind: "value", value, signal };
  }
  return { kind: "none" };
}

function agreed(ids: readonly string[], signal: Signal): ContainerIdentity | null {
  const different = [...new Set(ids)];
  const [value] = different;
  if (value === undefined) return null;
  return different.length === 1
    ? { kind: "value", value, signal }
    : { kind: "ambiguous", candidates: different, signal };
}

/** A path that names a container: `…/docker/<id>`, `docker-<id>.scope`, `kubepods.slice/…`, … */
const CONTAINER_PATH = /(?:^|[/-])(?:docker|containerd|kubepods|lxc|libpod|crio)[/.-]/;
const LONG_ID = /(?<![0-9a-z])[0-9a-f]{64}(?![0-9a-z])/g;
const SHORT_ID = /(?<![0-9a-z])[0-9a-f]{12,63}(?![0-9a-z])/g;
const MIN_ID_CHARACTERS = 8;

/**
 * The identifier on every line of a cgroup file that names a container: the last run of 64 hex digits, else of 12 and more, else
 * the last part of the path (LXC has names).
 */
export function cgroupIds(text: string): string[] {
  return text.split("\n").flatMap((line) => {
    if (!CONTAINER_PATH.test(line)) return [];
    const id = line.match(LONG_ID)?.at(-1) ?? line.match(SHORT_ID)?.at(-1) ?? lastPart(line);
    return id ? [shortValue(clean(id))] : [];
  });
}

function lastPart(line: string): string | null {
  const part =
    line
      .split("/")
      .at(-1)
      ?.replace(/\.(scope|slice)$/, "") ?? "";
  return part.length >= MIN_ID_CHARACTERS ? part : null;
}

/** Files that an engine mounts into each container from a folder with the container's id. */
const MOUNTED_FILES = new Set(["/etc/hostname", "/etc/hosts", "/etc/resolv.conf"]);

/** The identifiers in the sources of those mounts; a private cgroup namespace hides the id everywhere else. */
export function mountIds(text: string): string[] {
  return text.split("\n").flatMap((line) => {
    // `36 35 98:0 /root/of/mount /mount/point rw …`
    const [, , , source, target] = line.split(" ");
    if (!source || !target || !MOUNTED_FILES.has(target)) return [];
    const id = source.match(LONG_ID)?.at(-1);
    return id ? [id] : [];
  });
}

export type TmuxIdentity =
  | { kind: "none" }
  | { kind: "malformed" }
  | { kind: "pane"; socketPath: string; sessionId: string; paneId: string };

/** The pane this process sits in. `TMUX` unset or empty: in none, whatever `TMUX_PANE` says. */
export function tmuxIdentity(env: Env): TmuxIdentity {
  const tmux = value(env["TMUX"]);
  if (tmux === "") return { kind: "none" };
  const first = tmux.indexOf(",");
  const second = tmux.indexOf(",", first + 1);
  const paneId = value(env["TMUX_PANE"]);
  if (first < 0 || second < 0 || !/^%[0-9]+$/.test(paneId)) return { kind: "malformed" };
  const [socketPath, serverPid, sessionId] = [
    tmux.slice(0, first),
    tmux.slice(first + 1, second),
    tmux.slice(second + 1),
  ];
  if (!socketPath || !serverPid || !sessionId) return { kind: "malformed" };
  return { kind: "pane", socketPath, sessionId, paneId };
}

function value(text: string | undefined): string {
  return cut(clean(text ?? ""), VALUE_CHARACTERS);
}

export type ContainerRow = { id: string; name: string; active: boolean };
export type Match<Row> = { kind: "none" } | { kind: "one"; row: Row } | { kind: "several"; rows: readonly Row[] };

/** Shorter values match whole ids and names only. */
const MIN_PREFIX_CHARACTERS = 12;

/** The active container that a value names: its id, else a prefix of its id, else its name. */
export function matchContainer<Row extends ContainerRow>(named: string, rows: readonly Row[]): Match<Row> {
  const active = rows.filter((row) => row.active);
  const byId = active.filter(({ id }) => id === named);
  const byPrefix = named.length >= MIN_PREFIX_CHARACTERS ? active.filter(({ id }) => id.startsWith(named)) : [];
  const byName = active.filter(({ name }) => name === named);
  return matchOf([byId, byPrefix, byName].find((found) => found.length > 0) ?? []);
}

export type PaneRow = { container_id: string; tmux_socket_path: string; tmux_pane_id: string; active: boolean };

/**
 * The active rows of a pane.
 * @param containerId only panes of this container, where it is known
 */
export function matchPane<Row extends PaneRow>(
  pane: { socketPath: string; paneId: string },
  rows: readonly Row[],
  containerId: string | null,
): Match<Row> {
  const found = rows.filter(
    (row) =>
      row.active &&
      row.tmux_socket_path === pane.socketPath &&
      row.tmux_pane_id === pane.paneId &&
      (containerId === null || row.container_id === containerId),
  );
  return matchOf(found);
}

function matchOf<Row>(rows: readonly Row[]): Match<Row> {
  const [row] = rows;
  if (!row) return { kind: "none" };
  return rows.length === 1 ? { kind: "one", row } : { kind: "several", rows };
}
