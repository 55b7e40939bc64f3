/** `complete`: what the completion script asks on every key press. Not for people. */
import { command } from "../command.ts";
import { OK } from "../exits.ts";

export const complete = command({
  name: "complete",
  summary: "Print completions of a command line.",
  examples: ["agenttower complete -- daemon ''"],
  hidden: true,
  rest: true,
  async run(context, { words }) {
    const { completionTree } = await import("../completion.ts");
    const { root } = await import("../tree.ts");
    const tree = await completionTree(context, root, words);
    tree.parse([...words]);
    return OK;
  },
});
