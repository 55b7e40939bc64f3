/**
 * The sockets in a directory, out of `ls -lan` (02 §5.3). It tells type and owner with coreutils, busybox and toybox alike;
 * what is no socket of the bench user is left out without an error.
 */

/** Longest file name, in bytes. */
const NAME_BYTES = 255;

/**
 * A line of a socket: mode, links, owner, group, size, a time in one of the known styles, one blank, name.
 * Times: `Nov 25 08:00`, `Nov 25  2025`, `2026-11-25 08:00`, `2026-11-25 08:00:00.000000000 +0000`, `11-25 08:00`.
 */
const SOCKET_LINE =
  /^s[-rwxsStT]{9}[.+@]?\s+\d+\s+(\d+)\s+\d+\s+\d+\s+(?:\p{L}{1,12}\.?\s+\d{1,2}\s+(?:\d{1,2}:\d{2}|\d{4})|(?:\d{4}-)?\d{2}-\d{2}\s+\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:\s[+-]\d{4})?) (.+)$/u;

/** The argument list that lists a socket directory. */
export function listingCommand(directory: string): string[] {
  return ["ls", "-lan", "--", directory];
}

/**
 * Names of the sockets that `uid` owns, in the order given, each once.
 * Symlinks are left out: one that stays in the directory names a socket that is listed itself.
 */
export function parseSockets(output: string, uid: number): string[] {
  const names = new Set<string>();
  for (const line of output.split("\n")) {
    const [, owner, name] = SOCKET_LINE.exec(line.endsWith("\r") ? line.slice(0, -1) : line) ?? [];
    if (name !== undefined && Number(owner) === uid && isPlainName(name)) names.add(name);
  }
  return [...names];
}

function isPlainName(name: string): boolean {
  if (name === "." || name === ".." || name.includes("/")) return false;
  // U+FFFD stands for bytes that were not UTF-8: the real name is not known, so it cannot be asked.
  return !/[\x00-\x1f\x7f\ufffd]/.test(name) && Buffer.byteLength(name) <= NAME_BYTES;
}
