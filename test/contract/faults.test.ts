import { expect, test } from "bun:test";
import * as v from "valibot";
import { APP_CODES, type AppCode, LEGACY_CODES } from "../../src/contract/codes.ts";
import { appRefusalOf, Fault, legacyCodeOf, refuse } from "../../src/contract/faults.ts";

test("82 legacy codes, 27 app codes, each once", () => {
  expect(LEGACY_CODES.length).toBe(82);
  expect(new Set<string>(LEGACY_CODES).size).toBe(82);
  expect(Object.keys(APP_CODES).length).toBe(27);
  for (const code of [...LEGACY_CODES, ...Object.keys(APP_CODES)]) expect(code).toMatch(/^[a-z][a-z0-9_]*$/);
});

const WORDED: [Fault, AppCode][] = [
  [new Fault("param_invalid", { field: "limit", reason: "out of bounds [1,200]" }, "x"), "validation_failed"],
  [new Fault("contract_major_unsupported", { client_major: 2 }, "x"), "app_contract_major_unsupported"],
  [new Fault("row_not_found", {}, "x"), "not_found"],
  [new Fault("pane_not_found", { pane_id: "%0" }, "x"), "pane_not_found"],
  [new Fault("pane_not_found", { pane_id: "%0", mismatch_field: "session_name" }, "x"), "pane_not_found"],
  [new Fault("scan_not_found", { scan_id: "s" }, "x"), "scan_not_found"],
  [new Fault("scan_timeout", { scan_id: "s" }, "x"), "scan_timeout"],
  [new Fault("container_inactive", { container_id: "c" }, "x"), "container_inactive"],
  [new Fault("agent_not_found", { agent_id: "a" }, "x"), "agent_not_found"],
];

test.each(WORDED)("%s is worded with all its details", (fault, code) => {
  const refusal = appRefusalOf(fault);
  expect(refusal?.code).toBe(code);
  expect(v.is(APP_CODES[code], refusal?.details)).toBe(true);
});

test("a fault that no app method expects has no wording", () => {
  expect(appRefusalOf(new Fault("swarm_parent_required", {}, "x"))).toBeNull();
});

test("legacy codes stay themselves, facade codes are bad_request to legacy callers", () => {
  for (const code of LEGACY_CODES) expect(legacyCodeOf(code)).toBe(code);
  expect(legacyCodeOf("param_invalid")).toBe("bad_request");
  expect(legacyCodeOf("scan_not_found")).toBe("bad_request");
});

test("refuse throws the fault it was given", () => {
  expect(() => refuse("scan_not_found", { scan_id: "s" }, "gone")).toThrow(Fault);
});
