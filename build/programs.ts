/** Where programs of the system are, and how a command is run as root. */

/** Programs are looked for here as well: PATH of an ordinary user lacks the `sbin` folders. */
const SYSTEM_PATH = "/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin";

/** Path of a program on PATH or in the system's folders. */
export function findProgram(name: string): string | null {
  return Bun.which(name, { PATH: `${process.env["PATH"] ?? ""}:${SYSTEM_PATH}` });
}

/** What makes a command run as root: nothing, or sudo without a password; `null` when neither is to be had. */
export function rootPrefix(): string[] | null {
  if (process.getuid?.() === 0) return [];
  const sudo = findProgram("sudo");
  if (sudo === null || Bun.spawnSync([sudo, "-n", "true"]).exitCode !== 0) return null;
  return [sudo, "-n"];
}
