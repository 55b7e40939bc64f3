/** `stop-daemon` and `daemon stop` (01 §14). */
import { command } from "../command.ts";
import type { CliContext } from "../context.ts";
import { OK } from "../exits.ts";
import { placeOf } from "../place.ts";
import { jsonLine, printable } from "../render.ts";
import { stopDaemonAt } from "../stop.ts";
import { JSON_OPTION } from "./ensure-daemon.ts";

export const stopDaemon = command({
  name: "stop-daemon",
  summary: "Stop the running daemon and wait until it is gone.",
  examples: ["agenttower stop-daemon"],
  options: { json: JSON_OPTION },
  run: (context, { json }) => stop(context, json),
});

export async function stop(context: CliContext, json: boolean): Promise<number> {
  const { paths, socket } = placeOf(context);
  await stopDaemonAt(context, socket.path, json);
  context.out.write(
    json
      ? jsonLine({ ok: true, stopped: true, socket_path: socket.path, state_path: paths.stateDir })
      : `agenttowerd stopped: socket=${printable(socket.path)} state=${printable(paths.stateDir)}\n`,
  );
  return OK;
}
