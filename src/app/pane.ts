/** Panes (06 §6). */
import { PANE_ORDERS } from "../contract/app/pane.ts";
import { refuse } from "../contract/faults.ts";
import { listPanePage, type PaneListRow, panesMatching } from "../store/lists.ts";
import type { Store, Tx } from "../store/open.ts";
import { paneByPaneKey } from "../store/pane-key.ts";
import type { AppHandlers } from "../wire/dispatch.ts";
import { pagingOf, toListResult } from "./page.ts";
import { toPaneView } from "./views.ts";

export type PaneDeps = { store: Pick<Store, "read"> };

type DetailParams = {
  pane_key?: string | undefined;
  pane_id?: string | undefined;
  container_id?: string | undefined;
  tmux_socket?: string | undefined;
};

export function paneHandlers({ store }: PaneDeps) {
  return {
    "app.pane.list": (_call, params) => {
      const paging = pagingOf(PANE_ORDERS, params);
      const filter = { ...params.filters, include_inactive: params.include_inactive };
      const page = store.read((tx) => listPanePage(tx, filter, paging));
      return toListResult(page, paging, toPaneView);
    },

    "app.pane.detail": (_call, params) => ({ row: toPaneView(store.read((tx) => paneOf(tx, params))) }),
  } satisfies Partial<AppHandlers>;
}

/** A `pane_key` names its pane alone; a `pane_id` names the one active pane, or the newest inactive one. */
function paneOf(tx: Tx, params: DetailParams): PaneListRow {
  const { pane_key, pane_id } = params;
  if (pane_key !== undefined) return paneByPaneKey(tx, pane_key) ?? notFound(pane_id ?? "");
  if (pane_id === undefined) refuse("param_invalid", { field: "pane_id", reason: "is required" }, "name the pane");

  const match = {
    tmux_pane_id: pane_id,
    ...(params.container_id !== undefined && { container_id: params.container_id }),
    ...(params.tmux_socket !== undefined && { tmux_socket_path: params.tmux_socket }),
  };
  const [active, another] = panesMatching(tx, { ...match, active: 1 }, 2);
  if (another) {
    refuse(
      "param_invalid",
      { field: "container_id", reason: "ambiguous pane_id" },
      "several panes have this id; add container_id and tmux_socket, or use pane_key",
    );
  }
  const [inactive] = active ? [] : panesMatching(tx, { ...match, active: 0 }, 1);
  return active ?? inactive ?? notFound(pane_id);
}

function notFound(paneId: string): never {
  refuse("pane_not_found", { pane_id: paneId }, "no such pane; app.scan.panes looks again");
}
