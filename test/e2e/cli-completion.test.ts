/** `completion` (00 §2) in the shells themselves, typed into a terminal. */
import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { standIn } from "./cli-stand-in.ts";
import { openTerminal } from "./cli-terminal.ts";
import { createTower, type Envelope, type Tower } from "./tower.ts";

const BENCHES = ["py-bench", "node-bench", "$(touch evaluated)"];

/** A tower whose daemon, as far as clients see, knows these benches. */
async function withBenches(tower: Tower) {
  return await standIn(tower, (method): Envelope => {
    if (method !== "list_containers") return { ok: false, error: { code: "bad_request", message: "no" } };
    const containers = BENCHES.map((name) => ({ name, image: "bench:1", active: true }));
    return { ok: true, result: { filter: "active_only", containers } };
  });
}

/** Environment in which a shell finds the executable by its name, and nothing of the user's. */
const shellEnv = (tower: Tower, env: Record<string, string>): Record<string, string> => ({
  ...tower.env,
  ...env,
  PATH: `${tower.bin}:${tower.env["PATH"]}`,
  TERM: "xterm",
  PS1: "> ",
});

const CASES: [typed: string, completed: string][] = [
  ["agenttower stop", "agenttower stop-daemon "],
  ["agenttower daemon star", "agenttower daemon start "],
  ["agenttower list-panes --act", "agenttower list-panes --active-only "],
  ["agenttower app call app.dash", "agenttower app call app.dashboard "],
  ["agenttower completion fi", "agenttower completion fish "],
  ["agenttower list-panes --container py", "agenttower list-panes --container py-bench "],
];

async function expectCompletions(tower: Tower, shell: string[], env: Record<string, string>, setUp: string) {
  await using terminal = openTerminal(shell, shellEnv(tower, env), tower.dir);
  terminal.type(`${setUp}; echo set''up\n`);
  await terminal.shows("setup");
  const expectTyped = async (typed: string, completed: string) => {
    terminal.forget();
    // Ctrl-U takes the line away; the key press at its end is TAB.
    terminal.type(`\u0015${typed}\t`);
    await terminal.shows(completed);
  };
  for (const [typed, completed] of CASES) await expectTyped(typed, completed);
  // What is typed is never run by a key press. The next completion comes after whatever this one did.
  terminal.type("\u0015agenttower app call '$(touch evaluated)' \t");
  terminal.type("\u0015agenttower list-panes --container \t\t");
  await expectTyped("agenttower daemon star", "agenttower daemon start ");
  expect(existsSync(join(tower.dir, "evaluated"))).toBe(false);
}

test("bash, with nothing beside it", async () => {
  await using tower = await createTower();
  using benches = await withBenches(tower);
  const shell = ["bash", "--norc", "--noprofile", "-i"];
  // Twice: a shell's profile may be read again.
  const setUp =
    "bind 'set bell-style none'; source <(agenttower completion bash); source <(agenttower completion bash)";
  await using terminal = openTerminal(shell, shellEnv(tower, benches.env), tower.dir);
  terminal.type(`${setUp}; echo set''up\n`);
  await terminal.shows("setup");
  expect(terminal.text()).not.toMatch(/readonly|not found|error/i);
  terminal.type("agenttower list-panes --container=py\t");
  await terminal.shows("--container=py-bench ");
  terminal.forget();
  terminal.type("\u0015agenttower daemon st\t\t");
  await terminal.shows(/start\s+status\s+stop/);
  await expectCompletions(tower, shell, benches.env, setUp);
});

test.if(Bun.which("zsh") !== null)("zsh", async () => {
  await using tower = await createTower();
  using benches = await withBenches(tower);
  const setUp = "unsetopt beep; autoload -Uz compinit; compinit -u -D; source <(agenttower completion zsh)";
  await expectCompletions(tower, ["zsh", "-f", "-i"], benches.env, setUp);
});

test.if(Bun.which("fish") !== null)("fish", async () => {
  await using tower = await createTower();
  using benches = await withBenches(tower);
  for (const [typed, completed] of CASES) {
    const script = `agenttower completion fish | source; complete -C '${typed}'`;
    const child = Bun.spawn(["fish", "--no-config", "-c", script], {
      env: shellEnv(tower, benches.env),
      cwd: tower.dir,
      stdout: "pipe",
      stderr: "pipe",
    });
    const offered = (await new Response(child.stdout).text()).split("\n").map((line) => line.split("\t")[0]);
    expect([typed, offered]).toEqual([typed, [completed.trim().split(" ").at(-1), ""]]);
    expect(await new Response(child.stderr).text()).toBe("");
  }
});

test("a key press is quick to say nothing: no daemon, a bad socket, words that make no sense", async () => {
  await using tower = await createTower();
  for (const [words, env] of [
    [["list-panes", "--container", ""], {}],
    [["list-panes", "--container", ""], { AGENTTOWER_SOCKET: "relative" }],
    [["nope", "--what", "\u001b[31m"], {}],
    [["app", "call", "app.nope"], {}],
  ] as const) {
    const { code, stdout, stderr } = await tower.run(["complete", "--", ...words], { env });
    expect({ words, code, stdout, stderr }).toEqual({ words, code: 0, stdout: ":4\n", stderr: "" });
  }
});
