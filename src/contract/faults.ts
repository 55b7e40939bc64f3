/**
 * Refusals of the domain and how each surface words them (01 §8, 06 §2).
 * `refuse` is the one way to refuse a request. Any other throw is a bug and becomes `internal_error`.
 */
import type { AppRefusal, LegacyCode } from "./codes.ts";
import { APP_CONTRACT_VERSION } from "./limits.ts";

type NoFacts = Record<never, never>;

/** What the refusals that name something carry; every other legacy code carries nothing. */
type NamedFacts = {
  /** A parameter broke its rule. `field` and `reason` name rules, never values. */
  param_invalid: { field: string; reason: string };
  contract_major_unsupported: { client_major: number };
  row_not_found: NoFacts;
  pane_not_found: { pane_id: string; mismatch_field?: string };
  scan_not_found: { scan_id: string };
  scan_timeout: { scan_id: string };
  container_inactive: { container_id: string };
  agent_not_found: { agent_id: string };
};

export type FaultCode = LegacyCode | keyof NamedFacts;
export type Facts = { [C in FaultCode]: C extends keyof NamedFacts ? NamedFacts[C] : NoFacts };

/** A refusal on its way to the client. */
export class Fault<C extends FaultCode = FaultCode> extends Error {
  readonly code: C;
  readonly facts: Facts[C];

  constructor(code: C, facts: Facts[C], text: string) {
    super(text);
    this.name = "Fault";
    this.code = code;
    this.facts = facts;
  }
}

/**
 * Refuses the request.
 * @param text prose for people: one line, no parameter values, no host paths that were not asked for
 */
export function refuse<C extends FaultCode>(code: C, facts: Facts[C], text: string): never {
  throw new Fault(code, facts, text);
}

/** Codes that only the façade refuses with; legacy callers meet `bad_request` in their place. */
const FACADE_ONLY = [
  "param_invalid",
  "contract_major_unsupported",
  "row_not_found",
  "pane_not_found",
  "scan_not_found",
  "scan_timeout",
  "container_inactive",
] as const satisfies readonly FaultCode[];

/** The legacy code of a fault. */
export function legacyCodeOf(code: FaultCode): LegacyCode {
  return (FACADE_ONLY as readonly FaultCode[]).includes(code) ? "bad_request" : (code as LegacyCode);
}

type AppWording = { [C in FaultCode]?: (facts: Facts[C], text: string) => AppRefusal };

/**
 * The app refusal of every fault that an app method may meet. A fault without an entry here reached a method
 * that does not expect it: that is a bug and is answered as `internal_error`.
 */
const APP_WORDING = {
  param_invalid: (facts, message) => ({
    code: "validation_failed",
    message,
    details: { field: facts.field, reason: facts.reason },
  }),
  contract_major_unsupported: (facts, message) => ({
    code: "app_contract_major_unsupported",
    message,
    details: {
      daemon_app_contract_version: APP_CONTRACT_VERSION,
      client_app_contract_major: facts.client_major,
    },
  }),
  row_not_found: (_facts, message) => ({ code: "not_found", message, details: {} }),
  pane_not_found: (facts, message) => ({ code: "pane_not_found", message, details: facts }),
  scan_not_found: (facts, message) => ({ code: "scan_not_found", message, details: facts }),
  scan_timeout: (facts, message) => ({ code: "scan_timeout", message, details: facts }),
  container_inactive: (facts, message) => ({ code: "container_inactive", message, details: facts }),
  agent_not_found: (facts, message) => ({ code: "agent_not_found", message, details: facts }),
} satisfies AppWording;

/** Faults that app methods may answer with; what a method's `codes` promise must be reachable from here. */
export type AppFaultCode = keyof typeof APP_WORDING;

/** The app refusal of a fault, or `null` when no app method may meet it. */
export function appRefusalOf(fault: Fault): AppRefusal | null {
  const wording = (APP_WORDING as Record<string, (facts: never, text: string) => AppRefusal>)[fault.code];
  return wording ? wording(fault.facts as never, fault.message) : null;
}
