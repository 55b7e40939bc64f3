import { describe, expect, test } from "bun:test";
import { APP_CODES, LEGACY_CODES } from "../../src/contract/codes.ts";
import { type AppMethod, appCodesOf, type LegacyMethod, legacyCodesOf } from "../../src/contract/method.ts";
import { appMethods, isAppName, legacyMethods, methodOf, methods } from "../../src/contract/methods.ts";

/** Dispatch order of 01 §9, as far as this build goes. */
const LEGACY_ORDER = ["ping", "status", "shutdown", "scan_containers", "list_containers", "scan_panes", "list_panes"];

const app = Object.entries<AppMethod>(appMethods);
const legacy = Object.entries<LegacyMethod>(legacyMethods);

test("legacy methods come first and in their order, then app names", () => {
  expect(Object.keys(legacyMethods)).toEqual(LEGACY_ORDER);
  expect(Object.keys(methods)).toEqual([...LEGACY_ORDER, ...Object.keys(appMethods)]);
});

test("names are looked up exactly", () => {
  for (const name of Object.keys(methods)) expect(methodOf(name)).toBeDefined();
  for (const name of ["", "app.", "app.nope", "PING", "ping ", "toString", "__proto__", "constructor"]) {
    expect(methodOf(name)).toBeUndefined();
  }
});

describe.each(app)("%s", (name, method) => {
  test("is the facade's own, and the host's", () => {
    expect(isAppName(name)).toBe(true);
    expect(method.who).toBe("host");
    expect(method.session).toBe(name !== "app.preflight" && name !== "app.hello");
  });
  test("answers registered codes only, with the gates' among them", () => {
    const codes = appCodesOf(method);
    expect(codes.filter((code) => !Object.hasOwn(APP_CODES, code))).toEqual([]);
    expect(codes).toContain("internal_error");
    expect(codes.includes("app_session_expired")).toBe(method.session);
    expect(codes.includes("validation_failed")).toBe(method.params !== undefined);
  });
});

describe.each(legacy)("%s", (name, method) => {
  test("is a legacy method with registered codes", () => {
    expect(isAppName(name)).toBe(false);
    const codes: readonly string[] = legacyCodesOf(method);
    expect(codes.filter((code) => !(LEGACY_CODES as readonly string[]).includes(code))).toEqual([]);
    expect(codes).toContain("bad_request");
  });
});

test("a summary is one line for people", () => {
  for (const [, { summary }] of [...app, ...legacy]) expect(summary).toMatch(/^[A-Z][^\n]{5,119}\.$/);
});
