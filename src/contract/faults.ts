/**
 * Refusals of the domain and how each surface words them (01 §8, 06 §2).
 * `refuse` is the one way to refuse a request. Any other throw is a bug and becomes `internal_error`.
 */
import {
  type APP_CLIENT_CODES,
  type APP_GATE_CODES,
  type APP_SESSION_CODES,
  type AppRefusal,
  LEGACY_CODES,
  type LegacyCode,
} from "./codes.ts";
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

const legacyCodes: ReadonlySet<string> = new Set(LEGACY_CODES);

function isLegacyCode(code: FaultCode): code is LegacyCode {
  return legacyCodes.has(code);
}

/** The legacy code of a fault; what only the façade knows is `bad_request` to legacy callers. */
export function legacyCodeOf(code: FaultCode): LegacyCode {
  return isLegacyCode(code) ? code : "bad_request";
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

type Worded = ReturnType<(typeof APP_WORDING)[keyof typeof APP_WORDING]>["code"];
type OfGates = (typeof APP_GATE_CODES | typeof APP_SESSION_CODES | typeof APP_CLIENT_CODES)[number];

/** What an app method may declare: a code without a gate or a wording above does not compile. */
export type AnswerableAppCode = Worded | OfGates;

const wordings: ReadonlyMap<string, (facts: never, text: string) => AppRefusal> = new Map(Object.entries(APP_WORDING));

/** The app refusal of a fault, or `null` when no app method may meet it. */
export function appRefusalOf(fault: Fault): AppRefusal | null {
  // `Fault` pairs code and facts by type, so the facts fit the wording found under its code.
  return wordings.get(fault.code)?.(fault.facts as never, fault.message) ?? null;
}
