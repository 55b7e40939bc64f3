/** Links to real tmux servers of this machine, through the host bench (02 §4.3, 00 §7). */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import type { Bench } from "../../src/base/bench.ts";
import { systemClock } from "../../src/base/clock.ts";
import { createLinks, type Links } from "../../src/discovery/links.ts";
import { createDiscovery, type Discovery } from "../../src/discovery/service.ts";
import { hostBench } from "../../src/host/bench.ts";
import { fakeEngine } from "../support/fake-bench.ts";
import { type LocalTmux, localTmux } from "../support/local-tmux.ts";
import { type ManualClock, manualClock } from "../support/manual-clock.ts";
import { testRegistry } from "../support/registry.ts";
import { until } from "../support/until.ts";

const HOST = "f".repeat(64);
let local: LocalTmux;
beforeEach(() => {
  local = localTmux();
});
afterEach(() => local[Symbol.dispose]());

/** The host bench, which tells what it ran. */
function countingBench(): { bench: Bench; runs: string[]; streams: string[] } {
  const bench = hostBench(process.env, systemClock());
  const runs: string[] = [];
  const streams: string[] = [];
  return {
    runs,
    streams,
    bench: {
      run(command, options) {
        runs.push(command.argv.find((word) => word.startsWith("list-")) ?? command.argv.join(" "));
        return bench.run(command, options);
      },
      stream(command, signal) {
        streams.push(command.argv.join(" "));
        return bench.stream(command, signal);
      },
    },
  };
}

function harness(config: string, useLinks = true) {
  const registry = testRegistry(systemClock());
  const { bench, runs, streams } = countingBench();
  const log: string[] = [];
  const discovery: Discovery = createDiscovery({
    store: registry.store,
    clock: systemClock(),
    engine: fakeEngine().engine,
    benchOf: () => bench,
    events: { append: async () => undefined },
    log: { write: (event, fields) => void log.push(`${event} ${Object.values(fields).join(" ")}`) },
    readConfigText: () => config,
    hostId: HOST,
    hostSockets: (configured) => configured,
    daemonUser: { name: "", passwdName: "" },
    daemonUid: process.getuid?.() ?? 0,
    useLinks,
  });
  const panes = () =>
    registry.store.read((tx) =>
      tx.db
        .query<{ s: string; p: string }, []>(
          "SELECT tmux_session_name s, tmux_pane_id p FROM panes WHERE active = 1 ORDER BY s, p",
        )
        .all()
        .map(({ s, p }) => `${s} ${p}`),
    );
  return {
    discovery,
    runs,
    streams,
    log,
    panes,
    registry,
    [Symbol.dispose]() {
      discovery.stop();
      registry[Symbol.dispose]();
    },
  };
}

const hostConfig = (seconds: number) =>
  `[containers]\nscan_interval_seconds = ${seconds}\n[host]\nenabled = true\nsockets = ["${local.socket("s")}"]\n`;

test("the second scan goes over the link, and a lost link falls back to a program", async () => {
  local.tmux("s", "new-session", "-d", "-s", "main", "sleep 1000");
  using world = harness(hostConfig(0));
  await world.discovery.scanContainers();
  await world.discovery.scanPanes(null);
  await until(() => world.runs.includes("list-sessions") && local.tmux("s", "list-clients") !== "", "the link");
  local.tmux("s", "split-window", "-d", "-t", "main", "sleep 1000");
  await until(async () => {
    const before = world.runs.length;
    const result = await world.discovery.scanPanes(null);
    return result.panes_seen === 2 && world.runs.length === before;
  }, "a scan without a program");
  expect(world.streams).toEqual([`tmux -S ${local.socket("s")} -C attach -t $0 -f no-output,ignore-size`]);

  const [client = ""] = local.tmux("s", "list-clients", "-F", "#{client_name}").split("\n");
  local.tmux("s", "detach-client", "-t", client);
  const before = world.runs.length;
  expect(await world.discovery.scanPanes(null)).toMatchObject({ status: "ok", panes_seen: 2 });
  expect(world.runs.slice(before)[0]).toBe("list-panes");
});

test("the background sees panes come and go in every session, a server end and a new one", async () => {
  local.tmux("s", "new-session", "-d", "-s", "main", "sleep 1000");
  local.tmux("s", "new-session", "-d", "-s", "other", "sleep 1000");
  using world = harness(hostConfig(1));
  const stop = new AbortController();
  const done = world.discovery.runBackground(stop.signal);
  await until(() => world.panes().length === 2, "the first look");
  await until(() => local.tmux("s", "list-clients") !== "", "the link");
  local.tmux("s", "split-window", "-d", "-t", "other", "sleep 1000");
  await until(() => world.panes().length === 3, "the new pane");
  local.tmux("s", "kill-session", "-t", "other");
  await until(() => world.panes().join() === "main %0", "the dead session");
  local.tmux("s", "rename-session", "-t", "main", "renamed");
  await until(() => world.panes().join() === "renamed %0", "the new name");
  local.tmux("s", "kill-server");
  await until(() => world.panes().length === 0, "the dead server", 15_000);
  stop.abort();
  await done;
  expect(world.log.filter((line) => line.startsWith("worker_fault"))).toEqual([]);
}, 40_000);

