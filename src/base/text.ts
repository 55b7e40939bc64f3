/**
 * Hygiene of text that comes from outside (01 §1): nothing of it reaches a store, a terminal or a log raw.
 */

/** Drops NUL, C0 controls and DEL; a tab and a newline become one space each. */
export function clean(text: string): string {
  return text.replace(/[\t\n]/g, " ").replace(/[\x00-\x1f\x7f]/g, "");
}

/** The first `max` characters (code points, so that none is cut inside). */
export function cut(text: string, max: number): string {
  if (text.length <= max) return text;
  let at = 0;
  for (let count = 0; count < max && at < text.length; count++) {
    at += (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
  }
  return text.slice(0, at);
}

/** Length in characters (code points). */
export function characters(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}

/** Longest message or detail anywhere, in characters (01 §15). */
export const MESSAGE_CHARACTERS = 2048;

/** One clean line of at most 2048 characters, fit for a message. */
export function message(text: string): string {
  return cut(clean(text).trim(), MESSAGE_CHARACTERS);
}
