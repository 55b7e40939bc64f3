/** One container scan, from the started line to the answer (02 §3). The caller holds the turn. */
import { BenchFault } from "../base/bench.ts";
import type { Clock } from "../base/clock.ts";
import type { Engine } from "../base/engine.ts";
import { message } from "../base/text.ts";
import { formA } from "../base/time.ts";
import type { LegacyCode } from "../contract/codes.ts";
import { refuse } from "../contract/faults.ts";
import type { ContainerScanResult } from "../contract/scans.ts";
import {
  activeContainers,
  containersByIds,
  inactivateContainers,
  touchContainers,
  upsertContainers,
} from "../store/containers.ts";
import type { Store, Tx } from "../store/open.ts";
import { insertContainerScan, newestContainerScan, setDegradedScan } from "../store/scans.ts";
import { type DockerLook, lookAtDocker } from "./container-look.ts";
import { type ContainerPlan, planContainers } from "./container-plan.ts";
import { engineCode } from "./failure-codes.ts";
import { type Rule, RuleFault } from "./rule.ts";
import { appendDegraded, isNews, type LineDeps, type ScanOrigin, tryWrite, type Verdict } from "./scan-lines.ts";

export type ContainerScanDeps = LineDeps & {
  store: Store;
  clock: Clock;
  engine: Engine;
  /** Id of the host bench. */
  hostId: string;
  /** The rule of the configuration as it is now. @throws RuleFault */
  readRule(): Rule;
};

export type ContainerScanDone = {
  result: ContainerScanResult;
  /** Benches that a pane scan should look at again. */
  changedIds: string[];
  ignoredCount: number;
};

/** A scan that came to nothing. `error` is the bug behind an `internal_error`. */
type Failure = { code: LegacyCode; message: string; error: unknown };
type Look = { rule: Rule; docker: DockerLook | null; failure: Failure | null } | { rule: null; failure: Failure };

/**
 * @throws Fault with the code of 02 §3.5 when nothing was reconciled; what broke the transaction or the events file
 */
export async function scanContainers(
  deps: ContainerScanDeps,
  scanId: string,
  origin: ScanOrigin,
): Promise<ContainerScanDone> {
  const startedAt = formA(deps.clock.now());
  const announce = () => tryWrite(() => deps.log.write("scan_started", { scan_id: scanId }));
  if (origin === "requested") announce();
  const look = await lookAtBenches(deps);
  const { result, plan, isRecorded } = deps.store.write((tx) => commit(tx, deps, look, { scanId, startedAt, origin }));
  if (isRecorded) {
    if (origin === "background") announce();
    const lost = result.status === "degraded" ? await appendDegraded(deps, "container_scan", payloadOf(result)) : null;
    tryWrite(() =>
      deps.log.write("scan_completed", {
        scan_id: scanId,
        status: result.status,
        matched: result.matched_count,
        inactive: result.inactive_reconciled_count,
        ignored: result.ignored_count,
        error: result.error_code ?? "",
      }),
    );
    if (lost !== null) throw lost;
  }
  if (!plan && look.failure) {
    if (look.failure.code === "internal_error") throw look.failure.error;
    refuse(look.failure.code, {}, look.failure.message);
  }
  const changedIds = result.containers
    .filter(({ change }) => change !== "unchanged" && change !== "inspect_failed")
    .map(({ container_id }) => container_id);
  return { result, changedIds, ignoredCount: result.ignored_count };
}

async function lookAtBenches(deps: ContainerScanDeps): Promise<Look> {
  let rule: Rule | null = null;
  try {
    rule = deps.readRule();
    const active = deps.store.read((tx) => activeContainers(tx).map((row) => row.container_id));
    const ids = active.filter((id) => id !== deps.hostId);
    return { rule, docker: await lookAtDocker(deps.engine, deps.clock, rule, ids), failure: null };
  } catch (error) {
    const failure = failureOf(error);
    return rule && error instanceof BenchFault ? { rule, docker: null, failure } : { rule: null, failure };
  }
}

function failureOf(error: unknown): Failure {
  if (error instanceof RuleFault) return { code: "config_invalid", message: error.message, error };
  if (error instanceof BenchFault) {
    return { code: engineCode(error), message: message(`listing containers: ${error.message}`), error };
  }
  return { code: "internal_error", message: "the container scan failed unexpectedly", error };
}

type Commission = { scanId: string; startedAt: string; origin: ScanOrigin };

function commit(tx: Tx, deps: ContainerScanDeps, look: Look, { scanId, startedAt, origin }: Commission) {
  const plan = planOf(tx, deps, look);
  if (plan) apply(tx, plan);
  const verdict: Verdict =
    (look.failure?.code ?? plan?.errorCode ?? null) === null
      ? { status: "ok", error_code: null }
      : { status: "degraded", error_code: look.failure?.code ?? plan?.errorCode ?? null };
  const result: ContainerScanResult = {
    scan_id: scanId,
    started_at: startedAt,
    completed_at: formA(deps.clock.now()),
    status: verdict.status,
    matched_count: plan?.matchedCount ?? 0,
    inactive_reconciled_count: plan?.inactivate.length ?? 0,
    ignored_count: plan?.ignoredCount ?? 0,
    error_code: verdict.error_code,
    error_message: look.failure?.message ?? plan?.errorMessage ?? null,
    error_details: plan?.errorDetails ?? [],
    containers: plan?.roster ?? [],
    ignored_names: plan?.ignoredNames ?? [],
  };
  const turned = result.containers.some(({ change }) => ["added", "reactivated", "inactivated"].includes(change));
  const isRecorded = origin === "requested" || turned || isNews(newestContainerScan(tx), verdict);
  if (isRecorded) insertContainerScan(tx, rowOf(result));
  return { result, plan, isRecorded };
}

/** `null`: nothing is reconciled (02 §3.5). */
function planOf(tx: Tx, deps: ContainerScanDeps, look: Look): ContainerPlan | null {
  if (look.rule === null) return null;
  const isHostEnabled = look.rule.hostSockets !== null;
  // Without an Engine the host row is reconciled all the same, where there is one to be (00 §7).
  if (look.docker === null && !isHostEnabled) return null;
  const active = activeContainers(tx);
  const isKnown = new Set(active.map((row) => row.container_id));
  const others = [deps.hostId, ...(look.docker?.matched.map(({ id }) => id) ?? [])].filter((id) => !isKnown.has(id));
  return planContainers({
    at: formA(tx.now),
    docker: look.docker,
    known: [...active, ...containersByIds(tx, others)],
    host: { id: deps.hostId, isEnabled: isHostEnabled },
  });
}

function apply(tx: Tx, plan: ContainerPlan): void {
  const at = formA(tx.now);
  upsertContainers(tx, plan.upserts);
  touchContainers(tx, plan.touch, at);
  inactivateContainers(tx, plan.inactivate, at);
  setDegradedScan(
    tx,
    plan.inactivate.map(({ container_id }) => container_id),
    false,
  );
}

function rowOf(result: ContainerScanResult) {
  const { containers: _roster, ignored_names: _names, error_details, ...row } = result;
  return { ...row, error_details_json: error_details.length > 0 ? JSON.stringify(error_details) : null };
}

function payloadOf(result: ContainerScanResult) {
  return {
    scan_id: result.scan_id,
    error_code: result.error_code,
    error_message: result.error_message,
    error_details: result.error_details,
    status: result.status,
    matched_count: result.matched_count,
    inactive_reconciled_count: result.inactive_reconciled_count,
    ignored_count: result.ignored_count,
  };
}
