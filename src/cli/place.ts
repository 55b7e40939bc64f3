/** Where this invocation's daemon is, and calls to it with the outcome of the command's family (01 §10, §15). */

import { NoHome, type Paths, resolvePaths } from "../config/paths.ts";
import { BadSocketOverride, resolveSocket, type SocketChoice } from "../config/socket.ts";
import type { MethodName } from "../contract/methods.ts";
import { type CallLimits, callOnce, type ParamsIn, type ResultOut } from "../wire/client.ts";
import { TransportFault } from "../wire/transport.ts";
import type { CliContext } from "./context.ts";
import type { Family } from "./exits.ts";
import { PREFLIGHT } from "./exits.ts";
import { preflightFailure, refused, unreachable } from "./failure.ts";
import { withProgress } from "./render.ts";

export type Place = { paths: Paths; socket: SocketChoice };

/** One deadline per call, connecting included (01 §15, §17). */
export const READ_LIMITS: CallLimits = { connectMs: 1000, totalMs: 5000 };
export const CONTAINER_SCAN_LIMITS: CallLimits = { connectMs: 1000, totalMs: 15_000 };
export const PANE_SCAN_LIMITS: CallLimits = { connectMs: 1000, totalMs: 30_000 };

/** Paths of this user. @throws CommandFailure exit 1 */
export function pathsOf(context: CliContext): Paths {
  try {
    return resolvePaths(context.env);
  } catch (error) {
    if (error instanceof NoHome) throw preflightFailure(PREFLIGHT, error.message);
    throw error;
  }
}

/**
 * Paths and socket.
 * @param starting the caller is about to start the daemon: an override that names the missing default socket is no error
 * @throws CommandFailure exit 1
 */
export function placeOf(context: CliContext, starting: "starting" | null = null): Place {
  const paths = pathsOf(context);
  try {
    const socket = resolveSocket(context.env, paths, context.files, starting ? paths.socket : undefined);
    return { paths, socket };
  } catch (error) {
    if (error instanceof BadSocketOverride) throw preflightFailure(PREFLIGHT, error.message);
    throw error;
  }
}

export type AskOptions = {
  family: Family;
  json: boolean;
  limits: CallLimits;
  /** Shown on a terminal when it takes long. */
  progress: string;
  /** Error text goes to stderr even with `--json` (01 §13). */
  always?: "text";
  /** The fixed line of an unreachable daemon, where a command has its own. */
  unreachable?: { exit: number; text: string };
};

/** Calls a method. @throws CommandFailure when nobody answers or the daemon refuses */
export async function ask<N extends MethodName>(
  context: CliContext,
  socket: string,
  name: N,
  params: ParamsIn<N>,
  options: AskOptions,
): Promise<ResultOut<N>> {
  try {
    const call = callOnce(socket, name, params, options.limits);
    const envelope = await withProgress(context.err, options.progress, call);
    if (envelope.ok) return envelope.result;
    throw refused(envelope.error, options.family, options.json, options.always ?? null);
  } catch (error) {
    if (error instanceof TransportFault) throw unreachable(error, options.json, options.unreachable);
    throw error;
  }
}
