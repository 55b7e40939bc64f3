/**
 * An Engine and its benches as data, for faults that no real Engine makes on demand. Programs are `id`, `ls` and `tmux` as
 * 02 §4.3 runs them; everything else is refused. What a healthy Engine and tmux do is tested with real ones.
 */
import {
  type Bench,
  type BenchCommand,
  BenchFault,
  type BenchFaultKind,
  type BenchOutput,
} from "../../src/base/bench.ts";
import type { Engine, EngineEvent, InspectedContainer } from "../../src/base/engine.ts";

export type FakePane = Partial<{
  session: string;
  window: number;
  pane: number;
  id: string;
  pid: number | string;
  tty: string;
  command: string;
  path: string;
  title: string;
  focused: boolean;
}>;

/** Panes, or what tmux says instead. */
export type FakeServer = FakePane[] | { exitCode: number; stderr: string } | { fault: BenchFaultKind };

export type FakeContainer = {
  id: string;
  names: string[];
  status: string;
  running: boolean;
  configUser: string | null;
  /** Uid by user name; a user that is missing is unknown to the image. */
  users: Record<string, number>;
  /** By socket name. */
  servers: Record<string, FakeServer>;
  /** What `ls` says instead of a listing. */
  listing: { exitCode: number; stderr: string } | null;
  inspectFault: BenchFaultKind | null;
  execFault: BenchFaultKind | null;
  labels: Record<string, string>;
};

export type FakeEngine = {
  engine: Engine;
  bench: Bench;
  /** Programs run so far, as `<first 4 of the id> <program> …`. */
  runs: string[];
  containers: FakeContainer[];
  add(name: string, more?: Partial<FakeContainer>): FakeContainer;
  remove(container: FakeContainer): void;
  /** What every call to the Engine ends with. */
  away: BenchFaultKind | null;
  listFault: BenchFaultKind | Error | null;
  /** Tells the listeners of the event stream. */
  emit(event: EngineEvent): void;
  /** Held programs and lists wait for it. */
  gate: Promise<void> | null;
  /** Calls of `list`. */
  lists: number;
};

export function fakeEngine(): FakeEngine {
  const listeners = new Set<(event: EngineEvent) => void>();
  const fake: FakeEngine = {
    engine: {
      ping: async () => refuseIfAway(fake),
      async list() {
        fake.lists++;
        await fake.gate;
        refuseIfAway(fake);
        if (fake.listFault instanceof Error) throw fake.listFault;
        if (fake.listFault) throw new BenchFault(fake.listFault, "the list failed");
        return fake.containers.filter(({ running }) => running).map(({ id, names, status }) => ({ id, names, status }));
      },
      async inspect(containerId) {
        refuseIfAway(fake);
        const container = fake.containers.find(({ id }) => id === containerId);
        if (!container) throw new BenchFault("not_found", "no such container");
        if (container.inspectFault) throw new BenchFault(container.inspectFault, "inspect failed");
        return inspected(container);
      },
      async events(onEvent, signal) {
        refuseIfAway(fake);
        listeners.add(onEvent);
        await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
        listeners.delete(onEvent);
      },
    },
    bench: {
      async run(command) {
        fake.runs.push(
          `${command.containerId.slice(0, 4)} ${command.argv.slice(0, command.argv[0] === "tmux" ? 4 : 2).join(" ")}`,
        );
        await fake.gate;
        refuseIfAway(fake);
        const container = fake.containers.find(({ id }) => id === command.containerId);
        if (!container) throw new BenchFault("not_found", "no such container");
        if (container.execFault) throw new BenchFault(container.execFault, "exec failed");
        return runIn(container, command);
      },
      stream: async () => {
        throw new BenchFault("failed", "no streams here");
      },
    },
    runs: [],
    containers: [],
    add(name, more = {}) {
      const container: FakeContainer = {
        id: (fake.containers.length + 1).toString(16).padStart(4, "0").padEnd(64, "a"),
        names: [name],
        status: "Up 2 hours",
        running: true,
        configUser: "dev",
        users: { root: 0, dev: 1000 },
        servers: {},
        listing: null,
        inspectFault: null,
        execFault: null,
        labels: {},
        ...more,
      };
      fake.containers.push(container);
      return container;
    },
    remove(container) {
      fake.containers = fake.containers.filter((other) => other !== container);
    },
    away: null,
    listFault: null,
    emit: (event) => {
      for (const listener of listeners) listener(event);
    },
    gate: null,
    lists: 0,
  };
  return fake;
}

function refuseIfAway(fake: FakeEngine): void {
  if (fake.away) throw new BenchFault(fake.away, "connect /var/run/docker.sock failed");
}

function inspected({ id, names, running, configUser, labels }: FakeContainer): InspectedContainer {
  return {
    id,
    name: names[0] ?? "",
    image: "bench:1",
    status: running ? "running" : "exited",
    running,
    labels,
    mounts: [],
    configUser,
    workingDir: null,
    envKeys: [],
  };
}

const said = (exitCode: number, stderr: string): BenchOutput => ({ exitCode, stdout: "", stderr });

function runIn(container: FakeContainer, { user, argv }: BenchCommand): BenchOutput {
  const uid = container.users[user];
  if (uid === undefined) {
    // The Engine says this on standard output.
    return { exitCode: 126, stdout: `unable to find user ${user}: no matching entries in passwd file`, stderr: "" };
  }
  if (argv[0] === "id") return { exitCode: 0, stdout: `${uid}\n`, stderr: "" };
  if (argv[0] === "ls") {
    if (container.listing) return said(container.listing.exitCode, container.listing.stderr);
    const lines = Object.keys(container.servers).map((name) => `srwxrwx--- 1 ${uid} ${uid} 0 Nov 25 08:00 ${name}\n`);
    return { exitCode: 0, stdout: `total 0\n${lines.join("")}`, stderr: "" };
  }
  const [, , path = "", verb, , , format = ""] = argv;
  if (verb !== "list-panes") return said(1, "refused by the fake");
  const server = container.servers[path.slice(path.lastIndexOf("/") + 1)];
  if (!server) return said(1, `error connecting to ${path} (No such file or directory)`);
  if ("fault" in server) throw new BenchFault(server.fault, "exec failed");
  if ("exitCode" in server) return said(server.exitCode, server.stderr);
  return { exitCode: 0, stdout: server.map((pane, index) => printed(pane, index, format)).join(""), stderr: "" };
}

/** One row, as tmux expands the format. */
function printed(pane: FakePane, index: number, format: string): string {
  const values: Record<string, string> = {
    session_name: pane.session ?? "main",
    window_index: String(pane.window ?? 0),
    pane_index: String(pane.pane ?? index),
    pane_id: pane.id ?? `%${index}`,
    pane_pid: String(pane.pid ?? 100 + index),
    pane_tty: pane.tty ?? `/dev/pts/${index}`,
    pane_current_command: pane.command ?? "bash",
    pane_current_path: pane.path ?? "/work",
    pane_title: pane.title ?? "",
    pane_active: pane.focused ? "1" : "0",
  };
  return `${format.replace(/#\{(\w+)\}/g, (_all, name: string) => values[name] ?? "")}\n`;
}
