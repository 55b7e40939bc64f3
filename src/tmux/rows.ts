/**
 * Pane rows out of `tmux list-panes` (02 §5.1, §5.2). A working directory may hold tabs, newlines and whole imitated rows, so
 * fields stand between marks made of a fresh random token, and only the marks decide where a field or a row ends.
 */
import { randomHex } from "../base/ids.ts";

/** The ten variables of a row, in order (02 §5.1). */
const FIELDS = [
  "session_name",
  "window_index",
  "pane_index",
  "pane_id",
  "pane_pid",
  "pane_tty",
  "pane_current_command",
  "pane_current_path",
  "pane_title",
  "pane_active",
] as const;

const TOKEN_BYTES = 8;
/** Indexes and pids beyond it make a row malformed (02 §14). */
const MAX_INTEGER = 2_147_483_647;

/** One row as tmux told it: numbers read, texts neither cleaned nor cut. */
export type TmuxPane = {
  sessionName: string;
  windowIndex: number;
  paneIndex: number;
  /** `%N` */
  paneId: string;
  pid: number;
  tty: string;
  command: string;
  path: string;
  title: string;
  /** Focused in its window. */
  focused: boolean;
};

export type PaneRows = { good: TmuxPane[]; malformed: number };

/** Marks of one call: `field` stands before every field, `end` after the last one. */
export type Marks = { field: string; end: string };

/** Fresh marks; never use them for a second call. */
export function freshMarks(): Marks {
  const token = randomHex(TOKEN_BYTES);
  return { field: `<${token}>`, end: `[${token}]` };
}

/** The value of `-F` for `list-panes`. */
export function paneFormat(marks: Marks): string {
  return markedFormat(FIELDS, marks);
}

/** A format that gives these variables between marks. */
export function markedFormat(variables: readonly string[], marks: Marks): string {
  return variables.map((variable) => `${marks.field}#{${variable}}`).join("") + marks.end;
}

/**
 * Cuts an output at its marks, into the fields of each row. What stands where no row is, or lacks its end, comes back as one
 * row of its own with too few fields.
 */
export function splitMarked(output: string, marks: Marks): string[][] {
  const rows: string[][] = [];
  const pieces = output.split(marks.end);
  const rest = pieces.pop() ?? "";
  for (const piece of pieces) {
    const [before = "", ...fields] = piece.split(marks.field);
    if (!isRowEnd(before)) rows.push([]);
    rows.push(fields);
  }
  if (!isRowEnd(rest)) rows.push([]);
  return rows;
}

/** Reads the output of one `list-panes` call that was given `paneFormat(marks)`. */
export function parsePanes(output: string, marks: Marks): PaneRows {
  const good: TmuxPane[] = [];
  let malformed = 0;
  for (const fields of splitMarked(output, marks)) {
    const pane = paneOf(fields);
    if (pane) good.push(pane);
    else malformed++;
  }
  return { good, malformed };
}

function isRowEnd(text: string): boolean {
  return text === "" || text === "\n" || text === "\r\n";
}

function paneOf(fields: readonly string[]): TmuxPane | null {
  if (fields.length !== FIELDS.length) return null;
  const [sessionName = "", window = "", pane = "", paneId = "", pidText = "", tty = "", command = "", path = ""] =
    fields;
  const [title = "", focused = ""] = fields.slice(8);
  const windowIndex = integer(window);
  const paneIndex = integer(pane);
  const pid = integer(pidText);
  if (windowIndex === null || paneIndex === null || pid === null) return null;
  if (!/^%\d+$/.test(paneId) || (focused !== "0" && focused !== "1")) return null;
  return { sessionName, windowIndex, paneIndex, paneId, pid, tty, command, path, title, focused: focused === "1" };
}

function integer(text: string): number | null {
  if (!/^\d{1,10}$/.test(text)) return null;
  const value = Number(text);
  return value <= MAX_INTEGER ? value : null;
}
