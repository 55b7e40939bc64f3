/**
 * Answers as lines (01 §8, 06 §2): one JSON object and its `\n`, at most 8 MiB, never cut short. A message is one clean
 * line of bounded length.
 */
import { clean, cut, MESSAGE_CHARACTERS } from "../base/text.ts";
import type { AppRefusal } from "../contract/codes.ts";
import { APP_CONTRACT_VERSION, APP_MESSAGE_CHARACTERS, RESPONSE_BYTES } from "../contract/limits.ts";
import type { Refusal } from "./request.ts";

const APP_OK = `{"ok":true,"app_contract_version":${JSON.stringify(APP_CONTRACT_VERSION)},"result":`;
const APP_FAILED = `{"ok":false,"app_contract_version":${JSON.stringify(APP_CONTRACT_VERSION)},"error":`;
const LEGACY_OK = '{"ok":true,"result":';
const LEGACY_FAILED = '{"ok":false,"error":';

const tail = (id: string | null) => (id === null ? "}\n" : `,"id":${id}}\n`);

/**
 * The line of a result.
 * @param id JSON text to echo, or `null`
 * @returns `null` when the line would exceed 8 MiB
 * @throws TypeError when the result is no JSON
 */
export function successLine(app: boolean, result: unknown, id: string | null): string | null {
  const line = `${app ? APP_OK : LEGACY_OK}${JSON.stringify(result)}${tail(id)}`;
  return fits(line) ? line : null;
}

function fits(line: string): boolean {
  // A UTF-16 unit is one to three bytes: most lines need no counting.
  return (
    line.length * 3 <= RESPONSE_BYTES || (line.length <= RESPONSE_BYTES && Buffer.byteLength(line) <= RESPONSE_BYTES)
  );
}

/** The line of a refusal on its envelope. */
export function failureLine(refused: Refusal, id: string | null): string {
  if (refused.envelope === "legacy") {
    const error = { code: refused.code, message: oneLine(refused.message, MESSAGE_CHARACTERS) };
    return `${LEGACY_FAILED}${JSON.stringify(error)}${tail(id)}`;
  }
  const { code, message, details } = refused.refusal;
  const error = { code, message: oneLine(message, APP_MESSAGE_CHARACTERS), details };
  return `${APP_FAILED}${JSON.stringify(error)}${tail(id)}`;
}

function oneLine(text: string, max: number): string {
  return cut(clean(text).trim(), max);
}

/** Something unexpected; the story is in the daemon log. */
export function internalError(app: boolean): Refusal {
  const message = "internal error; the daemon log has the story";
  if (!app) return { envelope: "legacy", code: "internal_error", message };
  return appRefusal({ code: "internal_error", message, details: {} });
}

/** A refusal on the app envelope. */
export function appRefusal(refusal: AppRefusal): Refusal {
  return { envelope: "app", refusal };
}
