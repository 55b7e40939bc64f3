/** Text for people (00 §2): help everywhere, and what a terminal gets that a pipe does not. */
import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { containerId, containerRow, paneRow } from "../support/rows.ts";
import { standIn } from "./cli-stand-in.ts";
import { openTerminal, withoutColours } from "./cli-terminal.ts";
import { createTower, type Tower } from "./tower.ts";

const QUIET = "[containers]\nscan_interval_seconds = 0\n";
const ESC = "\u001b";

/** Runs a command on a terminal of its own. Line ends of a terminal become plain ones. */
async function onTerminal(tower: Tower, words: string[], env: Record<string, string> = {}) {
  await using terminal = openTerminal(
    [`${tower.bin}/agenttower`, ...words],
    { ...tower.env, TERM: "xterm-256color", ...env },
    tower.dir,
  );
  const code = await terminal.exited();
  return { code, text: terminal.text().replaceAll("\r\n", "\n") };
}

/** A daemon with a few benches; one of them would like to take the terminal over. */
async function towerWithRows(): Promise<Tower> {
  const tower = await createTower({ config: QUIET });
  await tower.init();
  const registry = new Database(tower.database);
  const insert = (table: string, row: object): void => {
    const columns = Object.keys(row);
    const places = columns.map(() => "?").join(", ");
    registry.run(`INSERT INTO ${table} (${columns.join(", ")}) VALUES (${places})`, Object.values(row));
  };
  const now = new Date().toISOString().replace("Z", "000+00:00");
  for (const [digit, name, last_scanned_at] of [
    ["a", "py-bench", now],
    ["b", "日本語-bench", "2026-01-01T00:00:00.000000+00:00"],
    ["c", `x${ESC}[31m${ESC}]0;owned\u0007\u009b5m\ny\tz`, "2026-01-01T00:00:00.000000+00:00"],
  ] as const) {
    const container_id = containerId(digit);
    insert("containers", containerRow({ container_id, name, last_scanned_at }));
    insert("panes", paneRow({ container_id, container_name: name, last_scanned_at, pane_current_path: name }));
  }
  registry.close();
  await tower.start();
  return tower;
}

describe("--help", () => {
  /** Names of all commands, from the help of the root. */
  async function commands(tower: Tower): Promise<string[][]> {
    const { stdout } = await tower.run(["--help"]);
    const section = stdout.slice(stdout.indexOf("commands:\n") + "commands:\n".length).split("\n\n")[0] ?? "";
    return section
      .trimEnd()
      .split("\n")
      .map((line) => (line.trim().split(/\s{2,}/)[0] ?? "").split(" "));
  }

  test("every command has it, with an example that starts with the command", async () => {
    await using tower = await createTower();
    const all = await commands(tower);
    expect(all.length).toBeGreaterThan(19);
    for (const words of [...all, [], ["config"], ["app"], ["complete"]]) {
      const { code, stdout, stderr } = await tower.run([...words, "--help"]);
      expect({ words, code, stderr }).toEqual({ words, code: 0, stderr: "" });
      const name = ["agenttower", ...words].join(" ");
      expect(stdout).toStartWith(`usage: ${name}`);
      const examples = stdout
        .slice(stdout.search(/^examples?:$/m))
        .split("\n")
        .slice(1);
      expect(examples.filter((line) => line.includes(name)).length).toBeGreaterThan(0);
      expect(stdout).toContain("--help");
      for (const line of stdout.split("\n")) expect(line.length).toBeLessThan(140);
    }
    // Whatever else is on the line, and wherever: nothing runs.
    for (const words of [
      ["-h"],
      ["daemon", "-h"],
      ["daemon", "start", "--help", "--nonsense"],
      ["--help", "stop-daemon"],
      ["app", "call", "--help"],
    ]) {
      expect(await tower.run(words)).toMatchObject({ code: 0, stderr: "" });
    }
    expect(tower.daemonPid()).toBeNull();
  });

  test("no words, config and app alone: usage on stdout, exit 0", async () => {
    await using tower = await createTower();
    const bare = await tower.run([]);
    expect(bare).toMatchObject({ code: 0, stderr: "" });
    for (const part of ["usage: agenttower", "config paths", "config init"]) expect(bare.stdout).toContain(part);
    for (const group of ["config", "app"]) {
      const { code, stdout, stderr } = await tower.run([group]);
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      expect(stdout).toStartWith(`usage: agenttower ${group}`);
    }
  });

  test("what stands behind -- is no option", async () => {
    await using tower = await createTower();
    const { code, stdout, stderr } = await tower.run(["app", "call", "--", "--help"]);
    expect(code).toBe(3);
    expect(stderr).toBe("");
    expect(JSON.parse(stdout).ok).toBe(false);
  });
});

