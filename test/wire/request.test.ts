import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { APP_LINE_BYTES, LEGACY_LINE_BYTES } from "../../src/contract/limits.ts";
import { readRequest } from "../../src/wire/request.ts";

const bytes = (text: string | Uint8Array) => (typeof text === "string" ? new Uint8Array(Buffer.from(text)) : text);
const read = (text: string | Uint8Array) => readRequest({ kind: "line", bytes: bytes(text) });
const latin = (text: string) => new Uint8Array(Buffer.from(text, "latin1"));

/** Envelope, code and, on the app envelope, reason. */
function refusalOf(result: ReturnType<typeof readRequest>) {
  if (result.kind !== "refused") return "served";
  if (result.refusal.envelope === "legacy") return `legacy ${result.refusal.code}`;
  const { code, details } = result.refusal.refusal;
  return `app ${code}${"reason" in details ? `: ${details.reason}` : ""}`;
}

const APP = '{"method":"app.dashboard"';
const DEEP = 100_000;

describe("every row of the tables, first failure answers", () => {
  test.each<[string | Uint8Array, string]>([
    ["", "app malformed_request: empty line"],
    ['{"method":"ping"}\r', "app malformed_request: stray CR"],
    [`${APP}}\r`, "app malformed_request: stray CR"],
    ["\r", "app malformed_request: stray CR"],
    ["\r\0", "app malformed_request: stray CR"],
    ['{"method":"ping"}\0', "app malformed_request: embedded NUL"],
    ["\0\xff", "app malformed_request: embedded NUL"],
    [latin('{"method":"ping","x":"\xff"}'), "legacy bad_json"],
    [latin(`${APP},"x":"\xc3"}`), "app malformed_request: invalid utf-8"],
    [latin(`${APP},"x":"\xed\xa0\x80"}`), "app malformed_request: invalid utf-8"],
    ["   \t", "legacy bad_json"],
    ["hello", "legacy bad_json"],
    ['\ufeff{"method":"ping"}', "legacy bad_json"],
    ['{"method":"ping"', "legacy bad_json"],
    ['{"method":"ping","x":NaN}', "legacy bad_json"],
    ['{"method":"ping","x":-Infinity}', "legacy bad_json"],
    [`${APP},"x":NaN}`, "app malformed_request: json decode error"],
    [APP, "app malformed_request: json decode error"],
    ["{'method':'app.x'}", "legacy bad_json"],
    ["nullx", "legacy bad_json"],
    ["{]}", "legacy bad_json"],
    ['{"method":"ping"}x', "legacy bad_request"],
    ['{"method":"ping"}{"method":"app.dashboard"}', "legacy bad_request"],
    ['{"method":"app.dashboard"}{"method":"ping"}', "app malformed_request: trailing content"],
    [`${APP}} ,`, "app malformed_request: trailing content"],
    ["1 2", "legacy bad_request"],
    ['"app." x', "legacy bad_request"],
    ["[]", "legacy bad_request"],
    ["null", "legacy bad_request"],
    ["1e999", "legacy bad_request"],
    ['"method"', "legacy bad_request"],
    ["{}", "legacy bad_request"],
    ['{"method":""}', "legacy bad_request"],
    ['{"method":1}', "legacy bad_request"],
    ['{"method":["app.x"]}', "legacy bad_request"],
    ['{"__proto__":{"method":"ping"}}', "legacy bad_request"],
    ['{"method":"ping","params":null}', "legacy bad_request"],
    ['{"method":"ping","params":[]}', "legacy bad_request"],
    ['{"method":"nope","params":1}', "legacy bad_request"],
    ['{"method":"ping"}', "served"],
    [' {"method":"ping"} \t', "served"],
    ['{"method":"ping","x":{"y":[]}}', "served"],
    ['{"method":"app.x","params":[]}', "served"],
    ['{"method":"app.x","params":null}', "served"],
    ['{"method":"ping","method":"app.x","x":"\\ud800"}', "served"],
    [`{"method":"ping","x":${"[".repeat(15_000)}${"]".repeat(15_000)}}`, "served"],
    [`{"method":"app.x","x":${"[".repeat(DEEP)}${"]".repeat(DEEP)}}`, "served"],
    ["[".repeat(60_000), "legacy bad_json"],
  ])("%#: %s -> %s", (line, expected) => {
    expect(refusalOf(read(line))).toBe(expected);
  });

  test("the stream's own refusals", () => {
    const unterminated = (text: string) => readRequest({ kind: "unterminated", bytes: bytes(text) });
    expect(refusalOf(unterminated('{"method":"ping"}'))).toBe("legacy bad_request");
    expect(refusalOf(unterminated("\0\r"))).toBe("legacy bad_request");
    expect(refusalOf(unterminated(APP))).toBe("app malformed_request: missing newline terminator");
    expect(refusalOf(readRequest({ kind: "oversize", app: false, observedBytes: 70_000 }))).toBe(
      "legacy request_too_large",
    );
    const payload = readRequest({ kind: "oversize", app: true, observedBytes: 1_048_577 });
    expect(payload.kind === "refused" && payload.refusal).toMatchObject({
      refusal: {
        code: "payload_too_large",
        details: { size_limit_bytes: APP_LINE_BYTES, actual_size_bytes: 1_048_577 },
      },
    });
  });

  test("only an oversized line, a NUL and a missing newline end the stream", () => {
    const fatal = (result: ReturnType<typeof readRequest>) => result.kind === "refused" && result.fatal;
    expect(["", "\r", "x", "{} x", "[]"].map((line) => fatal(read(line)))).toEqual([false, false, false, false, false]);
    expect(fatal(read("\0"))).toBe(true);
    expect(fatal(read("\r\0"))).toBe(true);
    expect(fatal(readRequest({ kind: "unterminated", bytes: bytes("x") }))).toBe(true);
    expect(fatal(readRequest({ kind: "oversize", app: true, observedBytes: 9 }))).toBe(true);
  });

  test("a long line whose last method is a legacy one keeps the legacy cap", () => {
    const line = `{"method":"app.x","pad":"${"x".repeat(LEGACY_LINE_BYTES)}","method":"ping"}`;
    expect(refusalOf(read(line))).toBe("legacy request_too_large");
  });

  test("whatever arrives is read or refused, never thrown", () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.uint8Array({ maxLength: 200 }), fc.json().map(bytes), fc.string({ unit: "binary" }).map(bytes)),
        (line) => {
          expect(["request", "refused"]).toContain(read(line).kind);
        },
      ),
      { numRuns: 2000 },
    );
  });
});

