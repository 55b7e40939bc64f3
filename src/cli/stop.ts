/** Stopping a daemon: asked, then seen to be gone (01 §14, §15). */
import { callOnce, connect } from "../wire/client.ts";
import { TransportFault } from "../wire/transport.ts";
import type { CliContext } from "./context.ts";
import { DAEMON_ERROR, UNREACHABLE } from "./exits.ts";
import { CommandFailure, refused, unreachable } from "./failure.ts";
import { READ_LIMITS } from "./place.ts";
import { withProgress } from "./render.ts";

const GONE_MS = 3000;
const POLL_MS = 50;
const PROBE_MS = 100;
const NOTHING_TO_STOP = { exit: UNREACHABLE, text: "no reachable daemon to stop" };
const STILL_THERE = "daemon acknowledged shutdown but socket is still reachable";

/** Stops the daemon behind a socket. @throws CommandFailure exit 2 nobody there, exit 3 refused or still there */
export async function stopDaemonAt(context: CliContext, socket: string, json: boolean): Promise<void> {
  const fault = await stopWhere(context, socket, json);
  if (fault) throw unreachable(fault, json, NOTHING_TO_STOP);
}

/** The same where none may run. @throws CommandFailure exit 3, and exit 2 where something does not answer */
export async function stopIfRunning(context: CliContext, socket: string, json: boolean): Promise<void> {
  const fault = await stopWhere(context, socket, json);
  const absent = fault?.kind === "socket_missing" || fault?.kind === "connection_refused";
  if (fault && !absent) throw unreachable(fault, json, NOTHING_TO_STOP);
}

/** @returns why nobody could be asked, or `null` when it is gone now */
async function stopWhere(context: CliContext, socket: string, json: boolean): Promise<TransportFault | null> {
  try {
    const envelope = await callOnce(socket, "shutdown", {}, READ_LIMITS);
    if (!envelope.ok) throw refused(envelope.error, "lifecycle", json, "text");
  } catch (error) {
    if (error instanceof TransportFault) return error;
    throw error;
  }
  await withProgress(context.err, "stopping", untilGone(context, socket, json));
  return null;
}

async function untilGone({ clock }: CliContext, socket: string, json: boolean): Promise<void> {
  const deadline = clock.monotonic() + GONE_MS;
  while (await reachable(socket)) {
    if (clock.monotonic() >= deadline) {
      const error = json ? { code: "internal_error", message: STILL_THERE } : null;
      throw new CommandFailure(DAEMON_ERROR, [`error: ${STILL_THERE}`], error);
    }
    await clock.sleep(POLL_MS);
  }
}

async function reachable(socket: string): Promise<boolean> {
  try {
    (await connect(socket, PROBE_MS)).close();
    return true;
  } catch (error) {
    if (!(error instanceof TransportFault)) throw error;
    // A full backlog is somebody still there.
    return error.kind === "connect_timeout";
  }
}
