/**
 * Places from which a command sees its machine: a workstation, or a container of any kind, whatever the machine of the tests is.
 * Each command gets a mount namespace of its own, in which the few files are laid over that tell where one is (01 §10).
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Outcome, Tower } from "./tower.ts";

export type World = {
  /** `/.dockerenv` is there. */
  dockerenv?: boolean;
  /** What `/proc/self/cgroup` says; that of a login session by default. */
  cgroup?: string;
  /** What `/proc/self/mountinfo` says; nothing by default. */
  mountinfo?: string;
  /** What `/etc/hostname` says; nothing by default. */
  hostname?: string;
  /** The socket that is mounted where benches look for it; none by default. */
  socket?: string;
};

/** Root directory without `/.dockerenv` and `/run`; all else is this machine's. The command keeps the shell's pid. */
const ENTER = `
set -e
root=$1 here=$2 socket=$3
shift 3
mount -t tmpfs world "$root"
for entry in /*; do
  if [ -L "$entry" ]; then cp -P "$entry" "$root$entry"
  elif [ "$entry" = /run ]; then mkdir "$root/run"; mount -t tmpfs run "$root/run"
  elif [ -d "$entry" ]; then mkdir "$root$entry"; mount --rbind "$entry" "$root$entry"
  fi
done
mount --bind "$here/cgroup" "$root/proc/$$/cgroup"
mount --bind "$here/mountinfo" "$root/proc/$$/mountinfo"
mount --bind "$here/hostname" "$root/etc/hostname"
if [ -e "$here/dockerenv" ]; then : > "$root/.dockerenv"; fi
if [ -n "$socket" ]; then
  mkdir "$root/run/agenttower"
  : > "$root/run/agenttower/agenttowerd.sock"
  mount --bind "$socket" "$root/run/agenttower/agenttowerd.sock"
fi
exec chroot "$root" "$@"
`;

let worlds = 0;

/** Runs a command of a tower to its end in another world. `env` is added to the tower's environment. */
export async function runIn(
  world: World,
  tower: Tower,
  words: readonly string[],
  env: Record<string, string> = {},
): Promise<Outcome> {
  const here = join(tower.dir, `world-${++worlds}`);
  const root = join(here, "root");
  mkdirSync(root, { recursive: true });
  writeFileSync(join(here, "cgroup"), world.cgroup ?? "0::/user.slice/user-1000.slice/session-1.scope\n");
  writeFileSync(join(here, "mountinfo"), world.mountinfo ?? "");
  writeFileSync(join(here, "hostname"), world.hostname ?? "");
  if (world.dockerenv) writeFileSync(join(here, "dockerenv"), "");
  // Ordinary users may do this in a user namespace, where they keep their uid to the outside.
  const rights = process.getuid?.() === 0 ? [] : ["--map-root-user"];
  const enter = ["unshare", ...rights, "--mount", "sh", "-c", ENTER, "world", root, here, world.socket ?? ""];
  const child = Bun.spawn([...enter, join(tower.bin, "agenttower"), ...words], {
    env: { ...tower.env, ...env },
    cwd: "/",
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const [stdout, stderr, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { code, stdout, stderr };
}

/** The workstation of the user: no sign of a container. */
export const HOST: World = {};
