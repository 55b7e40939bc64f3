/** Rows of the registry with everything filled in, so that a test names only what it is about. */
import type { ContainerRow } from "../../src/store/containers.ts";
import type { PaneRow } from "../../src/store/panes.ts";

const EARLY = "2026-01-01T00:00:00.000000+00:00";

/** A full container id made of one repeated hex digit. */
export const containerId = (digit: string) => digit.repeat(64);

export function containerRow(more: Partial<ContainerRow> & { container_id: string }): ContainerRow {
  return {
    name: `bench-${more.container_id.slice(0, 4)}`,
    image: "bench:1",
    status: "running",
    labels_json: "{}",
    mounts_json: "[]",
    inspect_json: "{}",
    config_user: null,
    working_dir: null,
    active: 1,
    first_seen_at: EARLY,
    last_scanned_at: EARLY,
    ...more,
  };
}

export function paneRow(more: Partial<PaneRow> & { container_id: string }): PaneRow {
  return {
    tmux_socket_path: "/tmp/tmux-1000/default",
    tmux_session_name: "main",
    tmux_window_index: 0,
    tmux_pane_index: 0,
    tmux_pane_id: "%0",
    container_name: `bench-${more.container_id.slice(0, 4)}`,
    container_user: "dev",
    pane_pid: 42,
    pane_tty: "/dev/pts/0",
    pane_current_command: "bash",
    pane_current_path: "/work",
    pane_title: "title",
    pane_active: 1,
    active: 1,
    first_seen_at: EARLY,
    last_scanned_at: EARLY,
    ...more,
  };
}
