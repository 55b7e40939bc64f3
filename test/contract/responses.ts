/**
 * Judges responses by the published schema, as a panel's developer would: `check` is called with every answer that the tests
 * get from a daemon, and remembers which methods were hit (06 §10.17).
 */
import Ajv2020, { type ValidateFunction } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { isAppName, methodOf } from "../../src/contract/methods.ts";
import { contractSchema } from "../../src/contract/published.ts";

const contract = await contractSchema();
const CONTRACT = "contract";

function newAjv(): Ajv2020 {
  const ajv = new Ajv2020({ strict: true, allErrors: true });
  addFormats(ajv);
  return ajv;
}

const shared = newAjv();
shared.addSchema({ ...contract, $id: CONTRACT });

const compiled = new Map<string, ValidateFunction>();

/** The validator of one place of the contract's document. */
export function validatorOf(pointer: string): ValidateFunction {
  const validator = compiled.get(pointer) ?? shared.getSchema(`${CONTRACT}${pointer}`);
  if (!validator) throw new Error(`the contract has no ${pointer}`);
  compiled.set(pointer, validator);
  return validator;
}

/** Compiles a document that must need nothing but itself. */
export function compileAlone(schema: Readonly<Record<string, unknown>>): ValidateFunction {
  return newAjv().compile(schema);
}

const hit = new Set<string>();

/** Methods of which a successful answer was checked. */
export function methodsHit(): ReadonlySet<string> {
  return hit;
}

/**
 * Throws unless `response` is what the contract promises for `method`.
 * Framing refusals use the app envelope whatever the method was (01 §8).
 */
export function check(method: string, response: unknown): void {
  const served = methodOf(method) !== undefined;
  const answer = Object(response) as { ok?: unknown; result?: unknown; error?: unknown };
  const appShaped = isAppName(method) || "app_contract_version" in answer;
  const side = `${appShaped ? "app" : "legacy"}_${answer.ok === true ? "success" : "failure"}`;
  judge(`#/$defs/${side}`, response, method);
  if (!served || (appShaped && !isAppName(method))) return;
  if (answer.ok === true) {
    judge(`#/$defs/${method}/properties/result`, answer.result, method);
    hit.add(method);
  } else {
    judge(`#/$defs/${method}/properties/error`, answer.error, method);
  }
}

function judge(pointer: string, value: unknown, method: string): void {
  const validator = validatorOf(pointer);
  if (validator(value)) return;
  const offences = (validator.errors ?? []).map((error) => `${error.instancePath || "/"} ${error.message}`);
  throw new Error(
    `answer of ${method} breaks ${pointer}: ${offences.join("; ")}\n${JSON.stringify(value)?.slice(0, 2000)}`,
  );
}
