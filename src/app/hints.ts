/**
 * What to do next, told from facts (06 §5): pure, the same on readiness and dashboard, most pressing first.
 */
import type { DashboardCounts, HintView } from "../contract/views.ts";

export type HintFacts = {
  /** `null`: not known yet, so nothing is said about the Engine. */
  engineUp: boolean | null;
  /** The host bench is active and no other is (00 §7). */
  hostAlone: boolean;
  /** Running containers that the name rule left out at the last container scan. */
  ignoredNames: number;
  counts: Pick<DashboardCounts, "containers" | "panes" | "log_attachments" | "routes">;
};

type Hint = { when: (facts: HintFacts) => boolean; hint: HintView };

/** Every active agent is in exactly one of the log buckets. */
const activeAgents = ({ counts: { log_attachments: logs } }: HintFacts) => logs.active + logs.degraded + logs.none;

const noBench = ({ engineUp, counts: { containers } }: HintFacts) =>
  engineUp === true && containers.active + containers.degraded_scan === 0;

const HINTS: readonly Hint[] = [
  {
    // With nothing but the host bench in use nobody waits for an Engine (00 §7).
    when: (facts) => facts.engineUp === false && !facts.hostAlone,
    hint: {
      code: "docker_unavailable_hint",
      severity: "action_required",
      message: "The Docker Engine cannot be reached. Start it, or check that this user may use it.",
    },
  },
  {
    when: noBench,
    hint: {
      code: "start_bench_container",
      severity: "action_required",
      message: "No active bench. Start a bench container, then scan.",
    },
  },
  {
    when: (facts) => noBench(facts) && facts.ignoredNames > 0,
    hint: {
      code: "check_container_filter",
      severity: "warning",
      message: "Running containers were left out by the name rule. Check name_contains under [containers].",
    },
  },
  {
    when: (facts) => facts.counts.panes.total > 0 && activeAgents(facts) === 0,
    hint: {
      code: "register_first_agent",
      severity: "info",
      message: "Panes are there, but no agent yet. Adopt a pane to register its agent.",
    },
  },
  {
    when: ({ counts: { log_attachments: logs } }) => logs.degraded + logs.none > 0,
    hint: {
      code: "attach_logs",
      severity: "info",
      message: "An active agent has no active log. Attach it to see its events.",
    },
  },
  {
    when: (facts) => activeAgents(facts) > 0 && facts.counts.routes.enabled === 0,
    hint: {
      code: "enable_first_route",
      severity: "info",
      message: "No route is enabled. Add one to turn an agent's event into another agent's prompt.",
    },
  },
];

/** The hints that hold for these facts. */
export function hintsFor(facts: HintFacts): HintView[] {
  return HINTS.filter(({ when }) => when(facts)).map(({ hint }) => hint);
}
