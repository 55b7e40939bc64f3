/**
 * The command line, judged before anything runs (01 §13): exact options only, no text of the user is ever taken for an option,
 * everything after `--` is literal, flags given to a parent count for the leaf, repeated options become lists.
 * Pure but for loading the commands on the way.
 */
import { parseArgs } from "node:util";
import { cut, message } from "../base/text.ts";
import type { Command, OptionSpec, Values } from "./command.ts";
import { suggestion } from "./suggestion.ts";

export type CommandLine =
  | { kind: "run"; path: readonly string[]; command: Command; values: Values }
  | { kind: "usage"; path: readonly string[]; command: Command }
  | { kind: "version" }
  /** `reason` is one clean line, without `error: `. */
  | { kind: "refused"; path: readonly string[]; command: Command; reason: string };

type Place = { path: readonly string[]; command: Command };

/** Quoted words of the user in a message are cut here. */
const QUOTED_CHARACTERS = 64;
const quoted = (word: string): string => `'${cut(message(word), QUOTED_CHARACTERS)}'`;

class Refusal extends Error {}

/** Reads a command line. `root` is the tree, `argv` the words after the program's name. */
export async function readCommandLine(root: Command, argv: readonly string[]): Promise<CommandLine> {
  const walked = await walk(root, argv);
  const { place, rest } = walked;
  try {
    if (walked.unknown !== null) {
      if (asksFor(argv, ["--help", "-h"])) return { kind: "usage", ...place };
      const known = Object.keys(place.command.spec.children);
      throw new Refusal(`unknown command ${quoted(walked.unknown)}${suggestion(walked.unknown, known)}`);
    }
    const isRoot = place.path.length === 1;
    const outcome = readLeaf(place.command, rest, isRoot);
    if (outcome === "help") return { kind: "usage", ...place };
    if (outcome === "version") return { kind: "version" };
    const { alone } = place.command.spec;
    if (alone === "usage") return { kind: "usage", ...place };
    if (alone === "refuse") throw new Refusal("a sub-command is required");
    return { kind: "run", ...place, values: outcome };
  } catch (error) {
    if (error instanceof Refusal) return { kind: "refused", ...place, reason: error.message };
    throw error;
  }
}

function asksFor(argv: readonly string[], names: readonly string[]): boolean {
  const end = argv.indexOf("--");
  return argv.slice(0, end < 0 ? argv.length : end).some((word) => names.includes(word));
}

/** Follows the sub-commands; options met on the way are kept for the leaf, in front of its own words. */
async function walk(
  root: Command,
  argv: readonly string[],
): Promise<{ place: Place; rest: readonly string[]; unknown: string | null }> {
  let command = root;
  const path = [root.spec.name];
  const passed: string[] = [];
  let at = 0;
  for (; at < argv.length; at++) {
    const word = argv[at] ?? "";
    const { children, positionals } = command.spec;
    if (word === "--" || Object.keys(children).length === 0) break;
    if (word.startsWith("-") && word !== "-") {
      passed.push(word);
      const value = argv[at + 1];
      if (takesNextWord(command, word) && value !== undefined) {
        passed.push(value);
        at++;
      }
      continue;
    }
    const load = Object.hasOwn(children, word) ? children[word] : undefined;
    if (!load) {
      if (Object.keys(positionals).length > 0) break;
      return { place: { path, command }, rest: passed, unknown: word };
    }
    command = await load();
    path.push(word);
  }
  return { place: { path, command }, rest: [...passed, ...argv.slice(at)], unknown: null };
}

/** Whether an option that a parent knows has its value in the next word. */
function takesNextWord(command: Command, word: string): boolean {
  if (word.includes("=")) return false;
  const options = Object.entries(command.spec.options);
  const found = word.startsWith("--")
    ? options.find(([name]) => name === word.slice(2))
    : options.find(([, { short }]) => short !== undefined && word === `-${short}`);
  return found?.[1].type === "string";
}

/** Options every command has. */
const HELP: OptionSpec = { type: "boolean", summary: "show this help", short: "h" };
const VERSION: OptionSpec = { type: "boolean", summary: "show the version" };

