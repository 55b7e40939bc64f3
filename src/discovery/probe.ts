/**
 * Asks one container for its tmux panes: `id`, the socket listing, then each server (02 §4.3). A failure is part of the sight;
 * nothing is thrown. Servers with an open link are asked over it, and a kept listing saves the first two programs.
 */
import { type Bench, BenchFault, type BenchOutput } from "../base/bench.ts";
import type { Clock } from "../base/clock.ts";
import { message } from "../base/text.ts";
import { listPanesCommand, listPanesLine } from "../tmux/commands.ts";
import type { ControlLink } from "../tmux/control-link.ts";
import { listingCommand, parseSockets } from "../tmux/listing.ts";
import { freshMarks, parsePanes } from "../tmux/rows.ts";
import { type Failure, listingFailure, panesFailure, readUid } from "./classify.ts";
import { execCode, isEngineAway } from "./failure-codes.ts";
import { type ContainerSight, PANES_MAX, SOCKETS_MAX, type SocketSight } from "./sight.ts";

/** One program: create, start, read and inspect together (02 §12). */
const EXEC_MS = 5000;

/** Who the bench user is and where its servers listen. */
export type Listing = { user: string; directory: string; names: string[] };

export type ProbeTarget = {
  containerId: string;
  name: string;
  /** Users to try, in order; never empty. */
  users: readonly string[];
  /** What is already known, else `null`. */
  listing: Listing | null;
  /** Sockets that somebody named: absolute paths, not to be listed; one that is missing is not there (00 §7). */
  named: readonly string[] | null;
};

export type ProbeDeps = {
  bench: Bench;
  clock: Clock;
  /** The open link to a server, if there is one. */
  linkTo(socketPath: string): ControlLink | null;
  /** End of the whole scan, monotonic. */
  deadline: number;
};

export type Probed = {
  sight: ContainerSight;
  /** The listing that was used; `null` when there is none to keep. */
  listing: Listing | null;
  /** Something in this container, or the Engine about it, gave an answer. */
  answered: boolean;
  /** The Engine could not be reached (02 §6). */
  away: BenchFault | null;
};

type Run = (user: string, argv: string[], what: string) => Promise<BenchOutput | Failure>;

export async function probeContainer(deps: ProbeDeps, target: ProbeTarget): Promise<Probed> {
  const probed = { answered: false, away: null as BenchFault | null };
  const run: Run = async (user, argv, what) => {
    try {
      const deadlineMs = Math.min(EXEC_MS, deps.deadline - deps.clock.monotonic());
      if (deadlineMs <= 0) throw new BenchFault("timeout", "the scan's time was over");
      const output = await deps.bench.run({ containerId: target.containerId, user, argv }, { deadlineMs });
      probed.answered = true;
      return output;
    } catch (error) {
      if (!(error instanceof BenchFault)) {
        // 02 §6: anything unexpected in one container's work, the scan goes on.
        return { code: "internal_error", message: message(`${what} failed unexpectedly: ${String(error)}`) };
      }
      if (isEngineAway(error)) probed.away ??= error;
      else if (error.kind !== "timeout" && error.kind !== "lost") probed.answered = true;
      return { code: execCode(error), message: faultText(what, error) };
    }
  };

  const head = { containerId: target.containerId, name: target.name };
  const listed = target.named ? null : (target.listing ?? (await list(run, target.users)));
  if (listed && "failure" in listed) {
    const sight: ContainerSight = { ...head, user: listed.user, kind: "unlisted", failure: listed.failure };
    return { sight, listing: null, ...probed };
  }
  const user = listed?.user ?? target.users[0] ?? "";
  const paths = target.named ?? listed?.names.map((name) => `${listed.directory}/${name}`) ?? [];
  const sockets: SocketSight[] = [];
  for (const path of paths.slice(0, SOCKETS_MAX)) {
    const socket = (await askLink(deps.linkTo(path), path)) ?? (await askServer(run, user, path));
    if (socket.kind === "good") probed.answered = true;
    if (!(target.named && socket.kind === "failed" && socket.missing)) sockets.push(socket);
  }
  return {
    sight: { ...head, user, kind: "listed", sockets, leftAlone: paths.slice(SOCKETS_MAX) },
    listing: listed,
    ...probed,
  };
}

/** `id -u` as the first user the image knows, then the names of that user's sockets. */
async function list(run: Run, users: readonly string[]): Promise<Listing | { user: string; failure: Failure }> {
  let [user = "", ...others] = users;
  for (;;) {
    const told = await run(user, ["id", "-u"], "id -u");
    const uid = "code" in told ? told : readUid(told);
    if (typeof uid === "number") return listSockets(run, user, uid);
    const next = "userMissing" in uid && uid.userMissing ? others.shift() : undefined;
    if (next === undefined) return { user, failure: { code: uid.code, message: uid.message } };
    user = next;
  }
}

async function listSockets(run: Run, user: string, uid: number): Promise<Listing | { user: string; failure: Failure }> {
  const directory = `/tmp/tmux-${uid}`;
  const output = await run(user, listingCommand(directory), `ls ${directory}`);
  if ("code" in output) return { user, failure: output };
  if (output.exitCode !== 0) return { user, failure: listingFailure(directory, output) };
  return { user, directory, names: parseSockets(output.stdout, uid) };
}

/** `null`: no link, or it did not do; then the server is asked by a program of its own. */
async function askLink(link: ControlLink | null, path: string): Promise<SocketSight | null> {
  if (!link) return null;
  const marks = freshMarks();
  try {
    const { ok, lines } = await link.command(listPanesLine(marks));
    return ok ? seen(path, `${lines.join("\n")}\n`, marks) : null;
  } catch (error) {
    if (error instanceof BenchFault) return null;
    throw error;
  }
}

async function askServer(run: Run, user: string, path: string): Promise<SocketSight> {
  const marks = freshMarks();
  const output = await run(user, listPanesCommand(path, marks), `tmux list-panes on ${path}`);
  if ("code" in output) return { path, kind: "failed", failure: output, gone: false, missing: false };
  if (output.exitCode === 0) return seen(path, output.stdout, marks);
  const { code, message: text, gone, missing } = panesFailure(path, output);
  return { path, kind: "failed", failure: { code, message: text }, gone, missing };
}

function seen(path: string, output: string, marks: ReturnType<typeof freshMarks>): SocketSight {
  const { good, malformed } = parsePanes(output, marks);
  if (good.length === 0 && malformed > 0) {
    const text = `${malformed} of ${malformed} tmux list-panes rows malformed`;
    return { path, kind: "failed", failure: { code: "output_malformed", message: text }, gone: false, missing: false };
  }
  const panes = good.slice(0, PANES_MAX);
  return { path, kind: "good", panes, malformed, surplus: good.length - panes.length };
}

function faultText(what: string, fault: BenchFault): string {
  if (fault.kind === "timeout") return message(`${what} gave no answer within 5 s`);
  return message(`${what}: ${fault.message}`);
}
