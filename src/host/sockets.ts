/** Where the tmux servers of the host bench listen (00 §7). */
import { statSync } from "node:fs";
import { isAbsolute, join } from "node:path";

export type HostSocket = {
  path: string;
  /** False: the socket counts as not listed (00 §7). */
  present: boolean;
};

/**
 * @param configured names under tmux's folder of that user, or absolute paths, as in `[host] sockets`
 * @param tmuxTmpdir `$TMUX_TMPDIR` of the daemon
 * @returns one entry per different path, in the order given
 */
export function hostSockets(configured: readonly string[], uid: number, tmuxTmpdir?: string): HostSocket[] {
  const folder = join(tmuxTmpdir || "/tmp", `tmux-${uid}`);
  const paths = new Set(configured.map((entry) => (isAbsolute(entry) ? entry : join(folder, entry))));
  return [...paths].map((path) => ({ path, present: isSocketOf(path, uid) }));
}

/** As in containers, only sockets of that user count (02 §5.3): anyone may make a folder under /tmp before we do. */
function isSocketOf(path: string, uid: number): boolean {
  try {
    const stat = statSync(path);
    return stat.isSocket() && stat.uid === uid;
  } catch {
    // Not there, or not to be looked at: not listed either way.
    return false;
  }
}
