import { afterAll, describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { APP_CODES } from "../../src/contract/codes.ts";
import { type AppMethod, appCodesOf, type Method } from "../../src/contract/method.ts";
import { appMethods, legacyMethods, methods } from "../../src/contract/methods.ts";
import { testDoor } from "../support/door.ts";
import { manualClock } from "../support/manual-clock.ts";
import { testRegistry } from "../support/registry.ts";
import { methodsHit } from "./responses.ts";

/** One for the whole file: nothing here may leave a trace in it. */
const registry = testRegistry(manualClock());
afterAll(() => registry[Symbol.dispose]());

const UP = { up: true, reason: "" };
const app = Object.entries<AppMethod>(appMethods);
const withSession = app.filter(([, method]) => method.session);
const keysOf = (method: Method) => Object.keys(method.params?.entries ?? {});

/** What has the wrong type for every parameter there is. */
const WRONG = [{ a: 1 }, [1], 1.5, "\u0000", -1, [], Number.MAX_SAFE_INTEGER + 1, "x".repeat(5000)];

/** Everything that a refused call must leave alone. */
function contentOf(): string {
  return registry.store.read(({ db }) => {
    const tables = db
      .query<{ name: string }, []>("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY 1")
      .all();
    return JSON.stringify(tables.map(({ name }) => [name, db.query(`SELECT * FROM "${name}"`).all()]));
  });
}

async function openDoor() {
  const door = testDoor(registry, UP);
  return { door, token: await door.token() };
}

describe.each(withSession)("%s", (name) => {
  test.each([
    ["no params", undefined, "app_session_required"],
    ["null params", null, "app_session_required"],
    ["a list as params", [], "app_session_required"],
    ["no token", {}, "app_session_required"],
    ["an empty token", { app_session_token: "" }, "app_session_required"],
    ["a number as token", { app_session_token: 5 }, "app_session_required"],
    ["a token of nobody", { app_session_token: crypto.randomUUID() }, "app_session_expired"],
  ])("with %s", async (_what, params, code) => {
    const { door } = await openDoor();
    expect((await door.call(name, params)).error).toMatchObject({ code, details: {} });
  });
});

describe.each(app)("%s", (name, method) => {
  test("every parameter of a wrong type is refused or tolerated, and nothing is written", async () => {
    const { door, token } = await openDoor();
    const before = contentOf();
    for (const key of keysOf(method)) {
      for (const wrong of WRONG) {
        const { ok, error } = await door.call(name, { app_session_token: token, [key]: wrong });
        if (ok) continue;
        expect(appCodesOf(method)).toContain(error?.code as keyof typeof APP_CODES);
        expect(error?.code).not.toBe("internal_error");
        if (error?.code === "validation_failed")
          expect([key, "a", ...keysOf(method)]).toContain(String(error.details?.["field"]));
      }
    }
    expect(contentOf()).toBe(before);
    expect(door.bugs).toEqual([]);
  });

  test("an object as a parameter is always refused, under its own name", async () => {
    const { door, token } = await openDoor();
    for (const key of keysOf(method)) {
      const { error } = await door.call(name, { [key]: { a: 1 }, app_session_token: token });
      expect(error?.code).toBe("validation_failed");
      expect(error?.details?.["field"]).toBe(key === "filters" ? "a" : key);
    }
  });

  test("a stopping daemon says so", async () => {
    const { door, token } = await openDoor();
    door.stop.abort();
    const { ok, result, error } = await door.call(name, { app_session_token: token });
    if (name === "app.preflight") expect([ok, result?.["code"]]).toEqual([true, "daemon_unavailable"]);
    else expect(error).toMatchObject({ code: "internal_error", details: { reason: "shutting_down" } });
  });

  test("a handler that throws or breaks its schema is an internal error, with the story in the log", async () => {
    for (const broken of [() => ({}), () => undefined, () => Promise.reject(new Error("/secret/path"))]) {
      const door = testDoor(registry, UP, { [name]: broken });
      const token = method.session ? await door.token() : "";
      const needed = { pane_id: "%0", container_id: "c", scan_id: "s", app_session_token: token };
      const { error } = await door.call(name, needed);
      expect(error).toMatchObject({ code: "internal_error", details: {} });
      expect(error?.message).not.toContain("secret");
      expect(door.bugs.length).toBe(1);
    }
  });
});

test("a name that is not served is unknown, with or without a session", async () => {
  const { door } = await openDoor();
  expect((await door.call("app.nope")).error).toMatchObject({ code: "unknown_method", details: {} });
  expect((await door.call("nope")).error?.code).toBe("unknown_method");
});

test("the worked examples: filters, limits, orders", async () => {
  const { door, token } = await openDoor();
  const offence = async (name: string, params: object) =>
    (await door.call(name, { app_session_token: token, ...params })).error?.details;
  expect(await offence("app.pane.list", { limit: 0 })).toEqual({ field: "limit", reason: "out of bounds [1,200]" });
  expect(await offence("app.pane.list", { limit: null })).toMatchObject({ field: "limit" });
  expect(await offence("app.pane.list", { order_by: "pane_id" })).toMatchObject({ field: "order_by" });
  expect(await offence("app.pane.list", { order_by: "default:up" })).toMatchObject({ field: "order_by" });
  expect(await offence("app.pane.list", { cursor_next: "x".repeat(513) })).toMatchObject({ field: "cursor_next" });
  expect(await offence("app.pane.list", { cursor_next: "x" })).toMatchObject({ field: "cursor_next" });
  expect(await offence("app.pane.list", { filters: { nope: 1 } })).toEqual({ field: "nope", reason: "unknown filter" });
  expect(await offence("app.pane.list", { filters: { ["n".repeat(900)]: 1 } })).toEqual({
    field: "n".repeat(64),
    reason: "unknown filter",
  });
  expect(await offence("app.container.list", { filters: { state: "act%" } })).toEqual({
    field: "state",
    reason: "operator syntax not supported",
  });
  expect(await offence("app.container.list", { limit: 0, filters: { x: 1 } })).toMatchObject({ field: "limit" });
  expect(await offence("app.container.list", { filters: { x: 1 }, limit: 0 })).toMatchObject({ field: "x" });
  expect(await offence("app.dashboard", { recent_limit: 51 })).toEqual({
    field: "recent_limit",
    reason: "out of bounds [1,50]",
  });
  expect(await offence("app.scan.panes", { wait: null })).toMatchObject({ field: "wait" });
  for (const params of [{ filters: null }, { cursor_next: null }, { order_by: null }, { include_inactive: null }]) {
    expect(await offence("app.pane.list", params)).toBeUndefined();
  }
});

test("any params to any method: a registered answer that fits the published schema, and nothing written", async () => {
  const { door, token } = await openDoor();
  const before = contentOf();
  const names = Object.keys(methods).filter((name) => name !== "app.hello");
  const keys = [...new Set(Object.values<Method>(methods).flatMap(keysOf))];
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...names),
      fc.dictionary(fc.oneof(fc.constantFrom(...keys), fc.string()), fc.jsonValue({ maxDepth: 3 })),
      // `call` throws for anything that the published schema does not know.
      async (name, params) => void (await door.call(name, { ...params, app_session_token: token })),
    ),
    { numRuns: 300 },
  );
  expect(contentOf()).toBe(before);
  expect(door.bugs).toEqual([]);
});

