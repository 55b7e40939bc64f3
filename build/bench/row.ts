/** One figure of 00 §5: what was measured, its floor of the same run, its target. */

type Unit = "ms" | "1/s" | "MB" | "%" | "×";

export type Row = {
  /** Group, as `--only` takes it. */
  group: string;
  what: string;
  value: number;
  unit: Unit;
  /** `null` where the target is absolute and nothing bare does the same. */
  floor: { what: string; value: number; unit: Unit } | null;
  target: string;
  reached: boolean;
  /** Further numbers of the same measurement, for reading. */
  note: string;
};

function number(value: number, unit: Unit): string {
  const digits = unit === "1/s" ? 0 : unit === "ms" && value < 10 ? 3 : value < 10 ? 2 : 1;
  return `${value.toFixed(digits)} ${unit}`;
}

/** The table people read: one line per row, columns aligned. */
export function tableOf(rows: readonly Row[]): string {
  const cells = rows.map((row) => [
    row.what,
    number(row.value, row.unit),
    row.floor === null ? "" : `${number(row.floor.value, row.floor.unit)} (${row.floor.what})`,
    row.target,
    row.reached ? "yes" : "NO",
    row.note,
  ]);
  const lines = [["figure", "measured", "floor", "target", "reached", "more"], ...cells];
  const widths = lines[0]?.map((_, column) => Math.max(...lines.map((line) => Bun.stringWidth(line[column] ?? ""))));
  return lines
    .map((line) =>
      line
        .map((cell, column) => cell + " ".repeat((widths?.[column] ?? 0) - Bun.stringWidth(cell)))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
