/** What a command may use of the world; `run.ts` builds the real one. */
import type { Clock } from "../base/clock.ts";
import type { LocalFiles } from "../config/local-files.ts";
import type { Env } from "../config/paths.ts";
import type { Output } from "./output.ts";

export type CliContext = {
  env: Env;
  out: Output;
  err: Output;
  /** Standard input, in pieces; asked for at most once. */
  input(): AsyncIterable<Uint8Array>;
  clock: Clock;
  files: LocalFiles;
  /** Effective uid of this process. */
  uid: number | undefined;
};
