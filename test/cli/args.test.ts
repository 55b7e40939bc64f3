import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type CommandLine, readCommandLine } from "../../src/cli/args.ts";
import { type Command, command, group } from "../../src/cli/command.ts";
import { root as realRoot } from "../../src/cli/tree.ts";
import { usageText } from "../../src/cli/usage.ts";

const run = () => 0;
const json = { type: "boolean", summary: "" } as const;
const leaf = (name: string, more: Partial<Parameters<typeof command>[0]> = {}): (() => Promise<Command>) => {
  const made = command({ name, summary: "", examples: ["x"], options: { json }, run, ...more });
  return async () => made;
};

/** The shapes the contract has or will have: nested, with own action, lists, free text, flags that begin with `no-`. */
const root = group({
  name: "agenttower",
  summary: "",
  examples: ["x"],
  alone: "usage",
  children: {
    status: leaf("status"),
    send: leaf("send", {
      options: {
        json,
        type: { type: "string", summary: "", list: true },
        message: { type: "string", summary: "", short: "m" },
        "no-wait": { type: "boolean", summary: "" },
        kind: { type: "string", summary: "", values: ["direct", "route"] },
      },
      positionals: { TARGET: { summary: "", required: true }, TEXT: { summary: "", required: false } },
    }),
    role: leaf("role", { options: { target: { type: "string", summary: "", required: true } } }),
    shell: leaf("shell", { positionals: { NAME: { summary: "", required: true, values: ["bash", "zsh"] } } }),
    queue: leaf("queue", {
      options: { json, state: { type: "string", summary: "" } },
      children: { approve: leaf("approve", { positionals: { ID: { summary: "", required: true } } }) },
    }),
    route: async () =>
      group({ name: "route", summary: "", examples: ["x"], alone: "refuse", children: { add: leaf("add") } }),
    any: leaf("any", { rest: true }),
  },
});

const read = (...words: string[]): Promise<CommandLine> => readCommandLine(root, words);

/** Path and values of a command line that runs, or its refusal. */
async function outcome(...words: string[]): Promise<unknown> {
  const line = await read(...words);
  switch (line.kind) {
    case "run":
      return { run: line.path.slice(1).join(" "), ...line.values };
    case "refused":
      return line.reason;
    case "usage":
      return `usage of ${line.path.join(" ")}`;
    case "version":
      return "version";
  }
}

const send = { run: "send", json: false, type: [], message: undefined, "no-wait": false, kind: undefined };

test.each<[string[], unknown]>([
  [["status"], { run: "status", json: false }],
  [["status", "--json"], { run: "status", json: true }],
  // Repeated options are lists; the last one counts where a list means nothing.
  [["send", "x", "--type", "a", "--type=b"], { ...send, type: ["a", "b"], TARGET: "x", TEXT: undefined }],
  [["send", "x", "-m", "1", "-m2"], { ...send, message: "2", TARGET: "x", TEXT: undefined }],
  // A flag of its own name is no negation.
  [["send", "x", "--no-wait"], { ...send, "no-wait": true, TARGET: "x", TEXT: undefined }],
  // Text of the user is never an option.
  [["send", "x", "--", "--no way"], { ...send, TARGET: "x", TEXT: "--no way" }],
  [["send", "x", "--", "--help"], { ...send, TARGET: "x", TEXT: "--help" }],
  [["send", "--", "-1"], { ...send, TARGET: "-1", TEXT: undefined }],
  [["send", "x", "--message=--no-verify"], { ...send, message: "--no-verify", TARGET: "x", TEXT: undefined }],
  [["send", "x", "-"], { ...send, TARGET: "x", TEXT: "-" }],
  [["send", "x", "--message", "-"], { ...send, message: "-", TARGET: "x", TEXT: undefined }],
  [["send", "x", "--message="], { ...send, message: "", TARGET: "x", TEXT: undefined }],
  [["send", "", ""], { ...send, TARGET: "", TEXT: "" }],
  // Only the leaf runs; what its parent was given is the leaf's.
  [["queue", "approve", "ID"], { run: "queue approve", json: false, ID: "ID" }],
  [["queue", "--json", "approve", "ID"], { run: "queue approve", json: true, ID: "ID" }],
  [["queue", "approve", "ID", "--json"], { run: "queue approve", json: true, ID: "ID" }],
  [["queue", "--state", "approve"], { run: "queue", json: false, state: "approve" }],
  [["any", "--", "-x", "y"], { run: "any", json: false, words: ["-x", "y"] }],
])("%p is understood", async (words, expected) => {
  expect(await outcome(...words)).toEqual(expected as never);
});