/** The options of a command, those that every command has included; in the order of help. */
export function allOptions(command: Command, isRoot: boolean): Readonly<Record<string, OptionSpec>> {
  return { ...command.spec.options, ...(isRoot ? { version: VERSION } : {}), help: HELP };
}

function readLeaf(command: Command, words: readonly string[], isRoot: boolean): Values | "help" | "version" {
  const options = allOptions(command, isRoot);
  const { tokens } = parseArgs({
    args: [...words],
    options: Object.fromEntries(
      Object.entries(options).map(([name, { type, short }]) => [name, { type, ...(short ? { short } : {}) }]),
    ),
    allowPositionals: true,
    // The tokens are the same in both ways; judging them here gives our own words and suggestions.
    strict: false,
    tokens: true,
  });
  const given = new Map<string, string[]>();
  const plain: string[] = [];
  let firstFault: string | null = null;
  const refuse = (reason: string): void => {
    firstFault ??= reason;
  };
  let help = false;
  let version = false;
  for (const token of tokens) {
    if (token.kind === "positional") plain.push(token.value);
    if (token.kind !== "option") continue;
    const spec = Object.hasOwn(options, token.name) ? options[token.name] : undefined;
    const fault = spec ? optionFault(spec, token) : unknownOption(token.rawName, Object.keys(options));
    if (fault) refuse(fault);
    else if (token.name === "help") help = true;
    else if (token.name === "version" && isRoot) version = true;
    else given.set(token.name, [...(given.get(token.name) ?? []), token.value ?? ""]);
  }
  // Help was asked for: whatever else is wrong, it is what helps.
  if (help) return "help";
  if (firstFault !== null) throw new Refusal(firstFault);
  if (version && plain.length === 0) return "version";
  return { ...optionValues(command, given), ...positionalValues(command, plain) };
}

type OptionToken = { rawName: string; value: string | undefined; inlineValue: boolean | undefined };

function optionFault(spec: OptionSpec, { rawName, value, inlineValue }: OptionToken): string | null {
  if (spec.type === "boolean") return value === undefined ? null : `option ${rawName} does not take a value`;
  if (value === undefined) return `option ${rawName} needs a value`;
  if (!inlineValue && value.startsWith("-") && value.length > 1) {
    return `option ${rawName} needs a value; one that starts with a dash is given as ${rawName}=${cut(message(value), QUOTED_CHARACTERS)}`;
  }
  if (spec.values && !spec.values.includes(value)) {
    return `invalid value ${quoted(value)} for ${rawName}: choose from ${spec.values.join(", ")}`;
  }
  return null;
}

function unknownOption(rawName: string, known: readonly string[]): string {
  const hint = suggestion(
    rawName,
    known.map((name) => `--${name}`),
  );
  return `unknown option ${quoted(rawName)}${hint || "; put -- before arguments that start with a dash"}`;
}

function optionValues(command: Command, given: ReadonlyMap<string, string[]>): Values {
  const values: Record<string, boolean | string | readonly string[] | undefined> = {};
  for (const [name, { type, list, required }] of Object.entries(command.spec.options)) {
    const all = given.get(name);
    if (required && !all) throw new Refusal(`option --${name} is required`);
    if (type === "boolean") values[name] = all !== undefined;
    else values[name] = list ? (all ?? []) : all?.at(-1);
  }
  return values;
}

function positionalValues(command: Command, plain: readonly string[]): Values {
  if (command.spec.rest) return { words: plain };
  const values: Record<string, string | undefined> = {};
  const specs = Object.entries(command.spec.positionals);
  const extra = plain[specs.length];
  if (extra !== undefined) {
    if (specs.length === 0 && Object.keys(command.spec.children).length > 0) {
      throw new Refusal(`unknown command ${quoted(extra)}`);
    }
    throw new Refusal(`unexpected argument ${quoted(extra)}`);
  }
  for (const [index, [name, { required, values: allowed }]] of specs.entries()) {
    const value = plain[index];
    if (value === undefined && required) throw new Refusal(`argument ${name} is required`);
    if (value !== undefined && allowed && !allowed.includes(value)) {
      throw new Refusal(`invalid ${name} ${quoted(value)}: choose from ${allowed.join(", ")}`);
    }
    values[name] = value;
  }
  return values;
}
