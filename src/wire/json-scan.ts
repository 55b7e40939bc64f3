/**
 * A tokenizer of just enough JSON to say what a line means that `JSON.parse` did not or cannot read whole: where the
 * first value ends, and which members a cut-off top-level object shows (06 §1). It judges nothing: what it returns is
 * still parsed, and what is not JSON ends the walk.
 */

const isBlank = (code: number) => code === 0x20 || code === 0x09 || code === 0x0a || code === 0x0d;

function skipBlanks(text: string, at: number): number {
  while (at < text.length && isBlank(text.charCodeAt(at))) at++;
  return at;
}

/** Index after the closing quote of the string that opens at `at`, or -1 when it is cut off. */
function stringEnd(text: string, at: number): number {
  for (let i = at + 1; i < text.length; i++) {
    const c = text[i];
    if (c === "\\") i++;
    else if (c === '"') return i + 1;
  }
  return -1;
}

/** Index after the value that starts at `at`, or -1 when it is cut off. A number or word may always be cut off. */
function valueEnd(text: string, at: number): number {
  const first = text[at];
  if (first === '"') return stringEnd(text, at);
  if (first !== "{" && first !== "[") {
    let i = at;
    while (i < text.length && !',:{}[]"'.includes(text[i] ?? "") && !isBlank(text.charCodeAt(i))) i++;
    return i;
  }
  let depth = 0;
  for (let i = at; i < text.length; i++) {
    const c = text[i];
    if (c === '"') {
      const end = stringEnd(text, i);
      if (end === -1) return -1;
      i = end - 1;
    } else if (c === "{" || c === "[") depth++;
    else if ((c === "}" || c === "]") && --depth === 0) return i + 1;
  }
  return -1;
}

/**
 * Splits a text after its first value.
 * @returns `null` when the first value never ends, or when nothing but blanks follows it.
 */
export function splitAfterFirstValue(text: string): { value: string; rest: string } | null {
  const end = valueEnd(text, skipBlanks(text, 0));
  if (end === -1 || skipBlanks(text, end) === text.length) return null;
  return { value: text.slice(0, end), rest: text.slice(end) };
}

/**
 * Shows the members of the top-level object in order: the decoded key and the raw text of the value, which is cut short
 * where the text ends. Stops at the first thing out of place.
 */
export function eachMember(text: string, visit: (key: string, rawValue: string) => void): void {
  let at = skipBlanks(text, 0);
  if (text[at] !== "{") return;
  do {
    at = skipBlanks(text, at + 1);
    if (text[at] !== '"') return;
    const keyEnd = stringEnd(text, at);
    const key = keyEnd === -1 ? null : decodeString(text.slice(at, keyEnd));
    if (key === null) return;
    at = skipBlanks(text, keyEnd);
    if (text[at] !== ":") return;
    at = skipBlanks(text, at + 1);
    const end = valueEnd(text, at);
    visit(key, end === -1 ? text.slice(at) : text.slice(at, end));
    if (end === -1) return;
    at = skipBlanks(text, end);
  } while (text[at] === ",");
}

function decodeString(raw: string): string | null {
  try {
    const value: unknown = JSON.parse(raw);
    return typeof value === "string" ? value : null;
  } catch {
    return null; // a broken escape: whoever walks on stops here
  }
}

/** A raw string value, perhaps cut off, whose text begins with `app.`, escaped or not. */
const APP_VALUE = /^"(?:a|\\u0061)(?:p|\\u0070)(?:p|\\u0070)(?:\.|\\u002[eE])/;

/**
 * Whether the start of a long line shows a top-level `method` that begins with `app.` (06 §1, oversize). As in
 * `JSON.parse` the last of several counts.
 * @param prefix bytes as Latin-1 text, so that a character cut in the middle does no harm
 */
export function showsAppMethod(prefix: string): boolean {
  let app = false;
  eachMember(prefix, (key, raw) => {
    if (key === "method") app = APP_VALUE.test(raw);
  });
  return app;
}

/** Whether undecodable bytes are an app line: they contain a `"method"` key whose value begins with `app.` (06 §1). */
export function mentionsAppMethod(line: Uint8Array): boolean {
  return /"method"[ \t\n\r]*:[ \t\n\r]*"app\./.test(
    Buffer.from(line.buffer, line.byteOffset, line.length).toString("latin1"),
  );
}
