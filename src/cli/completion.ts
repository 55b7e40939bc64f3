/** Shell completion from the command tree (00 §2). The library knows the shells; the words come from here. */
import { type Complete, RootCommand } from "@bomb.sh/tab";
import { allOptions } from "./args.ts";
import type { Candidate, Candidates, Command, OptionSpec } from "./command.ts";
import type { CliContext } from "./context.ts";

type Node = ReturnType<RootCommand["command"]>;

/**
 * The tree as the library wants it.
 * @param words what is typed so far: live candidates are found out only for the place that is being completed
 */
export async function completionTree(
  context: CliContext,
  root: Command,
  words: readonly string[],
): Promise<RootCommand> {
  const tree = new RootCommand();
  await describe(tree, root, true, context, words);
  await addChildren(tree, root, [], context, words);
  return tree;
}

async function addChildren(
  tree: RootCommand,
  parent: Command,
  path: readonly string[],
  context: CliContext,
  words: readonly string[],
): Promise<void> {
  for (const [name, load] of Object.entries(parent.spec.children)) {
    const child = await load();
    if (child.spec.hidden) continue;
    const childPath = [...path, name];
    await describe(tree.command(childPath.join(" "), child.spec.summary), child, false, context, words);
    await addChildren(tree, child, childPath, context, words);
  }
}

async function describe(
  node: Node,
  command: Command,
  isRoot: boolean,
  context: CliContext,
  words: readonly string[],
): Promise<void> {
  for (const [name, option] of Object.entries(allOptions(command, isRoot))) {
    if (option.hidden) continue;
    if (option.type === "boolean") {
      if (option.short) node.option(name, option.summary, option.short);
      else node.option(name, option.summary);
      continue;
    }
    // With a handler the library knows that a value follows, even where none can be offered.
    const offered = await optionCandidates(name, option, context, words);
    node.option(name, option.summary, offer(offered), option.short);
  }
  for (const [name, { values, candidates }] of Object.entries(command.spec.positionals)) {
    const offered = values ? plain(values) : await live(candidates, context);
    node.argument(name, offer(offered));
  }
}

async function optionCandidates(
  name: string,
  { values, candidates }: OptionSpec,
  context: CliContext,
  words: readonly string[],
): Promise<readonly Candidate[]> {
  if (values) return plain(values);
  const here = words.at(-2) === `--${name}` || words.at(-1)?.startsWith(`--${name}=`);
  return here ? await live(candidates, context) : [];
}

const plain = (values: readonly string[]): Candidate[] => values.map((value) => ({ value, summary: "" }));

async function live(candidates: Candidates | undefined, context: CliContext): Promise<readonly Candidate[]> {
  return candidates ? await candidates(context) : [];
}

function offer(candidates: readonly Candidate[]): (complete: Complete) => void {
  return (complete) => {
    for (const { value, summary } of candidates) complete(value, summary);
  };
}
