/**
 * What a failed `id`, `ls` or `tmux` means (02 §4.3). The runtime writes its own errors to the output stream, so both streams
 * are read together; text is compared without case.
 */
import type { BenchOutput } from "../base/bench.ts";
import { cut, message } from "../base/text.ts";
import type { PaneCode } from "./failure-codes.ts";

/** How much of a command's own words a message shows, in characters. */
const OWN_WORDS_CHARACTERS = 512;

export type Failure = { code: PaneCode; message: string };

/** The uid that `id -u` printed, or why there is none. `userMissing`: the image has no such user. */
export function readUid(output: BenchOutput): number | (Failure & { userMissing: boolean }) {
  if (output.exitCode !== 0) {
    const userMissing = wordsOf(output).includes("unable to find user");
    return { ...failed("docker_exec_failed", "id -u", output), userMissing };
  }
  const line = output.stdout.split("\n").find((text) => text.trim() !== "");
  const uid = line?.trim() ?? "";
  if (/^[0-9]{1,10}$/.test(uid)) return Number(uid);
  const words = line === undefined ? "nothing" : cut(JSON.stringify(line), OWN_WORDS_CHARACTERS);
  return { code: "output_malformed", message: message(`id -u printed ${words}`), userMissing: false };
}

/** Why the socket directory could not be listed. */
export function listingFailure(directory: string, output: BenchOutput): Failure {
  const what = `ls ${directory}`;
  const words = wordsOf(output);
  const has = (...texts: string[]): boolean => texts.some((text) => words.includes(text));
  if (output.exitCode === 126 || output.exitCode === 127) return failed("docker_exec_failed", what, output);
  if (has("permission denied", "operation not permitted")) return failed("socket_unreadable", what, output);
  if (has("no such file or directory", "cannot access")) return failed("socket_dir_missing", what, output);
  return failed("docker_exec_failed", what, output);
}

/**
 * Why the panes of a server could not be listed.
 * `gone` proves that no server is behind the socket (02 §14); a refused permission proves nothing.
 * `missing`: not even the socket is there.
 */
export function panesFailure(socketPath: string, output: BenchOutput): Failure & { gone: boolean; missing: boolean } {
  const what = `tmux list-panes on ${socketPath}`;
  const words = wordsOf(output);
  const has = (...texts: string[]): boolean => texts.some((text) => words.includes(text));
  if (has("tmux: not found", "tmux: command not found", "executable file not found", 'exec: "tmux"')) {
    return { ...failed("tmux_unavailable", what, output), gone: false, missing: false };
  }
  const missing = has("error connecting to") && has("no such file or directory");
  if (has("no server running", "error connecting to", "no current server")) {
    const gone = missing || has("no server running", "connection refused");
    return { ...failed("tmux_no_server", what, output), gone, missing };
  }
  return { ...failed("docker_exec_failed", what, output), gone: false, missing: false };
}

function failed(code: PaneCode, what: string, output: BenchOutput): Failure {
  const words = cut(message(`${output.stderr} ${output.stdout}`), OWN_WORDS_CHARACTERS);
  return { code, message: message(`${what} failed with exit code ${output.exitCode}${words ? `: ${words}` : ""}`) };
}

function wordsOf(output: BenchOutput): string {
  return `${output.stdout}\n${output.stderr}`.toLowerCase();
}
