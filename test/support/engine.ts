/**
 * A real Docker Engine for tests, private to this test process, and a small language for benches on it. It speaks to the Engine by
 * itself, so that what it says is no word of the code under test.
 *
 *   const engine = await testEngine();
 *   await using bench = await engine.bench({ name: "py-bench", user: "dev" });
 *   await bench.pane("claude");
 *
 * A test file that imports this is not run where no Engine can be had.
 */
import { benchRootFs } from "../../build/bench-image.ts";
import { engineCall, importImage, type PrivateEngine, startEngine } from "../../build/engine.ts";
import { randomHex } from "../../src/base/ids.ts";
import { FrameReader } from "../../src/docker/frames.ts";
import { until } from "./until.ts";

type BenchSpec = {
  /** A name of its own by default; it has `bench` in it. */
  name?: string;
  /** `Config.User`; root by default. The image has root, dev (1000) and ops (1001). */
  user?: string;
  labels?: Record<string, string>;
  env?: Record<string, string>;
  workingDir?: string;
  /** Binds, as `/host/path:/path` or `/host/path:/path:ro`. */
  mounts?: string[];
  image?: "tmux" | "no-tmux";
};

type ExecResult = { exitCode: number; stdout: string; stderr: string };

type PaneSpec = {
  /** User whose server it is; the container's own by default. */
  user?: string;
  /** Name of the tmux server's socket; `default` by default. */
  socket?: string;
  /** Program in the pane; a shell that waits by default. */
  command?: string[];
  cwd?: string;
};

type Created = { Id: string };
export type TestBench = Awaited<ReturnType<TestEngine["bench"]>>;
export type TestEngine = ReturnType<typeof onEngine>;

const IMAGES = { tmux: "agenttower-bench:latest", "no-tmux": "agenttower-bench:no-tmux" } as const;
/** The shell reaps what is left to it, and it goes at once when it is told to. */
const IDLE = ["sh", "-c", "while :; do sleep 3600; done"];

let shared: Promise<TestEngine> | undefined;

/** The Engine of this test process, started when first asked for; it ends with the process. */
export function testEngine(): Promise<TestEngine> {
  shared ??= createTestEngine();
  return shared;
}

/** An Engine of the test's own, for tests that stop or break it; `stop()` it. */
export async function createTestEngine(): Promise<TestEngine> {
  const engine = await startEngine();
  const [full, bare] = await Promise.all([benchRootFs(), benchRootFs({ tmux: false })]);
  await importImage(engine.socketPath, IMAGES.tmux, full);
  await importImage(engine.socketPath, IMAGES["no-tmux"], bare);
  return onEngine(engine);
}

function onEngine(engine: PrivateEngine) {
  const call = (method: string, path: string, body?: object) => engineCall(engine.socketPath, method, path, body);
  const json = async <T>(method: string, path: string, body?: object) =>
    (await (await call(method, path, body)).json()) as T;

  return {
    ...engine,

    /** Environment by which the code under test finds this Engine. */
    env: { DOCKER_HOST: engine.dockerHost, PATH: process.env["PATH"] ?? "/usr/bin:/bin" },

    /** Starts a container that idles until it is told otherwise. Without a network. */
    async bench(spec: BenchSpec = {}) {
      const name = spec.name ?? `bench-${randomHex(4)}`;
      const { Id: id } = await json<Created>("POST", `/containers/create?name=${encodeURIComponent(name)}`, {
        Image: IMAGES[spec.image ?? "tmux"],
        Cmd: IDLE,
        StopSignal: "SIGKILL",
        User: spec.user ?? "",
        Labels: spec.labels ?? {},
        Env: Object.entries(spec.env ?? {}).map(([key, value]) => `${key}=${value}`),
        WorkingDir: spec.workingDir ?? "",
        HostConfig: { NetworkMode: "none", Binds: spec.mounts ?? [] },
      });
      await call("POST", `/containers/${id}/start`);
      const act = (verb: string) => async () => void (await call("POST", `/containers/${id}/${verb}`));

      const bench = {
        id,
        name,

        /** Runs a program to its end. */
        async exec(argv: string[], { user = "" }: { user?: string } = {}): Promise<ExecResult> {
          const { Id: execId } = await json<Created>("POST", `/containers/${id}/exec`, {
            AttachStdout: true,
            AttachStderr: true,
            User: user,
            Env: ["LANG=C.UTF-8", "TERM=xterm-256color"],
            Cmd: argv,
          });
          const answer = await call("POST", `/exec/${execId}/start`, { Detach: false, Tty: false });
          // The Engine may call it running for a moment after its output ended.
          const exitCode = await until(
            async () => (await json<{ ExitCode: number | null }>("GET", `/exec/${execId}/json`)).ExitCode,
            `the exit code of ${argv.join(" ")}`,
          );
          const text = { stdout: "", stderr: "" };
          const output = new Uint8Array(await answer.arrayBuffer());
          for (const piece of new FrameReader().push(output)) text[piece.stream] += Buffer.from(piece.bytes).toString();
          return { exitCode, ...text };
        },

        /** As `exec`; throws when it fails. @returns its standard output */
        async must(argv: string[], options: { user?: string } = {}): Promise<string> {
          const { exitCode, stdout, stderr } = await bench.exec(argv, options);
          if (exitCode !== 0) throw new Error(`${argv.join(" ")} in ${name} exited ${exitCode}: ${stdout}${stderr}`);
          return stdout;
        },

        /** A tmux command on a server of the bench. @returns its standard output */
        tmux(argv: string[], { user, socket = "default" }: Pick<PaneSpec, "user" | "socket"> = {}): Promise<string> {
          const quiet = ["tmux", "-f", "/dev/null", "-L", socket, ...argv];
          return bench.must(quiet, user === undefined ? {} : { user });
        },

        /** Opens a session with one pane, its server too if there is none. @returns the pane's id, such as `%0` */
        async pane(session: string, pane: PaneSpec = {}): Promise<string> {
          const place = pane.cwd === undefined ? [] : ["-c", pane.cwd];
          const command = pane.command ?? ["sh"];
          const argv = ["new-session", "-d", "-P", "-F", "#{pane_id}", "-x", "160", "-y", "50", "-s", session];
          return (await bench.tmux([...argv, ...place, ...command], pane)).trim();
        },

        start: act("start"),
        stop: act("stop?t=0"),
        kill: act("kill"),
        restart: act("restart?t=0"),
        pause: act("pause"),
        unpause: act("unpause"),
        async rename(to: string): Promise<void> {
          await call("POST", `/containers/${id}/rename?name=${encodeURIComponent(to)}`);
        },
        async remove(): Promise<void> {
          await call("DELETE", `/containers/${id}?force=1&v=1`);
        },
        async [Symbol.asyncDispose](): Promise<void> {
          await removeAll([id]);
        },
      };
      return bench;
    },

    /** Removes every container; a file that looks at all of them starts with this. */
    async clear(): Promise<void> {
      const all = await json<Created[]>("GET", "/containers/json?all=1");
      await removeAll(all.map(({ Id }) => Id));
    },
  };

  async function removeAll(ids: string[]): Promise<void> {
    const gone = async (id: string) => {
      const answer = await fetch(`http://engine/containers/${id}?force=1&v=1`, {
        unix: engine.socketPath,
        method: "DELETE",
      });
      if (!answer.ok && answer.status !== 404 && answer.status !== 409) throw new Error(await answer.text());
    };
    await Promise.all(ids.map(gone));
  }
}
