/**
 * What a command is (01 §14, 00 §2). citty holds the tree and runs the leaf; `args.ts` judges the command line before, so the
 * citty side of a command is all optional and its parsed values arrive in `data`.
 */
import { type ArgsDef, type CommandDef, defineCommand } from "citty";
import type { CliContext } from "./context.ts";

export type OptionSpec = {
  type: "boolean" | "string";
  summary: string;
  /** Name of the value in help. */
  hint?: string;
  /** One letter. */
  short?: string;
  required?: boolean;
  /** May be repeated; its value is a list. */
  list?: boolean;
  /** The closed set of values. */
  values?: readonly string[];
  /** Works, but is not shown. */
  hidden?: boolean;
  candidates?: Candidates;
};

/** Values that completion offers; found out only when somebody completes there. */
export type Candidates = (context: CliContext) => Promise<readonly Candidate[]>;
export type Candidate = { value: string; summary: string };

export type PositionalSpec = {
  summary: string;
  required: boolean;
  values?: readonly string[];
  candidates?: Candidates;
};

type Options = Readonly<Record<string, OptionSpec>>;
type Positionals = Readonly<Record<string, PositionalSpec>>;

type ValueOf<O extends OptionSpec> = O["type"] extends "boolean"
  ? boolean
  : O extends { list: true }
    ? readonly string[]
    : O extends { required: true }
      ? string
      : string | undefined;

/** Parsed values, by the names of options and positionals. A flag that was not given is false, a list empty. */
export type ValuesOf<O extends Options, P extends Positionals> = { readonly [K in keyof O]: ValueOf<O[K]> } & {
  readonly [K in keyof P]: P[K] extends { required: true } ? string : string | undefined;
};
/** The same before its command looks at it. */
export type Values = Readonly<Record<string, boolean | string | readonly string[] | undefined>>;

/** A command where its tree is walked. `load` lets a command cost nothing until it is asked for. */
export type LoadCommand = () => Promise<Command>;

type Head = {
  name: string;
  summary: string;
  /** Whole command lines for help, at least one. */
  examples: readonly [string, ...string[]];
  hidden?: boolean;
  /** More words for help, below the summary. */
  notes?: string;
};

export type CommandSpec = Head & {
  options: Options;
  positionals: Positionals;
  children: Readonly<Record<string, LoadCommand>>;
  /** Takes any further words, as the list `words`. */
  rest: boolean;
  /** Without a sub-command: run it, show its usage (exit 0), or refuse (exit 2). */
  alone: "run" | "usage" | "refuse";
};

export type Command = CommandDef & { readonly spec: CommandSpec };

/** What citty hands through to the leaf. */
export type CommandInput = { context: CliContext; values: Values };

/** Defines a command that does something. `run` returns the exit code. */
export function command<
  const O extends Options = Record<never, OptionSpec>,
  const P extends Positionals = Record<never, PositionalSpec>,
  const R extends boolean = false,
>(
  spec: Head & {
    options?: O;
    positionals?: P;
    children?: Readonly<Record<string, LoadCommand>>;
    rest?: R;
    run(
      context: CliContext,
      values: ValuesOf<O, P> & (R extends true ? { words: readonly string[] } : unknown),
    ): Promise<number> | number;
  },
): Command {
  const { run, options = {}, positionals = {}, children = {}, rest = false, ...head } = spec;
  return build({ ...head, options, positionals, children, rest, alone: "run" }, (input) =>
    // `args.ts` builds the values from this very specification.
    run(input.context, input.values as Parameters<typeof run>[1]),
  );
}

/** Defines a command that only holds others. */
export function group(
  spec: Head & { children: Readonly<Record<string, LoadCommand>>; alone: "usage" | "refuse" },
): Command {
  return build({ ...spec, options: {}, positionals: {}, rest: false });
}

function build(spec: CommandSpec, run?: (input: CommandInput) => Promise<number> | number): Command {
  const args: ArgsDef = {};
  for (const [name, { type, summary }] of Object.entries(spec.options)) args[name] = { type, description: summary };
  for (const [name, { summary }] of Object.entries(spec.positionals)) {
    args[name] = { type: "positional", description: summary, required: false };
  }
  const definition = defineCommand({
    meta: { name: spec.name, description: spec.summary, hidden: spec.hidden ?? false },
    args,
    ...(Object.keys(spec.children).length > 0 ? { subCommands: { ...spec.children } } : {}),
    ...(run ? { run: ({ data }) => run(data) } : {}),
  });
  return { ...definition, spec };
}
