/** `ensure-daemon` and `daemon start` (01 §14, 00 §2). */
import { command } from "../command.ts";
import type { CliContext } from "../context.ts";
import { thisMachine } from "../detach.ts";
import { OK } from "../exits.ts";
import { CommandFailure } from "../failure.ts";
import { type Place, placeOf } from "../place.ts";
import { jsonLine, printable, withProgress } from "../render.ts";
import { setUp } from "../setup.ts";
import { cannotStart, type Started, startDaemon } from "../start-daemon.ts";

export const JSON_OPTION = { type: "boolean", summary: "print JSON" } as const;

export const ensureDaemon = command({
  name: "ensure-daemon",
  summary: "Start the daemon unless it answers already.",
  examples: ["agenttower ensure-daemon --json"],
  options: { json: JSON_OPTION },
  run: (context, { json }) => ensure(context, json, "registry must exist"),
});

/** Starts a daemon and prints the outcome. @throws CommandFailure */
export async function ensure(
  context: CliContext,
  json: boolean,
  setup: "registry must exist" | "create what is missing",
): Promise<number> {
  const place = placeOf(context, "starting");
  const { started, pid } = await asAsked(json, () => startAt(context, place, setup));
  const { socket, stateDir } = place.paths;
  context.out.write(
    json
      ? jsonLine({ ok: true, started, pid, socket_path: socket, state_path: stateDir })
      : `agenttowerd ready: pid=${pid ?? "?"} socket=${printable(socket)} state=${printable(stateDir)}\n`,
  );
  return OK;
}

/** Starts a daemon at the host default path. @throws CommandFailure */
export async function startAt(
  context: CliContext,
  { paths }: Place,
  setup: "registry must exist" | "create what is missing",
): Promise<Started> {
  if (
    !context.files.exists(paths.stateDb) ||
    (setup === "create what is missing" && !context.files.exists(paths.configFile))
  ) {
    if (setup === "registry must exist")
      throw cannotStart("agenttower is not initialized: run `agenttower config init`");
    await setUp(context.clock, paths);
  }
  return await withProgress(context.err, "starting the daemon", startDaemon(await thisMachine(context, paths)));
}

/** Text goes to stderr in any case; the error object to stdout only for those who asked for JSON (01 §17). */
async function asAsked<T>(json: boolean, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof CommandFailure && !json) throw new CommandFailure(error.exit, error.lines);
    throw error;
  }
}
