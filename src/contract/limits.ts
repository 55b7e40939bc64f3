/** Numbers of the contract that more than one room needs (01 §15, 06 §1). Sizes in bytes, times in milliseconds. */

export const APP_CONTRACT_VERSION = "1.0";
export const APP_CONTRACT_MAJOR = 1;
/** The registry generation this build writes (01 §5). */
export const SCHEMA_VERSION = 9;

/** Longest legacy request line, its `\n` included. */
export const LEGACY_LINE_BYTES = 65_536;
/** Longest `app.*` request line, its `\n` included. */
export const APP_LINE_BYTES = 1_048_576;
/** Longest response line. */
export const RESPONSE_BYTES = 8_388_608;
/** Longest `id` that is echoed, in characters. */
export const ID_CHARACTERS = 64;
/** A complete line must be there this long after accept, or after the first byte of the next one. */
export const LINE_DEADLINE_MS = 10_000;
/** A kept connection without a request is closed after this. */
export const IDLE_CONNECTION_MS = 300_000;
/** A client that does not read its answers is closed after this. */
export const SLOW_READER_MS = 30_000;
export const MAX_CONNECTIONS = 256;
export const MAX_SESSIONS = 8;
/** Requests that run when the daemon stops get this long to finish (01 §17). */
export const SHUTDOWN_GRACE_MS = 2_000;
/** Longest app error message, in characters (06 §2). */
export const APP_MESSAGE_CHARACTERS = 512;
export const CURSOR_CHARACTERS = 512;
export const PAGE_LIMIT_DEFAULT = 50;
export const PAGE_LIMIT_MAX = 200;
/** `app.scan.*` with `wait: true` answers within this (06 §7). */
export const SCAN_WAIT_MS = 30_000;
export const SCANS_IN_FLIGHT_MAX = 4;
export const SCAN_RECORDS_KEPT = 100;
