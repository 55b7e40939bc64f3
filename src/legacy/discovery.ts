/** Scans and their rows for older clients (02 §8). The lists read committed rows only: no Engine, no tmux, no lock, no config. */
import { isContainerId } from "../base/ids.ts";
import type { ContainerScanResult, PaneScanResult } from "../contract/scans.ts";
import { type ContainerRow, containerIdsNamed, listContainers } from "../store/containers.ts";
import type { Store, Tx } from "../store/open.ts";
import { listPanes, type PaneRow } from "../store/panes.ts";
import type { LegacyHandlers } from "../wire/dispatch.ts";

export type LegacyDiscoveryDeps = {
  store: Pick<Store, "read">;
  discovery: {
    scanContainers(): Promise<ContainerScanResult>;
    /** @param scope full id or exact name; `null`: all benches */
    scanPanes(scope: string | null): Promise<PaneScanResult>;
  };
};

export function discoveryHandlers({ store, discovery }: LegacyDiscoveryDeps) {
  return {
    scan_containers: () => discovery.scanContainers(),

    list_containers: (_call, params) => ({
      filter: filterWord(params.active_only),
      containers: store.read((tx) => listContainers(tx, params.active_only)).map(containerObject),
    }),

    scan_panes: (_call, params) => discovery.scanPanes(params.container),

    list_panes: (_call, params) => ({
      filter: filterWord(params.active_only),
      container_filter: params.container,
      panes: store.read((tx) => listPanes(tx, params.active_only, idsOf(tx, params.container))).map(paneObject),
    }),
  } satisfies Partial<LegacyHandlers>;
}

const filterWord = (activeOnly: boolean) => (activeOnly ? "active_only" : "all");

/** 64 hex digits are an id, in either case; anything else is the exact name of any row. `null`: no restriction. */
function idsOf(tx: Tx, container: string | null): string[] | null {
  if (container === null) return null;
  const id = container.toLowerCase();
  return isContainerId(id) ? [id] : containerIdsNamed(tx, container);
}

function containerObject(row: ContainerRow) {
  return {
    id: row.container_id,
    name: row.name,
    image: row.image,
    status: row.status,
    labels: JSON.parse(row.labels_json),
    mounts: JSON.parse(row.mounts_json),
    active: row.active === 1,
    first_seen_at: row.first_seen_at,
    last_scanned_at: row.last_scanned_at,
    config_user: row.config_user,
    working_dir: row.working_dir,
  };
}

function paneObject(row: PaneRow) {
  return { ...row, pane_active: row.pane_active === 1, active: row.active === 1 };
}
