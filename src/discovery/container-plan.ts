/** What a container scan makes of the list, the inspects and the known rows (02 §3.3, §3.4). Pure. */
import type { InspectedContainer, ListedContainer } from "../base/engine.ts";
import { clean, message } from "../base/text.ts";
import type { ContainerScanResult } from "../contract/scans.ts";
import type { ContainerRow, Departure } from "../store/containers.ts";

/** How many names that the rule left out a result shows (02 §8). */
const IGNORED_NAMES_SHOWN = 50;

/** What inspecting a matching container gave. `gone`: removed or no longer running, which is no error (02 §6). */
export type Inspection =
  | { kind: "good"; container: InspectedContainer }
  | { kind: "gone"; status: string | null }
  | { kind: "failed"; code: string; message: string };

export type ContainerView = {
  /** Instant of all rows, form A. */
  at: string;
  /** `null`: the list failed, so that only the host row is reconciled (00 §7). */
  docker: {
    /** Listed containers that match the rule, in list order. */
    matched: readonly ListedContainer[];
    ignored: readonly ListedContainer[];
    /** By container id, one per matching container. */
    inspections: ReadonlyMap<string, Inspection>;
    /** Real status of active rows that are going, where one could be had. */
    departed: ReadonlyMap<string, string>;
  } | null;
  /** All active rows and those of matching containers. */
  known: readonly ContainerRow[];
  /** The host bench: its id, and whether it is one now. */
  host: { id: string; isEnabled: boolean };
};

type Roster = ContainerScanResult["containers"];
type RosterEntry = Roster[number];

export type ContainerPlan = {
  upserts: ContainerRow[];
  /** Only `last_scanned_at` moves. */
  touch: string[];
  inactivate: Departure[];
  roster: Roster;
  matchedCount: number;
  ignoredCount: number;
  ignoredNames: string[];
  errorDetails: ContainerScanResult["error_details"];
  errorCode: string | null;
  errorMessage: string | null;
};

export function planContainers(view: ContainerView): ContainerPlan {
  const known = new Map(view.known.map((row) => [row.container_id, row]));
  const plan: ContainerPlan = {
    upserts: [],
    touch: [],
    inactivate: [],
    roster: [],
    matchedCount: view.docker?.matched.length ?? 0,
    ignoredCount: view.docker?.ignored.length ?? 0,
    ignoredNames: (view.docker?.ignored ?? []).slice(0, IGNORED_NAMES_SHOWN).map(({ names }) => clean(names[0] ?? "")),
    errorDetails: [],
    errorCode: null,
    errorMessage: null,
  };
  if (view.docker) planDocker(view.docker, view.at, known, view.host.id, plan);
  planHost(view, known.get(view.host.id), plan);
  const [first] = plan.errorDetails;
  if (first) {
    plan.errorCode = first.error_code;
    plan.errorMessage = `${plan.errorDetails.length} of ${plan.matchedCount} candidates failed inspect`;
  }
  return plan;
}

function planDocker(
  docker: NonNullable<ContainerView["docker"]>,
  at: string,
  known: ReadonlyMap<string, ContainerRow>,
  hostId: string,
  plan: ContainerPlan,
): void {
  const present = new Set<string>();
  const statuses = new Map(docker.departed);
  for (const listed of docker.matched) {
    const inspection = docker.inspections.get(listed.id);
    const row = known.get(listed.id);
    if (inspection?.kind === "good") {
      present.add(listed.id);
      addSeen(plan, row, seenRow(inspection.container, listed, row, at));
    } else if (inspection?.kind === "failed") {
      present.add(listed.id);
      if (row) plan.touch.push(listed.id);
      plan.roster.push(entry(listed.id, row?.name ?? listed.names[0] ?? "", row?.active === 1, "inspect_failed"));
      const { code, message: text } = inspection;
      plan.errorDetails.push({ container_id: listed.id, error_code: code, error_message: message(text) });
    } else if (inspection?.kind === "gone" && inspection.status !== null) {
      statuses.set(listed.id, inspection.status);
    }
  }
  for (const row of known.values()) {
    if (row.active !== 1 || present.has(row.container_id) || row.container_id === hostId) continue;
    inactivate(plan, row, statuses.get(row.container_id) ?? null);
  }
}

function planHost(view: ContainerView, row: ContainerRow | undefined, plan: ContainerPlan): void {
  if (view.host.isEnabled) addSeen(plan, row, hostRow(view.host.id, row, view.at));
  else if (row?.active === 1) inactivate(plan, row, null);
}

function addSeen(plan: ContainerPlan, before: ContainerRow | undefined, after: ContainerRow): void {
  plan.upserts.push(after);
  plan.roster.push(entry(after.container_id, after.name, true, changeOf(before, after)));
}

function inactivate(plan: ContainerPlan, row: ContainerRow, status: string | null): void {
  plan.inactivate.push({ container_id: row.container_id, status: status === null ? null : clean(status) });
  plan.roster.push(entry(row.container_id, row.name, false, "inactivated"));
}

function changeOf(before: ContainerRow | undefined, after: ContainerRow): RosterEntry["change"] {
  if (!before) return "added";
  if (before.active !== 1) return "reactivated";
  const same = (Object.keys(after) as (keyof ContainerRow)[]).every(
    (column) => column === "last_scanned_at" || before[column] === after[column],
  );
  return same ? "unchanged" : "updated";
}

function entry(id: string, name: string, isActive: boolean, change: RosterEntry["change"]): RosterEntry {
  return { container_id: id, name: clean(name), state: isActive ? "active" : "inactive", change };
}

function seenRow(
  container: InspectedContainer,
  listed: ListedContainer,
  before: ContainerRow | undefined,
  at: string,
): ContainerRow {
  const status = clean(container.status || listed.status);
  const configUser = container.configUser === null ? null : clean(container.configUser);
  const workingDir = container.workingDir === null ? null : clean(container.workingDir);
  return {
    container_id: container.id,
    name: clean(container.name) || container.id,
    image: clean(container.image),
    status,
    labels_json: JSON.stringify(container.labels),
    mounts_json: JSON.stringify(container.mounts),
    inspect_json: inspectJson(configUser, workingDir, container.envKeys, status),
    config_user: configUser,
    working_dir: workingDir,
    active: 1,
    first_seen_at: before?.first_seen_at ?? at,
    last_scanned_at: at,
  };
}

function hostRow(id: string, before: ContainerRow | undefined, at: string): ContainerRow {
  return {
    container_id: id,
    name: "host",
    image: "",
    status: "running",
    labels_json: JSON.stringify({ "agenttower.kind": "host" }),
    mounts_json: "[]",
    inspect_json: inspectJson(null, null, [], "running"),
    config_user: null,
    working_dir: null,
    active: 1,
    first_seen_at: before?.first_seen_at ?? at,
    last_scanned_at: at,
  };
}

function inspectJson(
  configUser: string | null,
  workingDir: string | null,
  envKeys: readonly string[],
  status: string,
): string {
  return JSON.stringify({ config_user: configUser, working_dir: workingDir, env_keys: envKeys, full_status: status });
}