describe("tables", () => {
  test("on a terminal: aligned, ages instead of instants, a bold header; NO_COLOR leaves the weights out", async () => {
    await using tower = await towerWithRows();
    for (const command of ["list-containers", "list-panes"]) {
      const drawn = await onTerminal(tower, [command]);
      expect(drawn.code).toBe(0);
      expect(drawn.text).toContain(`${ESC}[1m`);
      const plain = await onTerminal(tower, [command], { NO_COLOR: "1" });
      expect(plain.text).toBe(withoutColours(drawn.text));
      // Nothing of the rows acts on the terminal.
      expect(plain.text.replaceAll("\n", "")).not.toMatch(/\p{Cc}/u);

      const lines = plain.text.trimEnd().split("\n");
      expect(lines).toHaveLength(4);
      expect(lines[0]).toMatch(/^ACTIVE {2,}\S/);
      // The last column starts at the same place on every line, by width on the screen.
      const header = lines[0] ?? "";
      const start = Bun.stringWidth(header.slice(0, header.indexOf("LAST_SCANNED")));
      for (const line of lines.slice(1)) {
        const age = /(?:now|\d+ (?:s|min|h|d) ago)$/.exec(line);
        expect([line, age === null]).toEqual([line, false]);
        expect(Bun.stringWidth(line.slice(0, age?.index))).toBe(start);
      }
    }
  });

  test("elsewhere: tab-separated, whole instants, no colour, whatever TERM says", async () => {
    await using tower = await towerWithRows();
    for (const command of ["list-containers", "list-panes"]) {
      for (const env of [
        { TERM: "xterm-256color", COLORTERM: "truecolor", FORCE_COLOR: "1", CLICOLOR_FORCE: "1" },
        {},
      ]) {
        const { stdout } = await tower.run([command], { env });
        expect(stdout).not.toContain(ESC);
        const rows = stdout
          .trimEnd()
          .split("\n")
          .map((line) => line.split("\t"));
        expect(rows).toHaveLength(4);
        for (const row of rows) expect(row).toHaveLength(rows[0]?.length ?? 0);
        for (const row of rows.slice(1)) expect(row.at(-1)).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+\+00:00$/);
      }
    }
  });

  test("the doctor is coloured on a terminal only, and not with NO_COLOR", async () => {
    await using tower = await towerWithRows();
    const drawn = await onTerminal(tower, ["config", "doctor"]);
    const plain = await onTerminal(tower, ["config", "doctor"], { NO_COLOR: "1" });
    const piped = await tower.run(["config", "doctor"]);
    expect(drawn.text).toContain(ESC);
    expect(plain.text).not.toContain(ESC);
    expect(withoutColours(drawn.text)).toBe(plain.text);
    expect(piped.stdout).not.toContain(ESC);
  });
});

describe("progress", () => {
  test("a line on a terminal while it takes long, gone with the answer", async () => {
    await using tower = await createTower();
    const released = Promise.withResolvers<void>();
    using slow = await standIn(tower, async () => {
      await released.promise;
      return { ok: true, result: { filter: "all", containers: [] } };
    });
    const argv = [`${tower.bin}/agenttower`, "list-containers"];
    const env = { ...tower.env, ...slow.env, TERM: "xterm", NO_COLOR: "1" };
    await using terminal = openTerminal(argv, env, tower.dir);
    await terminal.shows("asking the daemon …");
    released.resolve();
    expect(await terminal.exited()).toBe(0);
    expect(terminal.text()).toContain(`\r${ESC}[2K`);
    expect(terminal.text().slice(terminal.text().indexOf(`${ESC}[2K`))).toContain("ACTIVE");
  });

  test("never elsewhere", async () => {
    await using tower = await createTower();
    using slow = await standIn(tower, async () => {
      // Longer than the 300 ms after which a terminal would get its line.
      await Bun.sleep(600);
      return { ok: true, result: { filter: "all", containers: [] } };
    });
    expect(await tower.run(["list-containers"], { env: slow.env })).toMatchObject({ code: 0, stderr: "" });
  });
});
