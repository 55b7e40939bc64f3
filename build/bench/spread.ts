/** Many times of one thing, and what is said of them. Pure but for the clock. */

export type Spread = { n: number; p50: number; p95: number; worst: number };

/** The value below which the share `q` (0..1) of the sorted values lies. */
function quantile(sorted: readonly number[], q: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN;
}

export function spreadOf(times: readonly number[]): Spread {
  const sorted = [...times].sort((a, b) => a - b);
  return {
    n: sorted.length,
    p50: quantile(sorted, 0.5),
    p95: quantile(sorted, 0.95),
    worst: sorted.at(-1) ?? Number.NaN,
  };
}

export function median(values: readonly number[]): number {
  return spreadOf(values).p50;
}

/** Milliseconds that one turn takes. */
export async function timed(turn: () => Promise<unknown>): Promise<number> {
  const from = performance.now();
  await turn();
  return performance.now() - from;
}

/** Takes the turns one after the other. */
export async function times(n: number, turn: () => Promise<unknown>): Promise<number[]> {
  const all: number[] = [];
  for (let i = 0; i < n; i++) all.push(await timed(turn));
  return all;
}

/**
 * Measures several things in turns of `batch`, so that a machine that is busy for a moment is busy for all of them alike.
 * The first tenth of each is a warm-up that does not count.
 */
export async function inTurns<K extends string>(
  n: number,
  batch: number,
  things: Record<K, () => Promise<unknown>>,
): Promise<Record<K, Spread>> {
  const names = Object.keys(things) as K[];
  const all = new Map<K, number[]>(names.map((name) => [name, []]));
  for (const name of names) await times(Math.ceil(n / 10), things[name]);
  for (let done = 0; done < n; done += batch) {
    for (const name of names) all.get(name)?.push(...(await times(batch, things[name])));
  }
  return Object.fromEntries(names.map((name) => [name, spreadOf(all.get(name) ?? [])])) as Record<K, Spread>;
}

/** Requests per second of `clients` loops side by side for `ms` milliseconds. */
export async function perSecond(clients: number, ms: number, turn: () => Promise<unknown>): Promise<number> {
  const from = performance.now();
  let count = 0;
  const loop = async () => {
    while (performance.now() - from < ms) {
      await turn();
      count++;
    }
  };
  await Promise.all(Array.from({ length: clients }, loop));
  return (count * 1000) / (performance.now() - from);
}
