/** Scan answers, the same on both surfaces (01 §9, 02 §8). */
import * as v from "valibot";
import { count, flag, instant } from "./fields.ts";

const string = v.string();
const nullable = v.nullable(string);

const scanHead = {
  scan_id: string,
  started_at: instant,
  completed_at: instant,
  status: v.picklist(["ok", "degraded"]),
};

export const containerScanResult = v.object({
  ...scanHead,
  matched_count: count,
  inactive_reconciled_count: count,
  ignored_count: count,
  error_code: nullable,
  error_message: nullable,
  error_details: v.array(v.object({ container_id: string, error_code: string, error_message: string })),
  containers: v.array(
    v.object({
      container_id: string,
      name: string,
      state: v.picklist(["active", "inactive"]),
      change: v.picklist(["added", "reactivated", "updated", "unchanged", "inactivated", "inspect_failed"]),
    }),
  ),
  ignored_names: v.array(string),
});
export type ContainerScanResult = v.InferOutput<typeof containerScanResult>;

const paneTruncation = v.object({ tmux_pane_id: string, field: string, original_len: count });

export const paneScanResult = v.object({
  ...scanHead,
  containers_scanned: count,
  sockets_scanned: count,
  panes_seen: count,
  panes_newly_active: count,
  panes_reconciled_to_inactive: count,
  containers_skipped_inactive: count,
  containers_tmux_unavailable: count,
  error_code: nullable,
  error_message: nullable,
  error_details: v.array(
    v.object({
      container_id: string,
      error_code: string,
      error_message: string,
      tmux_socket_path: v.optional(string),
      pane_truncations: v.optional(v.array(paneTruncation)),
    }),
  ),
  containers: v.array(
    v.object({
      container_id: string,
      container_name: string,
      container_user: nullable,
      state: v.picklist(["ok", "degraded", "failed", "skipped_inactive"]),
      error_code: nullable,
      panes_seen: count,
      sockets: v.array(
        v.object({
          tmux_socket_path: string,
          state: v.picklist(["ok", "failed"]),
          error_code: nullable,
          panes_seen: count,
        }),
      ),
    }),
  ),
  container_filter: nullable,
});
export type PaneScanResult = v.InferOutput<typeof paneScanResult>;

/** Legacy container and pane objects (01 §9). */
export const containerObject = v.object({
  id: string,
  name: string,
  image: string,
  status: string,
  labels: v.record(string, string),
  mounts: v.array(v.object({ source: string, target: string, type: string, mode: string, rw: flag })),
  active: flag,
  first_seen_at: instant,
  last_scanned_at: instant,
  config_user: nullable,
  working_dir: nullable,
});

export const paneObject = v.object({
  container_id: string,
  container_name: string,
  container_user: string,
  tmux_socket_path: string,
  tmux_session_name: string,
  tmux_window_index: count,
  tmux_pane_index: count,
  tmux_pane_id: string,
  pane_pid: count,
  pane_tty: string,
  pane_current_command: string,
  pane_current_path: string,
  pane_title: string,
  pane_active: flag,
  active: flag,
  first_seen_at: instant,
  last_scanned_at: instant,
});
