/** What a container scan asks the Engine: one list, one inspect per match, one per bench that goes (02 §3.1, §12). */
import { BenchFault } from "../base/bench.ts";
import type { Clock } from "../base/clock.ts";
import type { Engine, ListedContainer } from "../base/engine.ts";
import type { Inspection } from "./container-plan.ts";
import { engineCode } from "./failure-codes.ts";
import { mapParallel } from "./parallel.ts";
import { matches, type Rule } from "./rule.ts";

/** One Engine request, to the last byte. */
export const REQUEST_MS = 5000;
/** All inspects of a scan together. */
const INSPECTS_MS = 8000;
const INSPECTS_AT_ONCE = 8;
/** Status of a row whose container exists no more (02 §14). */
const REMOVED = "removed";

export type DockerLook = {
  matched: ListedContainer[];
  ignored: ListedContainer[];
  inspections: Map<string, Inspection>;
  departed: Map<string, string>;
};

/** The list, parted by the rule. @throws BenchFault when the list fails */
export async function listByRule(engine: Engine, rule: Rule): Promise<Pick<DockerLook, "matched" | "ignored">> {
  const listed = await engine.list(REQUEST_MS);
  const matched: ListedContainer[] = [];
  const ignored: ListedContainer[] = [];
  for (const container of listed) (matches(rule, container.names) ? matched : ignored).push(container);
  return { matched, ignored };
}

/**
 * @param activeIds ids of the active Docker rows
 * @throws BenchFault when the list fails; a failed inspect is part of the answer
 */
export async function lookAtDocker(
  engine: Engine,
  clock: Clock,
  rule: Rule,
  activeIds: readonly string[],
): Promise<DockerLook> {
  const { matched, ignored } = await listByRule(engine, rule);
  const deadline = clock.monotonic() + INSPECTS_MS;
  const inspections = new Map<string, Inspection>();
  await mapParallel(matched, INSPECTS_AT_ONCE, async ({ id }) => {
    inspections.set(id, await inspect(engine, id, deadline - clock.monotonic()));
  });
  const departed = new Map<string, string>();
  const going = activeIds.filter((id) => !inspections.has(id));
  await mapParallel(going, INSPECTS_AT_ONCE, async (id) => {
    const last = await inspect(engine, id, deadline - clock.monotonic());
    if (last.kind === "good") departed.set(id, last.container.status);
    else if (last.kind === "gone" && last.status !== null) departed.set(id, last.status);
  });
  return { matched, ignored, inspections, departed };
}

async function inspect(engine: Engine, id: string, leftMs: number): Promise<Inspection> {
  if (leftMs <= 0) {
    return { kind: "failed", code: "docker_timeout", message: "inspect was not reached within the 13 s of the scan" };
  }
  try {
    const container = await engine.inspect(id, Math.min(REQUEST_MS, leftMs));
    if (!container.running) return { kind: "gone", status: container.status || null };
    return { kind: "good", container };
  } catch (error) {
    if (!(error instanceof BenchFault)) {
      // 02 §6: anything unexpected in one container's work.
      return { kind: "failed", code: "docker_failed", message: `inspect failed unexpectedly: ${String(error)}` };
    }
    if (error.kind === "not_found") return { kind: "gone", status: REMOVED };
    return { kind: "failed", code: engineCode(error), message: error.message };
  }
}
