/**
 * The open links to tmux servers (02 §4.3, 05 §11 "Transport"): opened after a pane scan that reached a server, closed after 60 s
 * without use, at most 64, of which the longest unused makes room. While background discovery watches through them they count as
 * used; then servers beyond the 64 are left to programs, because a link lost makes a scan and a scan would open it again.
 */
import { type Bench, BenchFault } from "../base/bench.ts";
import type { Clock } from "../base/clock.ts";
import { describeSessionsCommand, linkCommand, linkTarget, WATCH_ALL_LINE } from "../tmux/commands.ts";
import { type ControlLink, openLink } from "../tmux/control-link.ts";
import { freshMarks } from "../tmux/rows.ts";
import { pause } from "./engine-watch.ts";
import { mapParallel } from "./parallel.ts";

const LINKS_MAX = 64;
const UNUSED_MS = 60_000;
/** How often unused links are looked for. */
const SWEEP_MS = 15_000;
const OPENING_AT_ONCE = 4;
/** A server that would not be linked is asked again after this. */
const REFUSED_REST_MS = 60_000;
/** A server whose link went silent is left to plain programs for this long. */
const WEDGED_REST_MS = 600_000;
/** Servers that rest; beyond it the oldest is forgotten. */
const RESTING_MAX = 1024;

/** A tmux server that a scan reached. */
export type Server = { containerId: string; user: string; socketPath: string };

export type LinkListener = {
  /** Something changed on a server of this container. */
  onChange(containerId: string): void;
  /** A link of this container is gone. */
  onLost(containerId: string): void;
  /** There is at least one link, or none any more. */
  onAny(isAny: boolean): void;
  /** An error that no fault of a bench explains. */
  onBug(error: unknown): void;
};

export type Links = {
  /** The open link to a server; asking is using. */
  find(containerId: string, socketPath: string): ControlLink | null;
  isLinked(containerId: string): boolean;
  /** Opens what is not open yet; returns when all were tried. Never rejects. */
  open(servers: readonly Server[]): Promise<void>;
  /** Whether somebody listens to the changes; then no link goes unused. */
  watch(isWatched: boolean): void;
  /** Closes all, for good. */
  stop(): void;
};

type Entry = { server: Server; link: ControlLink; usedAt: number };

/** Notifications after which the panes may differ; the others tell of clients, buffers and modes. */
const CHANGES =
  /^%(?:subscription-changed|window-add|window-close|unlinked-window-add|unlinked-window-close|layout-change|window-pane-changed|session-renamed|sessions-changed)\b/;

export function createLinks(benchOf: (containerId: string) => Bench, clock: Clock, listener: LinkListener): Links {
  const entries = new Map<string, Entry>();
  const opening = new Set<string>();
  const resting = new Map<string, number>();
  const stopping = new AbortController();
  let isWatched = false;
  let isSweeping = false;

  const rest = (key: string, ms: number): void => {
    resting.delete(key);
    resting.set(key, clock.monotonic() + ms);
    const [oldest] = resting.keys();
    if (resting.size > RESTING_MAX && oldest !== undefined) resting.delete(oldest);
  };

  const hasRoom = (): boolean => !isWatched || entries.size + opening.size < LINKS_MAX;

  const mayOpen = (key: string): boolean =>
    !stopping.signal.aborted &&
    hasRoom() &&
    !entries.has(key) &&
    !opening.has(key) &&
    (resting.get(key) ?? Number.NEGATIVE_INFINITY) <= clock.monotonic();

  /** Told to nobody: the server is well, and no longer linked is all there is to know. */
  const evict = (): void => {
    const oldest = longestUnused(entries);
    if (!oldest) return;
    entries.delete(keyOf(oldest.server.containerId, oldest.server.socketPath));
    oldest.link.close();
  };

  const add = (key: string, server: Server, link: ControlLink): void => {
    if (entries.size >= LINKS_MAX) evict();
    const entry = { server, link, usedAt: clock.monotonic() };
    entries.set(key, entry);
    if (entries.size === 1) listener.onAny(true);
    void link.ended.then((fault) => {
      if (entries.get(key) !== entry) return;
      entries.delete(key);
      if (fault.kind === "timeout") rest(key, WEDGED_REST_MS);
      if (entries.size === 0) listener.onAny(false);
      listener.onLost(server.containerId);
    });
  };

  const openOne = async (server: Server): Promise<void> => {
    const key = keyOf(server.containerId, server.socketPath);
    if (!mayOpen(key)) return;
    opening.add(key);
    try {
      const link = await connect(benchOf(server.containerId), clock, server, (line) => {
        if (CHANGES.test(line)) listener.onChange(server.containerId);
      });
      if (!link) rest(key, REFUSED_REST_MS);
      else if (stopping.signal.aborted) link.close();
      else add(key, server, link);
    } catch (error) {
      rest(key, error instanceof BenchFault && error.kind === "timeout" ? WEDGED_REST_MS : REFUSED_REST_MS);
      if (!(error instanceof BenchFault)) listener.onBug(error);
    } finally {
      opening.delete(key);
    }
  };

  /** Runs while there are links. */
  const sweep = async (): Promise<void> => {
    if (isSweeping) return;
    isSweeping = true;
    while (entries.size > 0 && !stopping.signal.aborted) {
      await pause(clock, SWEEP_MS, stopping.signal);
      const now = clock.monotonic();
      for (const entry of entries.values()) if (!isWatched && now - entry.usedAt >= UNUSED_MS) entry.link.close();
      // A closed link leaves the map a turn later.
      await Promise.resolve();
    }
    isSweeping = false;
  };

  return {
    find(containerId, socketPath) {
      const entry = entries.get(keyOf(containerId, socketPath));
      if (!entry) return null;
      entry.usedAt = clock.monotonic();
      return entry.link;
    },
    isLinked(containerId) {
      for (const { server } of entries.values()) if (server.containerId === containerId) return true;
      return false;
    },
    async open(servers) {
      await mapParallel(servers, OPENING_AT_ONCE, openOne);
      void sweep().catch(listener.onBug);
    },
    watch(isNowWatched) {
      // From here the links are unused, so they get their time from here.
      if (isWatched && !isNowWatched) for (const entry of entries.values()) entry.usedAt = clock.monotonic();
      isWatched = isNowWatched;
    },
    stop() {
      stopping.abort();
      for (const { link } of entries.values()) link.close();
    },
  };
}

/** @returns `null` when no session of the server may be attached to. @throws BenchFault */
async function connect(
  bench: Bench,
  clock: Clock,
  { containerId, user, socketPath }: Server,
  onNotification: (line: string) => void,
): Promise<ControlLink | null> {
  const marks = freshMarks();
  const told = await bench.run({ containerId, user, argv: describeSessionsCommand(socketPath, marks) });
  const session = told.exitCode === 0 ? linkTarget(told.stdout, marks) : null;
  if (session === null) return null;
  const stream = await bench.stream({ containerId, user, argv: linkCommand(socketPath, session) });
  const link = await openLink(stream, clock, onNotification);
  await link.command(WATCH_ALL_LINE);
  return link;
}

function keyOf(containerId: string, socketPath: string): string {
  return `${containerId} ${socketPath}`;
}

function longestUnused(entries: ReadonlyMap<string, Entry>): Entry | null {
  let oldest: Entry | null = null;
  for (const entry of entries.values()) if (!oldest || entry.usedAt < oldest.usedAt) oldest = entry;
  return oldest;
}
