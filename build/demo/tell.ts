/** What the demo says: steps with their time, and the tables of what the daemon answered. */
import { clean } from "../../src/base/text.ts";
import type { ContainerView, HintView, PaneView } from "../../src/contract/views.ts";

const colour = process.stdout.isTTY && !process.env["NO_COLOR"];
const bold = (text: string) => (colour ? `\x1b[1m${text}\x1b[0m` : text);
const dim = (text: string) => (colour ? `\x1b[2m${text}\x1b[0m` : text);

export function heading(text: string): void {
  console.log(`\n${bold(text)}`);
}

/** Runs one step and says what came of it and how long it took. */
export async function step<T>(name: string, work: () => Promise<T> | T, said: (result: T) => string): Promise<T> {
  const from = performance.now();
  const result = await work();
  const seconds = ((performance.now() - from) / 1000).toFixed(1);
  console.log(`  ${name.padEnd(11)} ${said(result)} ${dim(`(${seconds} s)`)}`);
  return result;
}

/** Aligned columns, two blanks in front. Outside text is cleaned before it is printed. */
function table(header: string[], rows: (string | number)[][]): void {
  const lines = [header, ...rows.map((row) => row.map((cell) => clean(String(cell))))];
  const widths = header.map((_, column) => Math.max(...lines.map((line) => Bun.stringWidth(line[column] ?? ""))));
  for (const [at, line] of lines.entries()) {
    const text = line
      .map((cell, column) => cell + " ".repeat((widths[column] ?? 0) - Bun.stringWidth(cell)))
      .join("  ")
      .trimEnd();
    console.log(`  ${at === 0 ? dim(text) : text}`);
  }
}

export function containerTable(rows: readonly ContainerView[]): void {
  table(
    ["NAME", "KIND", "STATE", "PANES", "ID"],
    rows.map((row) => [row.name, row.kind, row.state, row.pane_count, row.container_id.slice(0, 12)]),
  );
}

export function paneTable(rows: readonly PaneView[]): void {
  table(
    ["BENCH", "PANE", "ID", "COMMAND", "TITLE"],
    rows.map((row) => [
      row.container_name,
      `${row.session_name}:${row.window_index}.${row.pane_index}`,
      row.pane_id,
      row.current_command,
      row.title,
    ]),
  );
}

/** The dashboard's counts, one subject per line. */
export function countsTable(counts: Record<string, Record<string, unknown>>): void {
  table(
    ["SUBJECT", "COUNTS"],
    Object.entries(counts).map(([subject, numbers]) => [subject, words(numbers)]),
  );
}

function words(numbers: Record<string, unknown>): string {
  return Object.entries(numbers)
    .filter(([, value]) => typeof value === "number")
    .map(([name, value]) => `${name} ${value}`)
    .join(", ");
}

export function hintList(hints: readonly HintView[]): void {
  for (const hint of hints) console.log(`  ${hint.severity}: ${clean(hint.message)}`);
}