test.each<[string[], string]>([
  [["status", "--bogus"], "unknown option '--bogus'; put -- before arguments that start with a dash"],
  [["status", "-z"], "unknown option '-z'; put -- before arguments that start with a dash"],
  [["status", "--jso"], "unknown option '--jso'; did you mean --json?"],
  [["status", "--jsno"], "unknown option '--jsno'; did you mean --json?"],
  [["status", "--json=1"], "option --json does not take a value"],
  [["status", "--no-json"], "unknown option '--no-json'; put -- before arguments that start with a dash"],
  [["status", "--version"], "unknown option '--version'; put -- before arguments that start with a dash"],
  [["status", "extra"], "unexpected argument 'extra'"],
  [["status", "--", "--json"], "unexpected argument '--json'"],
  [["send", "x", "--type"], "option --type needs a value"],
  [
    ["send", "x", "--type", "--no-verify"],
    "option --type needs a value; one that starts with a dash is given as --type=--no-verify",
  ],
  [["send", "-1"], "unknown option '-1'; put -- before arguments that start with a dash"],
  [["send"], "argument TARGET is required"],
  [["send", "a", "b", "c"], "unexpected argument 'c'"],
  [["send", "a", "--kind", "other"], "invalid value 'other' for --kind: choose from direct, route"],
  [["role"], "option --target is required"],
  [["shell", "csh"], "invalid NAME 'csh': choose from bash, zsh"],
  [
    ["queue", "--state", "queued", "approve", "ID"],
    "unknown option '--state'; put -- before arguments that start with a dash",
  ],
  [["queue", "aprove"], "unknown command 'aprove'; did you mean approve?"],
  [["stat"], "unknown command 'stat'; did you mean status?"],
  [["toString"], "unknown command 'toString'"],
  [["__proto__"], "unknown command '__proto__'"],
  [["--json"], "unknown option '--json'; put -- before arguments that start with a dash"],
  [["--", "status"], "unknown command 'status'"],
  [["route"], "a sub-command is required"],
  [["route", "--json"], "unknown option '--json'; put -- before arguments that start with a dash"],
  [["status", "--\x1b[31mred\n"], "unknown option '--[31mred'; put -- before arguments that start with a dash"],
])("%p is refused: %s", async (words, reason) => {
  expect(await outcome(...words)).toBe(reason);
});

test.each<[string[], string]>([
  [[], "usage of agenttower"],
  [["--help"], "usage of agenttower"],
  [["-h"], "usage of agenttower"],
  [["status", "--help"], "usage of agenttower status"],
  [["--help", "status"], "usage of agenttower status"],
  [["status", "--bogus", "--help"], "usage of agenttower status"],
  [["send", "-h"], "usage of agenttower send"],
  [["queue", "approve", "--help"], "usage of agenttower queue approve"],
  [["route", "--help"], "usage of agenttower route"],
  [["nonsense", "--help"], "usage of agenttower"],
  [["--version"], "version"],
])("%p: %s", async (words, expected) => {
  expect(await outcome(...words)).toBe(expected);
});

test("no words whatever make it throw, and what it says is one line", () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.oneof(fc.constantFrom("send", "queue", "approve", "--json", "--", "-m", "--type", "-h"), fc.string()),
      ),
      async (words) => {
        const line = await read(...words);
        if (line.kind === "refused") expect(line.reason).toMatch(/^[^\x00-\x1f\x7f]+$/);
      },
    ),
  ));

test("what follows -- is taken as it is", () =>
  fc.assert(
    fc.asyncProperty(fc.string(), fc.string(), async (target, text) => {
      expect(await outcome("send", "--", target, text)).toEqual({ ...send, TARGET: target, TEXT: text });
    }),
  ));

describe("the real tree", () => {
  const everyCommand = async (at: Command, path: string[]): Promise<[string[], Command][]> => {
    const below = await Promise.all(
      Object.entries(at.spec.children).map(async ([name, load]) => everyCommand(await load(), [...path, name])),
    );
    return [[path, at], ...below.flat()];
  };

  test("every command has help with an example of itself", async () => {
    for (const [path, each] of await everyCommand(realRoot, ["agenttower"])) {
      const line = await readCommandLine(realRoot, [...path.slice(1), "--help"]);
      expect(line.kind).toBe("usage");
      const text = await usageText(path, each);
      expect(text).toStartWith(`usage: ${path.join(" ")}`);
      expect(text).toContain("example");
      expect(each.spec.name).toBe(path.at(-1) ?? "");
      for (const example of each.spec.examples) expect(example).toContain(path.join(" "));
    }
  });

  test("the usage of the root names the first steps", async () => {
    const text = await usageText(["agenttower"], realRoot);
    for (const part of ["usage: agenttower", "config paths", "config init"]) expect(text).toContain(part);
    expect(text).not.toContain("complete ");
  });

  test("config and app alone are usage", async () => {
    for (const name of ["config", "app"]) expect((await readCommandLine(realRoot, [name])).kind).toBe("usage");
  });

  test("config paths takes no --json", async () => {
    expect((await readCommandLine(realRoot, ["config", "paths", "--json"])).kind).toBe("refused");
  });
});
