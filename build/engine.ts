/**
 * A private Docker Engine: all of it in one new folder under /tmp, nothing shared with the user's. It lives no longer than the
 * process that started it, however that ends: a small shell holds it and stops it when our end of a pipe is closed.
 */
import { chmodSync, closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { benchRootFs } from "./bench-image.ts";
import { findProgram, rootPrefix } from "./programs.ts";

export type PrivateEngine = {
  /** Path of its socket. */
  socketPath: string;
  /** `DOCKER_HOST` for it. */
  dockerHost: string;
  /** Pid of `dockerd`. */
  pid: number;
  /** Ends it and removes its folder. Idempotent. */
  stop(): Promise<void>;
};

const READY_MS = 30_000;
/** It ends its containers first. */
const STOP_MS = 60_000;
const POLL_MS = 50;
const PING_MS = 2000;
/** Longest wait for any answer; an import or a slow stop is the longest of them. */
const ANSWER_MS = 60_000;

/**
 * Runs the Engine until nobody holds the other end of the pipe `hold`, then takes away its mounts and its folder. It runs behind
 * a shell that is gone at once: a test runner ends the children of a test that was late, and this one serves all tests.
 */
const HOLDER = `
dir=$1
shift
exec 3<"$dir/hold"
"$@" </dev/null >"$dir/log" 2>&1 &
engine=$!
{ read -r _ <&3; kill "$engine"; } &
reader=$!
while kill -0 "$engine" 2>/dev/null; do wait "$engine"; done
# The reader still waits: nobody asked for this end, so its words are kept.
if kill "$reader" 2>/dev/null; then cp "$dir/log" "$dir.log"; fi
# A container that is paused, or was while a program started in it, outlives its Engine, and its keeper with it.
for container in $(ls "$dir/root/containers" 2>/dev/null); do
  for file in /sys/fs/cgroup/freezer/docker/"$container"/freezer.state /sys/fs/cgroup/docker/"$container"/cgroup.freeze; do
    if [ -e "$file" ]; then echo THAWED >"$file" 2>/dev/null || echo 0 >"$file"; fi
  done
  for procs in /sys/fs/cgroup/pids/docker/"$container"/cgroup.procs /sys/fs/cgroup/docker/"$container"/cgroup.procs; do
    if [ -e "$procs" ]; then kill -9 $(cat "$procs"); fi
  done
done
for process in /proc/[0-9]*; do
  case "$(tr '\\0' ' ' <"$process/cmdline" 2>/dev/null)" in
    *containerd-shim*" -namespace $(basename "$dir") "*) kill -9 "\${process#/proc/}" ;;
  esac
done
grep -o " $dir/[^ ]*" /proc/self/mountinfo | sort -r | while read -r mount; do umount -l "$mount"; done
rm -rf "$dir"
`;

/**
 * Starts one; only root may, or who has sudo without a password.
 * @throws with its last words when it does not answer within 30 s
 */
export async function startEngine(): Promise<PrivateEngine> {
  const root = rootPrefix();
  const dockerd = findProgram("dockerd");
  if (dockerd === null) throw new Error("dockerd is not installed");
  if (root === null) throw new Error("a Docker Engine needs root, or sudo without a password");
  // Short, because sockets lie below it. Its containers stay apart where a containerd of the system serves them.
  const dir = mkdtempSync("/tmp/at-engine-");
  chmodSync(dir, 0o755);
  const name = dir.slice("/tmp/".length);
  const socketPath = `${dir}/docker.sock`;
  Bun.spawnSync(["mkfifo", "-m", "600", `${dir}/hold`]);
  const hold = openSync(`${dir}/hold`, "r+");
  const starter = Bun.spawn(
    [
      ...["sh", "-c", '"$@" &', "starter"],
      ...root,
      ...["sh", "-c", HOLDER, "engine-holder", dir],
      ...[dockerd, "--host", `unix://${socketPath}`, "--group", String(process.getgid?.() ?? 0)],
      ...["--data-root", `${dir}/root`, "--exec-root", `${dir}/exec`, "--pidfile", `${dir}/pid`],
      ...["--bridge=none", "--iptables=false", "--ip6tables=false", "--ip-forward=false"],
      // systemd, where it runs, knows nothing of this Engine; elsewhere there is none to ask.
      ...["--exec-opt", "native.cgroupdriver=cgroupfs"],
      ...["--containerd-namespace", name, "--containerd-plugins-namespace", `${name}-plugins`],
    ],
    {
      stdio: ["ignore", "ignore", "ignore"],
      // A group of its own: Ctrl-C is for us, and we close the pipe.
      detached: true,
      env: { PATH: `${process.env["PATH"] ?? ""}:/usr/local/sbin:/usr/sbin:/sbin`, HOME: dir },
    },
  );
  await starter.exited;
  let held = true;
  const stop = async () => {
    if (held) closeSync(hold);
    held = false;
    const until = performance.now() + STOP_MS;
    while (existsSync(dir)) {
      if (performance.now() > until) throw new Error(`dockerd in ${dir} did not end in ${STOP_MS / 1000} s`);
      await Bun.sleep(POLL_MS);
    }
    rmSync(`${dir}.log`, { force: true });
  };
  const until = performance.now() + READY_MS;
  while (!(await answers(socketPath))) {
    // The holder removes the folder as its last act.
    const ended = !existsSync(dir);
    if (!ended && performance.now() < until) {
      await Bun.sleep(POLL_MS);
      continue;
    }
    const words = lastWords(ended ? `${dir}.log` : `${dir}/log`);
    await stop();
    throw new Error(`dockerd ${ended ? "ended" : `did not answer in ${READY_MS / 1000} s`}: ${words}`);
  }
  return { socketPath, dockerHost: `unix://${socketPath}`, pid: Number(readFileSync(`${dir}/pid`, "utf8")), stop };
}

/**
 * Makes a container run and removes it: where the kernel withholds mounts or control groups, only this shows it.
 * @throws with what the Engine said
 */
export async function proveEngine(socketPath: string): Promise<void> {
  await importImage(socketPath, "agenttower-proof:latest", await benchRootFs({ tmux: false }));
  const spec = { Image: "agenttower-proof:latest", Cmd: ["true"], HostConfig: { NetworkMode: "none" } };
  await engineCall(socketPath, "POST", "/containers/create?name=proof", spec);
  await engineCall(socketPath, "POST", "/containers/proof/start");
}

/** Makes an image of one layer from a tar of a root file system. @throws with what the Engine said */
export async function importImage(socketPath: string, name: string, tar: Uint8Array<ArrayBuffer>): Promise<void> {
  const [repo = name, tag = "latest"] = name.split(":");
  const answer = await engineCall(
    socketPath,
    "POST",
    `/images/create?${new URLSearchParams({ fromSrc: "-", repo, tag })}`,
    tar,
  );
  const said = await answer.text();
  if (said.includes('"error"')) throw new Error(`the Engine refused the image: ${said.trim()}`);
}

/**
 * One request to an Engine. Knows nothing of `src/docker`, so that tests can judge that by this.
 * @throws when the answer is no success
 */
export async function engineCall(
  socketPath: string,
  method: string,
  path: string,
  body?: object | Uint8Array<ArrayBuffer>,
): Promise<Response> {
  const raw = body instanceof Uint8Array;
  const answer = await fetch(`http://engine${path}`, {
    unix: socketPath,
    method,
    signal: AbortSignal.timeout(ANSWER_MS),
    ...(body !== undefined && {
      body: raw ? body : JSON.stringify(body),
      headers: { "content-type": raw ? "application/x-tar" : "application/json" },
    }),
  });
  if (answer.ok) return answer;
  throw new Error(`${method} ${path.split("?")[0]}: HTTP ${answer.status}: ${(await answer.text()).trim()}`);
}

async function answers(socketPath: string): Promise<boolean> {
  if (!existsSync(socketPath)) return false;
  try {
    const signal = AbortSignal.timeout(PING_MS);
    return (await fetch("http://engine/_ping", { unix: socketPath, signal })).ok;
  } catch {
    // Not listening yet: asked again until the deadline.
    return false;
  }
}

function lastWords(logFile: string): string {
  if (!existsSync(logFile)) return "it wrote no log";
  const lines = readFileSync(logFile, "utf8").trimEnd().split("\n");
  return (lines.at(-1) ?? "").slice(0, 500);
}
