/** The real world of a command. */
import { systemClock } from "../base/clock.ts";
import { localFiles } from "../config/local-files.ts";
import type { CliContext } from "./context.ts";
import { OK, PREFLIGHT } from "./exits.ts";
import { streamOutput } from "./output.ts";

/** The world of this process. A reader that closed the pipe ends it at once, successfully; a full disk does not. */
export function processContext(): CliContext {
  const { env } = process;
  const onBroken = (why: "reader gone" | "failed"): never => process.exit(why === "reader gone" ? OK : PREFLIGHT);
  return {
    env,
    out: streamOutput(process.stdout, env, onBroken),
    err: streamOutput(process.stderr, env, onBroken),
    input: () => Bun.stdin.stream(),
    clock: systemClock(),
    files: localFiles,
    uid: process.geteuid?.(),
  };
}