test("every method answers well when asked well", async () => {
  const { door, token } = await openDoor();
  for (const name of Object.keys(legacyMethods)) expect((await door.call(name, {})).ok).toBe(true);
  const { result } = await door.call("app.scan.panes", { app_session_token: token });
  expect(result).toMatchObject({ state: "completed", result: { panes_reconciled_inactive: 0 } });
  const good: Record<string, object | null> = {
    // Their good answers need rows: test/app/lists.test.ts.
    "app.container.detail": null,
    "app.pane.detail": null,
    "app.scan.status": { scan_id: result?.["scan_id"] },
  };
  for (const name of Object.keys(appMethods)) {
    const params = good[name];
    if (params !== null) expect((await door.call(name, { app_session_token: token, ...params })).ok).toBe(true);
  }
  const left = Object.keys(methods).filter((name) => !methodsHit().has(name) && good[name] !== null);
  expect(left).toEqual([]);
});

test("without an Engine a container scan is refused on one surface and a failed scan on the other", async () => {
  const door = testDoor(registry, { up: false, reason: "refused" });
  expect((await door.call("scan_containers")).error?.code).toBe("docker_unavailable");
  const answer = await door.call("app.scan.containers", { app_session_token: await door.token() });
  expect(answer.result).toMatchObject({ state: "failed", result: { error: "docker_unavailable" } });
});

test("a scan that is none is not found, and its name is not repeated", async () => {
  const { door, token } = await openDoor();
  const ask = async (scan_id: string) =>
    (await door.call("app.scan.status", { app_session_token: token, scan_id })).error;
  const id = crypto.randomUUID();
  expect(await ask(id)).toMatchObject({ code: "scan_not_found", details: { scan_id: id } });
  expect(await ask("secret")).toMatchObject({ code: "scan_not_found", details: { scan_id: "" } });
});
