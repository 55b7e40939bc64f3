/**
 * Pages by key (06 §6): a cursor remembers the sort keys of the last row and the next page starts right behind them, so a page
 * costs the same at any depth and rows inserted meanwhile are neither skipped nor repeated.
 *
 * A cursor is base64url of a checksum and the keys. The checksum also covers list, order and filters: a cursor that was
 * changed, or comes from another list, order or filter, is refused. It guards against mistakes, not against secrets: what can
 * be asked for with a forged cursor can be asked for without one. Cursors stay good over a restart.
 *
 * Keys too long for a cursor are left out; then the row's tie-breaker stands for them and its present keys are read again.
 * That is exact as long as long keys do not change, which holds for the only ones there are: names of sessions.
 */
import { createHash } from "node:crypto";
import { CURSOR_CHARACTERS } from "../contract/limits.ts";
import type { Tx } from "./open.ts";

export type KeyValue = string | number;
export type Direction = "asc" | "desc";

/** An order that rows can be paged in. */
export type Keyset = {
  /** Name of the list and of its order, for the checksum. */
  list: string;
  order: string;
  direction: Direction;
  /**
   * SQL expressions, never null; the last one alone tells rows apart and is short. An index over the filters' columns and
   * these expressions keeps a page cheap.
   */
  keys: readonly string[];
  /** The first key is an expression, such as a priority, not a column. */
  computedLead?: boolean;
};

/** What a page is made of. */
export type PageQuery = Keyset & {
  /** `SELECT` columns and `FROM` with aliases and index hints. */
  columns: string;
  from: string;
  /** The table of the keys alone, under the same alias. */
  table: string;
  /** `from` has no index for this order and few rows: they are found, then sorted. */
  unindexed?: boolean;
  /** Conditions joined by AND, with their parameters in order. */
  where: readonly { sql: string; values?: readonly KeyValue[] }[];
  /** Everything the caller asked for that chose `where`; part of the checksum. */
  filters: Readonly<Record<string, KeyValue | boolean | undefined>>;
  /** Most rows of the page, at least 1. */
  limit: number;
  /** Of the page before. */
  cursor?: string | undefined;
};

/** `cursorNext` is null on the last page. A page is shorter than its limit where its texts would not fit into a response. */
export type Page<Row> = { rows: Row[]; cursorNext: string | null };

/** The cursor is malformed, changed, too long, or of another list, order or filter: `validation_failed` on `cursor_next`. */
export const CURSOR_REFUSED = "cursor_refused";
export type CursorRefused = typeof CURSOR_REFUSED;

const CHECKSUM_BYTES = 9;
/** Texts of one page, in UTF-16 units: none of them takes more than three bytes of the 8 MiB of a response (06 §1). */
const PAGE_UNITS = 2_500_000;

/** Reads one page. */
export function readPage<Row extends object>(tx: Tx, query: PageQuery): Page<Row> | CursorRefused {
  const after = query.cursor === undefined ? null : decodeCursor(query, query.cursor);
  if (after === CURSOR_REFUSED) return CURSOR_REFUSED;
  const start = after === null ? [] : wholeKeys(tx, query, after);
  if (start === null) return CURSOR_REFUSED;

  const rows: Record<string, unknown>[] = [];
  for (const segment of segmentsAfter(query, start)) {
    if (rows.length > query.limit) break;
    rows.push(...readSegment(tx, query, segment, query.limit + 1 - rows.length));
  }

  const fitting = Math.min(query.limit, fittingRows(rows));
  const more = rows.length > fitting;
  rows.length = Math.min(rows.length, fitting);
  const last = rows.at(-1);
  const cursorNext = more && last ? encodeCursor(query, keysOf(query, last)) : null;
  for (const row of rows) for (let index = 0; index < query.keys.length; index++) delete row[`key_${index}`];
  return { rows: rows as Row[], cursorNext };
}

/** How many rows from the first one on fit into a response; at least one does. */
function fittingRows(rows: readonly Record<string, unknown>[]): number {
  let units = 0;
  const over = rows.findIndex((row) => {
    for (const value of Object.values(row)) if (typeof value === "string") units += value.length;
    return units > PAGE_UNITS;
  });
  return over === -1 ? rows.length : Math.max(over, 1);
}

/**
 * A stretch of the order: its first keys equal to something, then a range over some of the following ones.
 * `range` empty: everything with these first keys.
 */
type Segment = { equal: readonly KeyValue[]; range: readonly KeyValue[] };

/**
 * Everything behind `start`, in order, in stretches that an index leads straight to. SQLite seeks by a comparison of several
 * columns at once, but not when one of them is the row's number or an expression; then it would walk through all rows that
 * are equal in the columns before, such as fifty thousand panes of one scan.
 */
