/** `app call` (00 §2): one call for scripts and panels; stdout is always the envelope, as one JSON line. */
import { VERSION } from "../../base/version.ts";
import { isAppName, methodOf } from "../../contract/methods.ts";
import { type CallLimits, connect, exchangeOnce, parseEnvelope, requestLine } from "../../wire/client.ts";
import { localEnvelope, TransportFault } from "../../wire/transport.ts";
import { methodNames } from "../candidates.ts";
import { command } from "../command.ts";
import type { CliContext } from "../context.ts";
import { APP_REFUSED, APP_UNANSWERED, OK } from "../exits.ts";
import { CommandFailure, UsageFault } from "../failure.ts";
import { readFileArgument, readStream } from "../input.ts";
import { placeOf } from "../place.ts";
import { safeJson, withProgress } from "../render.ts";
import { startAt } from "./ensure-daemon.ts";

/** A scan that is waited for takes up to 30 s (06 §7); no method takes longer unless it is told to. */
const LIMITS: CallLimits = { connectMs: 1000, totalMs: 60_000 };

export const appCall = command({
  name: "call",
  summary: "Call one method and print the whole answer as one JSON line.",
  examples: [
    "agenttower app call app.dashboard --pretty",
    `agenttower app call app.pane.list '{"limit": 10}'`,
    "agenttower app call app.container.list @params.json",
  ],
  notes:
    "Exit 0: ok. 1: the daemon refused. 2: wrong usage. 3: no daemon answered; the line is then made here.\n" +
    "A session is opened for the call unless AGENTTOWER_APP_SESSION or --session names one.",
  options: {
    pretty: { type: "boolean", summary: "indent the answer" },
    session: { type: "string", summary: "file with the session token to use", hint: "@FILE" },
    start: { type: "boolean", summary: "start the daemon first if none answers" },
  },
  positionals: {
    METHOD: { summary: "an app.* or legacy method", required: true, candidates: methodNames },
    PARAMS: { summary: "a JSON object, @FILE, or - for standard input", required: false },
  },
  async run(context, { METHOD: method, PARAMS, pretty, session, start }) {
    const params = parseParams(await paramsText(context, PARAMS));
    const token = sessionToken(context, session);
    const place = placeOf(context, start ? "starting" : null);
    if (start) {
      // If that fails, its lines say why, and the call below gives the envelope.
      await startAt(context, place, "create what is missing").catch((error: unknown) => {
        if (!(error instanceof CommandFailure)) throw error;
        context.err.write(error.lines.map((line) => `${line}\n`).join(""));
      });
    }
    const print = (line: string): void =>
      context.out.write(`${safeJson(pretty ? JSON.stringify(JSON.parse(line), null, 2) : line)}\n`);
    try {
      const work = exchange(place.socket.path, method, params, token);
      const line = await withProgress(context.err, `calling ${method.slice(0, 64)}`, work);
      print(line);
      return parseEnvelope(place.socket.path, line).ok ? OK : APP_REFUSED;
    } catch (error) {
      if (!(error instanceof TransportFault)) throw error;
      print(JSON.stringify(localEnvelope(method, error.kind)));
      return APP_UNANSWERED;
    }
  },
});

async function paramsText(context: CliContext, given: string | undefined): Promise<string> {
  if (given === undefined) return "{}";
  if (given === "-") return await readStream(context.input(), "PARAMS");
  return given.startsWith("@") ? readFileArgument(given.slice(1), "PARAMS") : given;
}

function parseParams(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return { ...value };
  } catch {
    throw new UsageFault("PARAMS is not JSON");
  }
  throw new UsageFault("PARAMS is not a JSON object");
}

/** The token to reuse, if any. One on the command line would show in `ps`. */
function sessionToken(context: CliContext, option: string | undefined): string | null {
  if (option === undefined) return context.env["AGENTTOWER_APP_SESSION"]?.trim() || null;
  if (!option.startsWith("@")) throw new UsageFault("option --session names a file: --session=@FILE");
  return readFileArgument(option.slice(1), "the session file").trim();
}

/** A method that this build does not know may be a newer daemon's, and those need sessions. */
function needsSession(method: string): boolean {
  const declared = Object.hasOwn(Object.prototype, method) ? undefined : methodOf(method);
  return declared ? declared.session : isAppName(method);
}

/** @returns the line of the answer, or that of a refused `app.hello` @throws TransportFault */
async function exchange(
  socket: string,
  method: string,
  params: Record<string, unknown>,
  token: string | null,
): Promise<string> {
  const wanted = needsSession(method) && !Object.hasOwn(params, "app_session_token");
  if (!wanted) return checked(socket, await exchangeOnce(socket, requestLine(method, params, {}), LIMITS));
  if (token !== null) {
    const line = requestLine(method, { ...params, app_session_token: token }, {});
    return checked(socket, await exchangeOnce(socket, line, LIMITS));
  }
  const connection = await connect(socket, LIMITS.connectMs);
  try {
    const hello = { client_id: "agenttower app call", client_version: VERSION, ephemeral: true };
    const greeting = await connection.exchange(requestLine("app.hello", hello, { keepAlive: true }), LIMITS.totalMs);
    const answer = parseEnvelope(socket, greeting);
    if (!answer.ok) return greeting;
    const line = requestLine(method, { ...params, app_session_token: answer.result["app_session_token"] }, {});
    return checked(socket, await connection.exchange(line, LIMITS.totalMs));
  } finally {
    connection.close();
  }
}

/** @throws TransportFault when it is no envelope: then it is not printed */
function checked(socket: string, line: string): string {
  parseEnvelope(socket, line);
  return line;
}
