/** Waiting for states, never for milliseconds. */

/** Everything that is waited for has this limit, unless a test names another. */
const PATIENCE_MS = 10_000;
const POLL_MS = 5;

/** Waits until `probe` gives something that is not false, null or undefined; exceptions count as "not yet". */
export async function until<T>(probe: () => T | Promise<T>, what = "the state", timeoutMs = PATIENCE_MS) {
  const deadline = performance.now() + timeoutMs;
  let last: unknown = "nothing yet";
  for (;;) {
    try {
      const found = await probe();
      if (found !== false && found !== null && found !== undefined)
        return found as Exclude<T, false | null | undefined>;
      last = found;
    } catch (error) {
      last = error;
    }
    if (performance.now() > deadline) throw new Error(`${what} did not come in ${timeoutMs} ms: ${String(last)}`);
    await Bun.sleep(POLL_MS);
  }
}
