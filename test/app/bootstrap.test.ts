import { expect, test } from "bun:test";
import { bootstrapHandlers } from "../../src/app/bootstrap.ts";
import { Fault } from "../../src/contract/faults.ts";
import { createSessions } from "../../src/wire/sessions.ts";
import { check } from "../contract/responses.ts";
import { testCall } from "../support/call-context.ts";

const hello = { client_id: "", client_version: "", client_app_contract_major: 1, ephemeral: false };

function house(processAlive = () => true) {
  const sessions = createSessions(processAlive);
  return { sessions, handlers: bootstrapHandlers({ sessions, daemonVersion: "0.1.0", schemaVersion: 9, uid: 1000 }) };
}

const faultOf = (run: () => unknown): Fault => {
  try {
    run();
  } catch (error) {
    if (error instanceof Fault) return error;
    throw error;
  }
  throw new Error("nothing was refused");
};

test("preflight tells whether the daemon goes on", () => {
  const { handlers } = house();
  expect(handlers["app.preflight"](testCall())).toEqual({ socket_reachable: true, daemon_reachable: true, code: "ok" });
  const stopping = handlers["app.preflight"](testCall({ stopping: true }));
  expect(stopping).toEqual({ socket_reachable: true, daemon_reachable: false, code: "daemon_unavailable" });
});

test("hello issues a live session and names the versions", () => {
  const { sessions, handlers } = house();
  const result = handlers["app.hello"](testCall(), hello);
  check("app.hello", { ok: true, app_contract_version: "1.0", result });
  expect(result).toMatchObject({
    app_session_id: 1,
    daemon_version: "0.1.0",
    schema_version: 9,
    app_contract_version: "1.0",
    supported_minor_range: { min: "1.0", max: "1.0" },
    host_user_id: "1000",
    capability_flags: {},
    state: "ok",
  });
  expect(sessions.use(result.app_session_token)?.id).toBe(1);
  expect(handlers["app.hello"](testCall(), hello).app_session_id).toBe(2);
});

test("another major gets both numbers and no session", () => {
  const { handlers } = house();
  const fault = faultOf(() => handlers["app.hello"](testCall(), { ...hello, client_app_contract_major: 2 }));
  expect(fault.code).toBe("contract_major_unsupported");
  expect(fault.facts).toEqual({ client_major: 2 });
  expect(handlers["app.hello"](testCall(), hello).app_session_id).toBe(1);
});

test("the ninth hello of living processes is refused, ephemeral ones do not count", () => {
  const { handlers } = house();
  for (let n = 0; n < 8; n++) handlers["app.hello"](testCall(), hello);
  const fault = faultOf(() => handlers["app.hello"](testCall(), hello));
  expect(fault.facts).toEqual({ field: "app.hello", reason: "too_many_sessions" });
  expect(() => handlers["app.hello"](testCall(), { ...hello, ephemeral: true })).not.toThrow();
});

test("nine hellos of processes that are gone all succeed", () => {
  const { handlers } = house(() => false);
  for (let n = 1; n <= 9; n++) expect(handlers["app.hello"](testCall(), hello).app_session_id).toBe(n);
});

test("an ephemeral session ends with its connection", () => {
  const { sessions, handlers } = house();
  const call = testCall();
  const { app_session_token } = handlers["app.hello"](call, { ...hello, ephemeral: true });
  expect(sessions.use(app_session_token)).not.toBeNull();
  call.closed();
  expect(sessions.use(app_session_token)).toBeNull();
});