describe("what a request says about itself", () => {
  test("name, params, envelope and keep_alive", () => {
    expect(read('{"method":"app.x","params":{"a":1},"keep_alive":true}')).toEqual({
      kind: "request",
      name: "app.x",
      app: true,
      params: { a: 1 },
      keepAlive: true,
      id: null,
    });
    expect(read('{"method":"ping","keep_alive":"true"}')).toMatchObject({
      app: false,
      params: undefined,
      keepAlive: false,
    });
  });

  test.each([
    ['"a"', '"a"'],
    ['"\\ud83d\\ude00\\n"', '"😀\\n"'],
    ['""', '""'],
    [`"${"x".repeat(64)}"`, `"${"x".repeat(64)}"`],
    [`"${"😀".repeat(64)}"`, `"${"😀".repeat(64)}"`],
    [`"${"x".repeat(65)}"`, null],
    ["7", "7"],
    ["-7", "-7"],
    ["0", "0"],
    ["12345678901234567890123", "12345678901234567890123"],
    ["9".repeat(64), "9".repeat(64)],
    ["9".repeat(65), null],
    ["1.5", null],
    ["1e999", null],
    ["true", null],
    ["null", null],
    ["[1]", null],
    ["{}", null],
  ])("id %s is echoed as %s", (id, echo) => {
    expect(read(`{"method":"ping","id":${id}}`)).toMatchObject({ kind: "request", id: echo });
  });

  test("refusals of decoded lines carry id and keep_alive", () => {
    expect(read('{"method":"","id":"a","keep_alive":true}')).toMatchObject({
      kind: "refused",
      id: '"a"',
      keepAlive: true,
    });
    expect(read('{"method":"ping","id":3} x')).toMatchObject({ kind: "refused", id: "3" });
    expect(read('{"id":3')).toMatchObject({ kind: "refused", id: null });
  });
});