function segmentsAfter(query: PageQuery, start: readonly KeyValue[]): Segment[] {
  if (start.length === 0 || query.unindexed) return [{ equal: [], range: start }];
  const beforeTie = start.slice(0, -1);
  const lead = query.computedLead ? beforeTie.slice(0, 1) : [];
  const plain = beforeTie.slice(lead.length);
  return [
    { equal: beforeTie, range: start.slice(-1) },
    ...(plain.length > 0 ? [{ equal: lead, range: plain }] : []),
    ...(lead.length > 0 ? [{ equal: [], range: lead }] : []),
  ];
}

function readSegment(tx: Tx, query: PageQuery, { equal, range }: Segment, limit: number): Record<string, unknown>[] {
  const order = query.direction.toUpperCase();
  const conditions = [
    ...query.where.map((condition) => condition.sql),
    ...equal.map((_, index) => `${query.keys[index]} = ?`),
  ];
  if (range.length > 0) {
    const ranged = query.keys.slice(equal.length, equal.length + range.length).join(", ");
    const compare = query.direction === "asc" ? ">" : "<";
    conditions.push(`(${ranged}) ${compare} (${range.map(() => "?").join(", ")})`);
  }
  const keyColumns = query.keys.map((key, index) => `${key} AS key_${index}`).join(", ");
  const ordered = query.keys.slice(equal.length).map((key) => `${key} ${order}`);
  return tx.db
    .query<Record<string, unknown>, KeyValue[]>(
      `SELECT ${keyColumns}, ${query.columns} FROM ${query.from}
       ${conditions.length > 0 ? `WHERE ${conditions.join(" AND ")}` : ""} ORDER BY ${ordered.join(", ")} LIMIT ?`,
    )
    .all(...query.where.flatMap((condition) => condition.values ?? []), ...equal, ...range, limit);
}

function keysOf(query: PageQuery, row: Record<string, unknown>): KeyValue[] {
  return query.keys.map((key, index) => {
    const value = row[`key_${index}`];
    if (typeof value !== "string" && typeof value !== "number") throw new Error(`sort key ${key} is ${typeof value}`);
    return value;
  });
}

/** At most 512 characters: all keys, or else the tie-breaker alone. */
function encodeCursor(query: PageQuery, keys: readonly KeyValue[]): string {
  const whole = seal(query, JSON.stringify(keys));
  return whole.length <= CURSOR_CHARACTERS ? whole : seal(query, JSON.stringify(keys.slice(-1)));
}

function seal(query: PageQuery, keys: string): string {
  return Buffer.concat([checksum(query, keys), Buffer.from(keys)]).toString("base64url");
}

function decodeCursor(query: PageQuery, cursor: string): KeyValue[] | CursorRefused {
  if (cursor.length > CURSOR_CHARACTERS) return CURSOR_REFUSED;
  const bytes = Buffer.from(cursor, "base64url");
  // Decoding overlooks foreign characters and spare bits; what does not come out the same was changed.
  if (bytes.toString("base64url") !== cursor) return CURSOR_REFUSED;
  const keys = bytes.subarray(CHECKSUM_BYTES).toString("utf8");
  if (!checksum(query, keys).equals(bytes.subarray(0, CHECKSUM_BYTES))) return CURSOR_REFUSED;
  return parseKeys(keys, query.keys.length);
}

/** A right checksum over wrong keys is nobody's accident, but it must not become an error of SQLite. */
function parseKeys(text: string, count: number): KeyValue[] | CursorRefused {
  try {
    const keys: unknown = JSON.parse(text);
    if (!Array.isArray(keys) || (keys.length !== count && keys.length !== 1)) return CURSOR_REFUSED;
    const known = keys.filter((key): key is KeyValue => typeof key === "string" || typeof key === "number");
    return known.length === keys.length ? known : CURSOR_REFUSED;
  } catch (error) {
    if (error instanceof SyntaxError) return CURSOR_REFUSED;
    throw error;
  }
}

function checksum(query: PageQuery, keys: string): Buffer {
  const filters = Object.entries(query.filters)
    .filter(([, value]) => value !== undefined)
    .sort(([left], [right]) => (left < right ? -1 : 1));
  const covered = JSON.stringify([query.list, query.order, query.direction, filters, keys]);
  return createHash("sha256").update(covered).digest().subarray(0, CHECKSUM_BYTES);
}

/** Fills in the keys that a cursor had no room for. @returns null when the row is gone */
function wholeKeys(tx: Tx, query: PageQuery, keys: KeyValue[]): KeyValue[] | null {
  const tie = keys.at(-1);
  if (keys.length === query.keys.length || tie === undefined) return keys;
  const columns = query.keys.map((key, index) => `${key} AS key_${index}`).join(", ");
  const row = tx.db
    .query<Record<string, unknown>, [KeyValue]>(`SELECT ${columns} FROM ${query.table} WHERE ${query.keys.at(-1)} = ?`)
    .get(tie);
  return row && keysOf(query, row);
}
