/** Benches (06 §6). */
import { CONTAINER_ORDERS } from "../contract/app/container.ts";
import { refuse } from "../contract/faults.ts";
import { containerListRow, listContainerPage } from "../store/lists.ts";
import type { Store } from "../store/open.ts";
import type { AppHandlers } from "../wire/dispatch.ts";
import { pagingOf, toListResult } from "./page.ts";
import { toContainerView } from "./views.ts";

export type ContainerDeps = { store: Pick<Store, "read"> };

export function containerHandlers({ store }: ContainerDeps) {
  return {
    "app.container.list": (_call, params) => {
      const paging = pagingOf(CONTAINER_ORDERS, params);
      const page = store.read((tx) => listContainerPage(tx, params.filters ?? {}, paging));
      return toListResult(page, paging, toContainerView);
    },

    "app.container.detail": (_call, params) => {
      const row = store.read((tx) => containerListRow(tx, params.container_id));
      return { row: toContainerView(row ?? refuse("row_not_found", {}, "no container with this id")) };
    },
  } satisfies Partial<AppHandlers>;
}
