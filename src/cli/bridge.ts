/**
 * The bridge for panels (00 §2 `app connect`): lines in, answers out, over one kept connection, in order. A line gets
 * `keep_alive` and nothing else; a connection that the daemon ended is opened anew for the next line.
 */
import type { Clock } from "../base/clock.ts";
import { type ClientConnection, connect, parseEnvelope } from "../wire/client.ts";
import { localEnvelope, TransportFault, type TransportKind } from "../wire/transport.ts";
import { APP_UNANSWERED, OK } from "./exits.ts";
import { linesOf } from "./input.ts";
import type { Output } from "./output.ts";

const CONNECT_MS = 1000;
/** Longer than any method works; `queue.send_input` may be told to wait 300 s. */
const ANSWER_MS = 330_000;
/** Once no daemon answers, lines that are already on their way get their envelope within this. */
const WAITING_MS = 100;

/** Runs until input ends or no daemon answers. @returns the exit code */
export async function runBridge(
  socket: string,
  input: AsyncIterable<Uint8Array>,
  out: Output,
  clock: Clock,
): Promise<number> {
  const lines = linesOf(input);
  let connection: ClientConnection | null = null;
  /** The daemon has taken a line of this connection for one that keeps it. */
  let kept = false;
  try {
    for (;;) {
      const next = await lines.next();
      if (next.done) return OK;
      try {
        if (!connection?.usable) {
          connection = await connect(socket, CONNECT_MS);
          kept = false;
        }
        const answer: string = await connection.exchange(withKeepAlive(next.value), ANSWER_MS);
        const ending: Ending = endingOf(parseEnvelope(socket, answer), kept);
        out.write(`${answer}\n`);
        await out.flush();
        if (ending === "kept") kept = true;
        else if (ending === "closing") connection.close();
      } catch (error) {
        if (!(error instanceof TransportFault)) throw error;
        answerLocally(out, next.value, error.kind);
        await answerWaiting(lines, out, error.kind, clock);
        return APP_UNANSWERED;
      }
    }
  } finally {
    connection?.close();
  }
}

type Ending = "kept" | "closing" | "as it was";
type Answer = ReturnType<typeof parseEnvelope>;

/** Refusals of a line as such. Nothing of it was read, so neither was its `keep_alive`. */
const UNREAD = new Set(["malformed_request", "bad_json", "bad_request"]);
const OVERSIZED = new Set(["payload_too_large", "request_too_large"]);

/**
 * What the daemon does with the connection after an answer (06 §1): it closes after an oversized line and a NUL, and after any line
 * it could not read unless an earlier one asked it to stay.
 */
function endingOf(answer: Answer, kept: boolean): Ending {
  if (answer.ok) return "kept";
  const { code, details } = answer.error;
  if (OVERSIZED.has(code) || details["reason"] === "embedded NUL") return "closing";
  if (!UNREAD.has(code)) return "kept";
  return kept ? "as it was" : "closing";
}

/** Lines that wait behind the one that failed. */
async function answerWaiting(
  lines: AsyncGenerator<Uint8Array, void>,
  out: Output,
  kind: TransportKind,
  clock: Clock,
): Promise<void> {
  const over = new AbortController();
  try {
    for (;;) {
      const pause = clock.sleep(WAITING_MS, over.signal).then(
        () => null,
        () => null,
      );
      const next = await Promise.race([lines.next(), pause]);
      if (next === null || next.done) break;
      answerLocally(out, next.value, kind);
    }
  } finally {
    over.abort();
  }
  await out.flush();
}

function answerLocally(out: Output, line: Uint8Array, kind: TransportKind): void {
  const { method, id } = headOf(line);
  out.write(`${JSON.stringify({ ...localEnvelope(method, kind), ...(id === undefined ? {} : { id }) })}\n`);
}

/** What the envelope made here needs of a line; a line without a method is answered like any app method's. */
function headOf(line: Uint8Array): { method: string; id?: string | number } {
  try {
    const value: unknown = JSON.parse(Buffer.from(line).toString("utf8"));
    if (typeof value !== "object" || value === null) return { method: "app." };
    const method = "method" in value && typeof value.method === "string" ? value.method : "app.";
    const id = "id" in value ? value.id : undefined;
    return typeof id === "string" || typeof id === "number" ? { method, id } : { method };
  } catch {
    return { method: "app." }; // no JSON: nobody will tell the client better
  }
}

const OPEN = 0x7b;
const CLOSE = 0x7d;
const BLANKS = new Set([0x20, 0x09, 0x0d]);
const KEEP_ALIVE = Buffer.from('"keep_alive":true');
const COMMA = Buffer.from(",");

/**
 * The line with `"keep_alive":true` as its last key, so that it is the one that counts; the bytes before it stay as they are. What
 * is no object is passed on untouched, and the daemon says so.
 */
export function withKeepAlive(line: Uint8Array): Uint8Array {
  let start = 0;
  let end = line.length - 1;
  while (start < line.length && BLANKS.has(line[start] ?? 0)) start++;
  while (end >= 0 && BLANKS.has(line[end] ?? 0)) end--;
  if (end <= start || line[start] !== OPEN || line[end] !== CLOSE) return line;
  let inner = end - 1;
  while (BLANKS.has(line[inner] ?? 0)) inner--;
  const empty = inner === start;
  return Buffer.concat([line.subarray(0, end), ...(empty ? [] : [COMMA]), KEEP_ALIVE, line.subarray(end)]);
}
