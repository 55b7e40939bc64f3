/** `agenttowerd` (01 §7): the other name of the executable. */
import { VERSION } from "../base/version.ts";
import { processContext } from "./context-of-process.ts";
import { OK, USAGE } from "./exits.ts";

const USAGE_TEXT = `usage: agenttowerd run

Run the AgentTower daemon in the foreground until it is stopped.

commands:
  run        run until SIGTERM, SIGINT or \`agenttower stop-daemon\`

options:
  --version  show the version
  -h, --help show this help

example:
  agenttowerd run
`;

/**
 * Runs one command line of this process.
 * @param argv words after the program's name
 * @returns the exit code, once all output has left
 */
export async function agenttowerd(argv: readonly string[]): Promise<number> {
  const [word] = argv;
  if (word === "run" && argv.length === 1) {
    const { runForeground } = await import("../daemon/foreground.ts");
    return await runForeground({ command: "run", json: false, exitWithParent: false });
  }
  const { out, err } = processContext();
  const exit = answer(
    argv,
    (text) => out.write(text),
    (text) => err.write(text),
  );
  await Promise.all([out.flush(), err.flush()]);
  return exit;
}

function answer(argv: readonly string[], out: (text: string) => void, err: (text: string) => void): number {
  const [word] = argv;
  if (argv.length === 0 || (argv.length === 1 && (word === "--help" || word === "-h"))) {
    out(USAGE_TEXT);
    return OK;
  }
  if (argv.length === 1 && word === "--version") {
    out(`agenttowerd ${VERSION}\n`);
    return OK;
  }
  err(USAGE_TEXT);
  return USAGE;
}
