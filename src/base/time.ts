/**
 * The two written forms of an instant (01 §1). Inside the program an instant is milliseconds since the epoch.
 */

/** Form A: ISO-8601 UTC with microseconds and numeric offset, `2026-05-05T12:34:56.789012+00:00`. */
export function formA(ms: number): string {
  const micros = Math.round(ms * 1000);
  const wholeMs = Math.floor(micros / 1000);
  const rest = micros - wholeMs * 1000;
  return `${new Date(wholeMs).toISOString().slice(0, 23)}${String(rest).padStart(3, "0")}+00:00`;
}

/** Form B: ISO-8601 UTC with milliseconds and `Z`, `2026-05-16T21:30:00.123Z`. */
export function formB(ms: number): string {
  return new Date(Math.floor(ms)).toISOString();
}

/**
 * Reads either form back to whole milliseconds since the epoch.
 * @returns `null` when the text is no such instant.
 */
export function parseInstant(text: string): number | null {
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? null : ms;
}
