import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { BenchFault, type BenchStream } from "../../src/base/bench.ts";
import { systemClock } from "../../src/base/clock.ts";
import { hostBench } from "../../src/host/bench.ts";
import { linkCommand, listPanesLine, quote, WATCH_ALL_LINE } from "../../src/tmux/commands.ts";
import { type ControlLink, openLink } from "../../src/tmux/control-link.ts";
import { freshMarks, parsePanes } from "../../src/tmux/rows.ts";
import { type LocalTmux, localTmux } from "../support/local-tmux.ts";
import { manualClock } from "../support/manual-clock.ts";
import { until } from "../support/until.ts";

let local: LocalTmux;
beforeEach(() => {
  local = localTmux();
});
afterEach(() => local[Symbol.dispose]());

const clock = systemClock();
const notes: string[] = [];

async function link(session = "main"): Promise<ControlLink> {
  notes.length = 0;
  const argv = linkCommand(local.socket("s"), session);
  const stream = await hostBench(process.env, clock).stream({ containerId: "host", user: "0", argv });
  return openLink(stream, clock, (line) => notes.push(line));
}

const faultOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => "none",
    (error: unknown) => (error instanceof BenchFault ? error.kind : error),
  );

test("answers in order, with all that a line printed", async () => {
  local.tmux("s", "new-session", "-d", "-s", "main", "sleep 1000");
  const open = await link();
  const answers = await Promise.all([
    open.command("display-message -p one"),
    open.command("if-shell -F 1 'display-message -p a ; display-message -p b' 'display-message -p c'"),
    open.command("no-such-command"),
    open.command(`display-message -p ${quote('~ "$HOME" \\ ; é')}`),
  ]);
  expect(answers.map(({ ok, lines }) => [ok, ...lines])).toEqual([
    [true, "one"],
    [true, "a", "b"],
    [false, "parse error: unknown command: no-such-command"],
    [true, '~ "$HOME" \\ ; é'],
  ]);
  open.close();
  expect((await open.ended).kind).toBe("lost");
  expect(await faultOf(open.command("display-message -p late"))).toBe("lost");
  // Leaving changed nothing.
  expect(local.tmux("s", "list-sessions", "-F", "#{session_name}")).toBe("main");
});

test("panes in a directory that imitates an end of the answer", async () => {
  const cwd = join(local.dir, "a\n%end 1 1 1\n%begin 1 2 1\nb\tc");
  mkdirSync(cwd, { recursive: true });
  local.tmux("s", "new-session", "-d", "-s", "main", "-c", cwd, "sleep 1000");
  local.tmux("s", "new-session", "-d", "-s", "other", "-c", "/", "sleep 1000");
  const open = await link();
  const marks = freshMarks();
  const { ok, lines } = await open.command(listPanesLine(marks));
  const rows = parsePanes(`${lines.join("\n")}\n`, marks);
  expect(ok).toBe(true);
  expect(rows.malformed).toBe(0);
  expect(rows.good.map(({ path }) => path)).toEqual([cwd, "/"]);
  open.close();
});

test("changes of other sessions are told too", async () => {
  local.tmux("s", "new-session", "-d", "-s", "main", "sleep 1000");
  local.tmux("s", "new-session", "-d", "-s", "other", "sleep 1000");
  const open = await link();
  expect((await open.command(WATCH_ALL_LINE)).ok).toBe(true);
  await until(() => notes.some((line) => line.startsWith("%subscription-changed")), "the first look");
  notes.length = 0;
  local.tmux("s", "split-window", "-d", "-t", "other", "sleep 1000");
  await until(() => notes.some((line) => line.startsWith("%subscription-changed")), "the change");
  open.close();
});

test("a server that ends, ends the link", async () => {
  local.tmux("s", "new-session", "-d", "-s", "main", "sleep 1000");
  const open = await link();
  local.tmux("s", "kill-server");
  expect((await open.ended).kind).toBe("lost");
});

test("no such session, no server", async () => {
  local.tmux("s", "new-session", "-d", "-s", "main", "sleep 1000");
  expect(await faultOf(link("nosuch"))).toBe("failed");
  local.tmux("s", "kill-server");
  // How tmux says that nobody is there differs from version to version.
  expect(["failed", "frames", "lost"].includes(String(await faultOf(link())))).toBe(true);
  expect(local.tmux("s", "new-session", "-d", "-s", "fresh", "sleep 1000")).toBe("");
});

/** A stream whose other side a test plays. */
function playedStream() {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const writer = writable.getWriter();
  const sent: string[] = [];
  let closed = false;
  const stream: BenchStream = {
    write: (data) => void sent.push(typeof data === "string" ? data : new TextDecoder().decode(data)),
    output: readable,
    close: () => {
      closed = true;
    },
  };
  return {
    stream,
    sent,
    say: (text: string) => void writer.write(new TextEncoder().encode(text)),
    end: () => void writer.close(),
    isClosed: () => closed,
  };
}

test("a silent server is given up after 2 s, and nothing is sent again", async () => {
  const time = manualClock();
  const played = playedStream();
  const opening = openLink(played.stream, time, () => undefined);
  played.say("%begin 1 1 0\n%end 1 1 0\n");
  const open = await opening;
  const first = faultOf(open.command("list-panes"));
  const second = faultOf(open.command("list-panes"));
  await time.advance(1999);
  expect(played.isClosed()).toBe(false);
  await time.advance(1);
  expect(await Promise.all([first, second, open.ended.then(({ kind }) => kind)])).toEqual([
    "timeout",
    "timeout",
    "timeout",
  ]);
  expect(played.isClosed()).toBe(true);
  expect(played.sent).toHaveLength(2);
});

test("an attach that says nothing is given up as well", async () => {
  const time = manualClock();
  const played = playedStream();
  const opening = faultOf(openLink(played.stream, time, () => undefined));
  await time.advance(2000);
  expect(await opening).toBe("timeout");
  expect(played.isClosed()).toBe(true);
});

test("no more than 64 commands wait", async () => {
  const played = playedStream();
  const opening = openLink(played.stream, manualClock(), () => undefined);
  played.say("%begin 1 1 0\n%end 1 1 0\n");
  const open = await opening;
  const waiting = Array.from({ length: 64 }, () => faultOf(open.command("list-panes")));
  expect(await faultOf(open.command("list-panes"))).toBe("overflow");
  played.end();
  expect(new Set(await Promise.all(waiting))).toEqual(new Set(["lost"]));
});

test("an answer in ever more blocks ends the link at 4 MiB", async () => {
  const played = playedStream();
  const opening = openLink(played.stream, manualClock(), () => undefined);
  played.say("%begin 1 1 0\n%end 1 1 0\n");
  const open = await opening;
  const answer = faultOf(open.command("list-panes"));
  const printed = `${"x".repeat(1_000_000)}\n`;
  for (const number of [2, 3, 4, 5, 6]) played.say(`%begin 1 ${number} 1\n${printed}%end 1 ${number} 1\n`);
  expect(await answer).toBe("overflow");
  expect(played.isClosed()).toBe(true);
});

test("a line break would be a second command", async () => {
  const played = playedStream();
  const opening = openLink(played.stream, manualClock(), () => undefined);
  played.say("%begin 1 1 0\n%end 1 1 0\n");
  const open = await opening;
  for (const line of ["", "  ", "a\nb", "a\r"]) expect(() => open.command(line)).toThrow("one line");
});
