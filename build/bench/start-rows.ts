/** Figures of starting: the daemon to its first answer, and the one-shot commands. */
import { rmSync } from "node:fs";
import { peakMb, runCommand } from "./process.ts";
import type { Row } from "./row.ts";
import { median } from "./spread.ts";
import { type Home, startServer, startTower, type Tower } from "./tower.ts";

/** Starts and stops the daemon `turns` times on each home, and the echo server as often. */
export async function startRows(
  executable: string,
  echo: { executable: string; socket: string },
  homes: { empty: Home; full: Home },
  turns: number,
): Promise<Row[]> {
  const times = { floor: [] as number[], empty: [] as number[], full: [] as number[] };
  for (let turn = 0; turn < turns; turn++) {
    const server = await startServer([echo.executable, echo.socket], homes.empty.env, echo.socket);
    times.floor.push(server.startMs);
    await server.stop();
    rmSync(echo.socket, { force: true });
    for (const which of ["empty", "full"] as const) {
      const tower = await startTower(executable, homes[which]);
      times[which].push(tower.startMs);
      await tower.stop();
    }
  }
  const floor = { what: "echo server", value: median(times.floor), unit: "ms" } as const;
  return (
    [
      ["empty", "empty registry", 120],
      ["full", "full registry", 300],
    ] as const
  ).map(([which, words, limit]) => ({
    group: "start",
    what: `daemon start to first answer, ${words}`,
    value: median(times[which]),
    unit: "ms",
    floor,
    target: `≤ ${limit} ms`,
    reached: median(times[which]) <= limit,
    note: `median of ${turns}, worst ${Math.max(...times[which]).toFixed(0)} ms`,
  }));
}

/** What a command may take; `--version` has narrower limits of its own. */
type Allowed = { wallMs: number; peakMb: number };
const ONE_SHOT: Allowed = { wallMs: 40, peakMb: 60 };

const COMMANDS: [string, string[], Allowed][] = [
  ["--version", ["--version"], { wallMs: 15, peakMb: 40 }],
  ["status", ["status"], ONE_SHOT],
  ["app call app.dashboard", ["app", "call", "app.dashboard"], ONE_SHOT],
];

/** Wall time and peak memory of the one-shot commands against a running daemon. */
export async function cliRows(executable: string, echo: string, tower: Tower, turns: number): Promise<Row[]> {
  const measure = async (argv: [string, ...string[]]) => {
    const walls: number[] = [];
    const peaks: number[] = [];
    for (let turn = 0; turn < turns; turn++) {
      const run = await runCommand(argv, tower.env);
      if (run.exitCode !== 0) throw new Error(`${argv.join(" ")} ended with ${run.exitCode}`);
      walls.push(run.wallMs);
    }
    for (let turn = 0; turn < Math.ceil(turns / 3); turn++) peaks.push(await peakMb(argv, tower.env));
    return { wall: median(walls), worst: Math.max(...walls), peak: Math.max(...peaks) };
  };
  const floor = await measure([echo, "--version"]);
  const rows: Row[] = [];
  for (const [words, args, allowed] of COMMANDS) {
    const run = await measure([executable, ...args]);
    rows.push(
      {
        group: "cli",
        what: `agenttower ${words}, wall`,
        value: run.wall,
        unit: "ms",
        floor: { what: "hello world", value: floor.wall, unit: "ms" },
        target: `≤ ${allowed.wallMs} ms`,
        reached: run.wall <= allowed.wallMs,
        note: `median of ${turns}, worst ${run.worst.toFixed(1)} ms`,
      },
      {
        group: "cli",
        what: `agenttower ${words}, peak memory`,
        value: run.peak,
        unit: "MB",
        floor: { what: "hello world", value: floor.peak, unit: "MB" },
        target: `≤ ${allowed.peakMb} MB`,
        reached: run.peak <= allowed.peakMb,
        note: "",
      },
    );
  }
  return rows;
}
