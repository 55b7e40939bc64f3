/** Every app method with its handler; a missing one does not compile. */
import type { AppHandlers } from "../wire/dispatch.ts";
import { type BootstrapDeps, bootstrapHandlers } from "./bootstrap.ts";
import { type ContainerDeps, containerHandlers } from "./container.ts";
import { type OverviewDeps, overviewHandlers } from "./overview.ts";
import { type PaneDeps, paneHandlers } from "./pane.ts";
import { type ScanDeps, scanHandlers } from "./scan.ts";

export type AppDeps = BootstrapDeps & OverviewDeps & ScanDeps & ContainerDeps & PaneDeps;

export function appHandlers(deps: AppDeps): AppHandlers {
  return {
    ...bootstrapHandlers(deps),
    ...overviewHandlers(deps),
    ...scanHandlers(deps),
    ...containerHandlers(deps),
    ...paneHandlers(deps),
  };
}
