/** One executable with two names: called as `agenttowerd` it is that command (01 §1). Only the half that runs is loaded. */
import { basename } from "node:path";

const words = process.argv.slice(2);

async function run(): Promise<number> {
  if (basename(process.argv0) === "agenttowerd") {
    const { agenttowerd } = await import("./cli/agenttowerd.ts");
    return agenttowerd(words);
  }
  const { agenttower } = await import("./cli/run.ts");
  return agenttower(words);
}

process.exit(await run());
