import { describe, expect, test } from "bun:test";
import { completionTree } from "../../src/cli/completion.ts";
import { root } from "../../src/cli/tree.ts";
import { methods } from "../../src/contract/methods.ts";
import { createWorld, ok } from "./world.ts";

/** What a shell is offered: the values that begin with the last word. */
async function offered(world: ReturnType<typeof createWorld>, ...words: string[]): Promise<string[]> {
  const tree = await completionTree(world.context("", false), root, words);
  tree.parse([...words]);
  const last = words.at(-1) ?? "";
  const values = tree.completions.map(({ value }) => value).filter((value) => value.startsWith(last));
  // The library lists a word once for every command that begins with it, and drops the repeats when it prints.
  return [...new Set(values)];
}

describe("completion", () => {
  test("commands, sub-commands, options and values", async () => {
    using world = createWorld();
    expect(await offered(world, "con")).toEqual(["config"]);
    expect(await offered(world, "daemon", "st")).toEqual(["start", "stop", "status"]);
    expect(await offered(world, "list-panes", "--")).toEqual(["--active-only", "--container", "--json", "--help"]);
    expect(await offered(world, "completion", "")).toEqual(["bash", "zsh", "fish"]);
    expect(await offered(world, "")).not.toContain("complete");
  });

  test("every method name", async () => {
    using world = createWorld();
    for (const command of ["call", "schema"]) {
      expect(await offered(world, "app", command, "")).toEqual(Object.keys(methods));
    }
  });

  test("an option's value is not a positional's", async () => {
    using world = createWorld();
    expect(await offered(world, "app", "call", "--session", "")).toEqual([]);
  });

  test("container names come from the daemon, and only where one is typed", async () => {
    using world = createWorld();
    await world.serve(() => ok({ filter: "active_only", containers: [{ name: "py-bench", image: "i" }] }));
    expect(await offered(world, "list-panes", "--container", "py")).toEqual(["py-bench"]);
    const asked = world.requests.length;
    await offered(world, "list-panes", "--");
    expect(world.requests).toHaveLength(asked);
  });

  test("no daemon, no names, no noise", async () => {
    using world = createWorld({ AGENTTOWER_SOCKET: "relative" });
    expect(await offered(world, "list-panes", "--container", "")).toEqual([]);
  });
});
