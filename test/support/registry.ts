/** A real registry in a temporary folder, gone when the test is. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Clock } from "../../src/base/clock.ts";
import { openStore, type Store } from "../../src/store/open.ts";

export type TestRegistry = Disposable & { store: Store; folder: string; path: string };

export function testRegistry(clock: Clock): TestRegistry {
  const folder = mkdtempSync(join(tmpdir(), "agenttower-registry-"));
  const path = join(folder, "agenttower.sqlite3");
  const store = openStore(path, clock, { migrate: true });
  return {
    store,
    folder,
    path,
    [Symbol.dispose]() {
      store.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
