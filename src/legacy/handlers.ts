/** Every legacy method with its handler; a missing one does not compile. */
import type { LegacyHandlers } from "../wire/dispatch.ts";
import { type CoreDeps, coreHandlers } from "./core.ts";
import { discoveryHandlers, type LegacyDiscoveryDeps } from "./discovery.ts";

export type LegacyDeps = CoreDeps & LegacyDiscoveryDeps;

export function legacyHandlers(deps: LegacyDeps): LegacyHandlers {
  return { ...coreHandlers(deps), ...discoveryHandlers(deps) };
}
