/** SQLite's errors as ours (style: store turns foreign errors into ours at the call). */
import { SQLiteError } from "bun:sqlite";
import { message } from "../base/text.ts";

/**
 * A registry that cannot be opened. `reason` is one clean line for `error: open registry: <path>: <reason>` (01 §4, §7).
 */
export class StoreOpenError extends Error {
  readonly path: string;
  readonly reason: string;

  constructor(path: string, reason: string, cause?: unknown) {
    super(`open registry: ${path}: ${reason}`, cause === undefined ? {} : { cause });
    this.name = "StoreOpenError";
    this.path = path;
    this.reason = reason;
  }
}

/**
 * A statement that SQLite refused. `code` is SQLite's own name, extended where it has one: `SQLITE_FULL`,
 * `SQLITE_READONLY`, `SQLITE_BUSY`, `SQLITE_CONSTRAINT_UNIQUE`, …
 */
export class StoreFault extends Error {
  readonly code: string;

  constructor(code: string, text: string, cause: unknown) {
    super(`${code}: ${text}`, { cause });
    this.name = "StoreFault";
    this.code = code;
  }

  /** The base name of `code`, for tables of causes: `SQLITE_IOERR_WRITE` → `SQLITE_IOERR`. */
  get family(): string {
    return this.code.split("_").slice(0, 2).join("_");
  }
}

/** Turns an error of SQLite into a `StoreFault`; any other error stays what it is. */
export function storeFault(error: unknown): unknown {
  return error instanceof SQLiteError
    ? new StoreFault(error.code ?? "SQLITE_ERROR", message(error.message), error)
    : error;
}

/** Turns whatever stopped an opening into a `StoreOpenError`. */
export function openError(path: string, error: unknown): StoreOpenError {
  if (error instanceof StoreOpenError) return error;
  const text = error instanceof Error ? message(error.message) : "cannot be opened";
  // The system's errors repeat number, call and path: `ENOENT: no such file or directory, open '…'`.
  const words = error instanceof Error && "syscall" in error ? /^[A-Z0-9]+: ([^,]+)/.exec(text)?.[1] : undefined;
  return new StoreOpenError(path, words ?? text, error);
}
