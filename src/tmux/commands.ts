/** Argument lists and command lines for tmux. Nothing here goes through a shell (02 §2). */
import { type Marks, markedFormat, paneFormat, splitMarked } from "./rows.ts";

/** Fixed first arguments of every call to the server on `socketPath`. */
const onServer = (socketPath: string): string[] => ["tmux", "-S", socketPath];

/** Lists all panes of a server (02 §4.3). */
export function listPanesCommand(socketPath: string, marks: Marks): string[] {
  return [...onServer(socketPath), "list-panes", "-a", "-F", paneFormat(marks)];
}

/** The same over a link. */
export function listPanesLine(marks: Marks): string {
  return `list-panes -a -F ${quote(paneFormat(marks))}`;
}

/** Tells whether a link may be opened, and to which session; read it with `linkTarget`. */
export function describeSessionsCommand(socketPath: string, marks: Marks): string[] {
  const format = markedFormat(["session_id", "version", "destroy-unattached", "exit-unattached"], marks);
  return [...onServer(socketPath), "list-sessions", "-F", format];
}

/** The link itself (05 §11). A bare `-C` would create a session, so the session is always named. */
export function linkCommand(socketPath: string, sessionId: string): string[] {
  return [...onServer(socketPath), "-C", "attach", "-t", sessionId, "-f", "no-output,ignore-size"];
}

/**
 * Asks tmux to tell whenever a session, window, pane or pane process comes or goes, in any session of the server: by itself
 * it tells about the attached session only. tmux looks once per second and speaks only after a change.
 */
export const WATCH_ALL_LINE = `refresh-client -B ${quote(
  "agenttower::#{S:#{session_name}#{W:#{window_index}#{P:#{pane_index}#{pane_id}#{pane_pid}}}}",
)}`;

/**
 * The session a link may attach to: the first without `destroy-unattached`, on a server without `exit-unattached`, because
 * leaving would end the other kind; and tmux ≥ 3.2, which knows the flags (05 §11).
 * @returns `null` when there is none
 */
export function linkTarget(output: string, marks: Marks): string | null {
  for (const [session = "", version = "", destroyUnattached, exitUnattached] of splitMarked(output, marks)) {
    if (!knowsLinkFlags(version) || !isOff(exitUnattached)) return null;
    if (/^\$\d+$/.test(session) && isOff(destroyUnattached)) return session;
  }
  return null;
}

function knowsLinkFlags(version: string): boolean {
  const [, major, minor] = /(\d+)\.(\d+)/.exec(version) ?? [];
  if (major === undefined || version.startsWith("openbsd")) return false;
  return Number(major) > 3 || (Number(major) === 3 && Number(minor) >= 2);
}

function isOff(value: string | undefined): boolean {
  return value === "0" || value === "off";
}

/**
 * One argument of a command line that goes over a link: in double quotes, every ASCII character but letters, digits and
 * blanks as an octal escape (05 §11; escaping `\ " $` alone is not enough, a leading `~` is expanded even in quotes).
 */
export function quote(text: string): string {
  const escaped = text.replace(/[\x00-\x7f]/g, (char) =>
    /[A-Za-z0-9 ]/.test(char) ? char : `\\${char.charCodeAt(0).toString(8).padStart(3, "0")}`,
  );
  return `"${escaped}"`;
}
