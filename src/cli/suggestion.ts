/** "Did you mean …": the nearest known word, when it is near enough to be a slip of the finger. */

/** Longer words are no slip of a known one, and the table below stays small. */
const LONGEST = 64;

/** `; did you mean X?` or nothing. */
export function suggestion(word: string, known: readonly string[]): string {
  if (word.length > LONGEST) return "";
  const allowed = word.replace(/^-+/, "").length <= 4 ? 1 : 2;
  let best: { word: string; edits: number } | null = null;
  for (const candidate of known) {
    // A beginning is as good as one edit: abbreviations are refused, but named.
    const edits = word.length > 2 && candidate.startsWith(word) ? 1 : distance(word, candidate);
    if (edits <= allowed && (!best || edits < best.edits)) best = { word: candidate, edits };
  }
  return best ? `; did you mean ${best.word}?` : "";
}

/** Edits between two words: insert, delete, replace, swap of neighbours. */
export function distance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let edits = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + (same ? 0 : 1));
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) edits = Math.min(edits, (beforeLast[j - 2] ?? 0) + 1);
      row.push(edits);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length] ?? 0;
}
