/**
 * The contract as JSON Schema 2020-12, computed from the method table (00 §4). Runs at build time only: the result is committed
 * under `specs/generated/` and embedded from there, so that the converter is no part of the executable.
 *
 * Every method is one definition with the properties `params` (absent: params of any kind are ignored), `result` and `error`.
 * What several methods share (views, error objects, envelopes) is a definition of its own.
 */
import { type ConversionConfig, toJsonSchema, toJsonSchemaDefs } from "@valibot/to-json-schema";
import type * as v from "valibot";
import { MESSAGE_CHARACTERS } from "../base/text.ts";
import { APP_CODES, type AppCode, LEGACY_CODES, type LegacyCode } from "./codes.ts";
import { APP_CONTRACT_VERSION, APP_MESSAGE_CHARACTERS } from "./limits.ts";
import { type AppMethod, appCodesOf, type LegacyMethod, legacyCodesOf, type Method } from "./method.ts";
import { appMethods, legacyMethods } from "./methods.ts";
import { containerObject, containerScanResult, paneObject, paneScanResult } from "./scans.ts";
import { containerView, dashboardCounts, hintView, paneView, subsystemView } from "./views.ts";

export type JsonSchema = Readonly<Record<string, unknown>>;

const DIALECT = "https://json-schema.org/draft/2020-12/schema";
const CONTRACT_ID = `urn:agenttower:contract:${APP_CONTRACT_VERSION}`;

/** Shapes that appear in several places, each once under its own name. */
const SHARED = {
  container_view: containerView,
  pane_view: paneView,
  subsystem_view: subsystemView,
  hint_view: hintView,
  dashboard_counts: dashboardCounts,
  container_scan_result: containerScanResult,
  pane_scan_result: paneScanResult,
  legacy_container: containerObject,
  legacy_pane: paneObject,
};

/** Every schema of ours converts as it is; what does not is an error, so an override would have to be named here. */
const config = {
  target: "draft-2020-12",
  typeMode: "input",
  errorMode: "throw",
  definitions: SHARED,
} as const satisfies ConversionConfig;

const object = (properties: JsonSchema, optional: readonly string[] = []): JsonSchema => ({
  type: "object",
  properties,
  required: Object.keys(properties).filter((key) => !optional.includes(key)),
});
const ref = (name: string): JsonSchema => ({ $ref: `#/$defs/${name}` });

/** Drops what each conversion repeats: dialect, definitions, and requirements of nothing. */
function tidy(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(tidy);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key, inner]) => !(key === "required" && Array.isArray(inner) && inner.length === 0))
      .map(([key, inner]) => [key, tidy(inner)]),
  );
}

function convert(schema: v.GenericSchema): unknown {
  const { $schema: _dialect, $defs: _shared, ...own } = toJsonSchema(schema, config);
  return tidy(own);
}

const message = (max: number) => ({ type: "string", maxLength: max });

function appError(code: AppCode): JsonSchema {
  return object({
    code: { const: code },
    message: message(APP_MESSAGE_CHARACTERS),
    details: convert(APP_CODES[code]),
  });
}

function errorOf(method: Method): JsonSchema {
  if (method.since === "legacy") return legacyError(legacyCodesOf(method));
  return { oneOf: appCodesOf(method).map((code) => ref(`app_error_${code}`)) };
}

function legacyError(codes: readonly LegacyCode[]): JsonSchema {
  return object({ code: { type: "string", enum: codes }, message: message(MESSAGE_CHARACTERS) });
}

/** One method as a schema. */
function methodSchema(name: string, method: AppMethod | LegacyMethod): JsonSchema {
  return {
    title: name,
    description: method.summary,
    type: "object",
    properties: {
      ...(method.params ? { params: convert(method.params) } : {}),
      result: convert(method.result),
      error: errorOf(method),
    },
  };
}

const id = { anyOf: [{ type: "string" }, { type: "integer" }], description: "Echo of the request's id." };

/** The four answers a line can be (06 §2, 01 §8). */
function envelopes(): JsonSchema {
  const app_contract_version = { type: "string" };
  const result = { type: "object" };
  return {
    app_success: object({ ok: { const: true }, app_contract_version, result, id }, ["id"]),
    app_failure: object({ ok: { const: false }, app_contract_version, error: ref("app_error"), id }, ["id"]),
    legacy_success: object({ ok: { const: true }, result, id }, ["id"]),
    legacy_failure: object({ ok: { const: false }, error: legacyError(LEGACY_CODES), id }, ["id"]),
  };
}

/** The whole contract as one document. */
export function computeContractSchema(): JsonSchema {
  const codes = Object.keys(APP_CODES) as AppCode[];
  const table = Object.entries<AppMethod | LegacyMethod>({ ...legacyMethods, ...appMethods });
  return {
    $schema: DIALECT,
    $id: CONTRACT_ID,
    title: `AgentTower contract ${APP_CONTRACT_VERSION}`,
    description:
      "Every method is a definition with params, result and error. Clients tolerate keys, codes and values they do not know. " +
      "An optional parameter that is null counts as absent, except limit and wait.",
    $defs: {
      ...Object.fromEntries(table.map(([name, method]) => [name, methodSchema(name, method)])),
      ...envelopes(),
      app_error: { oneOf: codes.map((code) => ref(`app_error_${code}`)) },
      ...Object.fromEntries(codes.map((code) => [`app_error_${code}`, appError(code)])),
      ...(tidy(toJsonSchemaDefs(SHARED, config)) as JsonSchema),
    },
  };
}