test("with links off no client ever attaches", async () => {
  local.tmux("s", "new-session", "-d", "-s", "main", "sleep 1000");
  using world = harness(hostConfig(0), false);
  await world.discovery.scanContainers();
  await world.discovery.scanPanes(null);
  await world.discovery.scanPanes(null);
  expect(world.runs).toEqual(["list-panes", "list-panes"]);
  expect(world.streams).toEqual([]);
});

test("leaving a session that is destroyed unattached would end it, so it is never linked", async () => {
  local.tmux("s", "new-session", "-d", "-s", "main", "sleep 1000");
  local.tmux("s", "set-option", "-s", "exit-unattached", "on");
  const { bench, streams } = countingBench();
  const links = createLinks(() => bench, systemClock(), quiet());
  await links.open([{ containerId: HOST, user: "0", socketPath: local.socket("s") }]);
  expect([links.isLinked(HOST), streams]).toEqual([false, []]);
  links.stop();
});

function quiet() {
  const seen = { any: [] as boolean[], lost: [] as string[] };
  return {
    seen,
    onChange: () => undefined,
    onLost: (containerId: string) => void seen.lost.push(containerId),
    onAny: (isAny: boolean) => void seen.any.push(isAny),
    onBug(error: unknown) {
      throw error;
    },
  };
}

describe("life of a link", () => {
  let clock: ManualClock;
  let links: Links;
  let listener: ReturnType<typeof quiet>;
  const server = () => ({ containerId: HOST, user: "0", socketPath: local.socket("s") });
  const begin = async () => {
    clock = manualClock();
    listener = quiet();
    const { bench } = countingBench();
    links = createLinks(() => bench, clock, listener);
    local.tmux("s", "new-session", "-d", "-s", "main", "sleep 1000");
    await links.open([server(), server()]);
  };

  test("a link closes after 60 s without use, one that is watched does not", async () => {
    await begin();
    expect(links.isLinked(HOST)).toBe(true);
    links.watch(true);
    await clock.advance(300_000);
    expect(links.isLinked(HOST)).toBe(true);
    links.watch(false);
    await clock.advance(45_000);
    expect(links.find(HOST, local.socket("s"))).not.toBeNull();
    await clock.advance(45_000);
    expect(links.isLinked(HOST)).toBe(true);
    await clock.advance(30_000);
    expect(links.isLinked(HOST)).toBe(false);
    expect(listener.seen).toEqual({ any: [true, false], lost: [HOST] });
    links.stop();
  });

  test("a server that goes silent is left to programs for ten minutes", async () => {
    await begin();
    const [client = ""] = local.tmux("s", "list-clients", "-F", "#{client_pid}").split("\n");
    process.kill(Number(client), "SIGSTOP");
    const answer = links
      .find(HOST, local.socket("s"))
      ?.command("display-message -p x")
      .catch(({ kind }) => kind);
    await clock.advance(2000);
    process.kill(Number(client), "SIGKILL");
    expect(await answer).toBe("timeout");
    await links.open([server()]);
    await clock.advance(590_000);
    await links.open([server()]);
    expect(links.isLinked(HOST)).toBe(false);
    await clock.advance(10_000);
    await links.open([server()]);
    expect(links.isLinked(HOST)).toBe(true);
    links.stop();
  });
});

/** Servers that attach at once and print what they are told to. */
function tameBench() {
  const streams: string[] = [];
  const bench: Bench = {
    async run({ argv }) {
      const format = argv.at(-1) ?? "";
      const stdout = format
        .replace("#{session_id}", "$0")
        .replace("#{version}", "3.4")
        .replace(/#\{[^}]*\}/g, "0");
      return { exitCode: 0, stdout: `${stdout}\n`, stderr: "" };
    },
    async stream({ argv }) {
      streams.push(argv[2] ?? "");
      const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
      const writer = writable.getWriter();
      let number = 0;
      const say = (flags: 0 | 1, printed: string) => {
        number++;
        void writer.write(Buffer.from(`%begin 1 ${number} ${flags}\n${printed}%end 1 ${number} ${flags}\n`));
      };
      say(0, "");
      return {
        output: readable,
        write(text) {
          for (const line of String(text).split("\n").filter(Boolean)) {
            const [, printed] = /^display-message -p (.*)$/.exec(line) ?? [];
            say(1, printed === undefined ? "" : `${printed}\n`);
          }
        },
        close: () => void writer.close(),
      };
    },
  };
  return { bench, streams };
}

describe("more servers than links", () => {
  const servers = Array.from({ length: 70 }, (_, index) => ({
    containerId: index.toString(16).padStart(64, "0"),
    user: "dev",
    socketPath: "/tmp/tmux-1000/default",
  }));
  const linked = (links: Links) => servers.filter(({ containerId }) => links.isLinked(containerId)).length;

  test("watched: the first 64 stay, the others are left to programs, nothing is lost", async () => {
    const listener = quiet();
    const { bench, streams } = tameBench();
    const links = createLinks(() => bench, manualClock(), listener);
    links.watch(true);
    for (let round = 0; round < 3; round++) await links.open(servers);
    expect([linked(links), streams.length, listener.seen.lost]).toEqual([64, 64, []]);
    links.stop();
  });

  test("not watched: the longest unused makes room", async () => {
    const listener = quiet();
    const { bench } = tameBench();
    const links = createLinks(() => bench, manualClock(), listener);
    await links.open(servers);
    expect([linked(links), listener.seen.lost]).toEqual([64, []]);
    expect(servers.slice(0, 6).some(({ containerId }) => links.isLinked(containerId))).toBe(false);
    links.stop();
  });
});
