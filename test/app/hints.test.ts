import { expect, test } from "bun:test";
import * as v from "valibot";
import { type HintFacts, hintsFor } from "../../src/app/hints.ts";
import { HINT_CODES, hintView } from "../../src/contract/views.ts";

/** A tower where everything is in place: nothing is left to hint at. */
const calm: HintFacts = {
  engineUp: true,
  hostAlone: false,
  ignoredNames: 3,
  counts: {
    containers: { active: 2, inactive: 0, degraded_scan: 0 },
    panes: { total: 4, registered: 2, unregistered: 2 },
    log_attachments: { active: 2, degraded: 0, none: 0 },
    routes: { enabled: 1, disabled: 0 },
  },
};

const codes = (facts: Partial<HintFacts>) => hintsFor({ ...calm, ...facts }).map(({ code }) => code);
const counts = (more: Partial<HintFacts["counts"]>) => ({ counts: { ...calm.counts, ...more } });

const noBench = counts({ containers: { active: 0, inactive: 2, degraded_scan: 0 } });
const noLogs = { active: 0, degraded: 0, none: 0 };

test("nothing to do, nothing said", () => expect(codes({})).toEqual([]));

const FIXTURES: [string, Partial<HintFacts>, (typeof HINT_CODES)[number][]][] = [
  ["Engine gone", { engineUp: false }, ["docker_unavailable_hint"]],
  ["Engine gone, no bench", { engineUp: false, ...noBench }, ["docker_unavailable_hint"]],
  ["Engine gone, the host is the only bench", { engineUp: false, hostAlone: true }, []],
  ["Engine not asked yet", { engineUp: null, ...noBench }, []],
  ["no bench", { ...noBench, ignoredNames: 0 }, ["start_bench_container"]],
  ["no bench, names ignored", noBench, ["start_bench_container", "check_container_filter"]],
  ["only a bench whose scan failed", counts({ containers: { active: 0, inactive: 0, degraded_scan: 1 } }), []],
  ["panes, no agent", counts({ log_attachments: noLogs }), ["register_first_agent"]],
  ["no pane, no agent", counts({ log_attachments: noLogs, panes: { total: 0, registered: 0, unregistered: 0 } }), []],
  ["agent without log", counts({ log_attachments: { active: 1, degraded: 0, none: 1 } }), ["attach_logs"]],
  ["agent with a stale log", counts({ log_attachments: { active: 1, degraded: 1, none: 0 } }), ["attach_logs"]],
  ["no route", counts({ routes: { enabled: 0, disabled: 2 } }), ["enable_first_route"]],
  [
    "no route, no agent",
    counts({ routes: { enabled: 0, disabled: 0 }, log_attachments: noLogs }),
    ["register_first_agent"],
  ],
];

test.each(FIXTURES)("%s", (_name, facts, expected) => expect(codes(facts)).toEqual(expected));

test("the fixtures show every hint", () => {
  const shown = new Set(FIXTURES.flatMap(([, facts]) => hintsFor({ ...calm, ...facts }).map(({ code }) => code)));
  expect([...shown].sort()).toEqual([...HINT_CODES].sort());
});

test("severities are those of the contract", () => {
  const severities = Object.fromEntries(
    FIXTURES.flatMap(([, facts]) => hintsFor({ ...calm, ...facts })).map((hint) => {
      expect(v.is(hintView, hint)).toBe(true);
      return [hint.code, hint.severity];
    }),
  );
  expect(severities).toEqual({
    docker_unavailable_hint: "action_required",
    start_bench_container: "action_required",
    check_container_filter: "warning",
    register_first_agent: "info",
    attach_logs: "info",
    enable_first_route: "info",
  });
});
