/** Values that completion offers (00 §2). Whatever goes wrong, there are none; a key press must not print errors. */
import type { Candidate } from "./command.ts";
import type { CliContext } from "./context.ts";
import { placeOf } from "./place.ts";
import { printable } from "./render.ts";

/** What an Engine allows as a name. */
const PLAIN_NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]*$/;
/** A key press waits for the daemon at most this long. */
const ASK_LIMITS = { connectMs: 200, totalMs: 500 };

/** Names of every method in the table. */
export async function methodNames(): Promise<Candidate[]> {
  const { methods } = await import("../contract/methods.ts");
  return Object.entries(methods).map(([value, { summary }]) => ({ value, summary }));
}

/** Names of active benches, from the daemon. */
export async function containerNames(context: CliContext): Promise<Candidate[]> {
  const { callOnce } = await import("../wire/client.ts");
  try {
    const { socket } = placeOf(context);
    const answer = await callOnce(socket.path, "list_containers", { active_only: true }, ASK_LIMITS);
    if (!answer.ok) return [];
    // What would have to be quoted goes to no shell.
    const named = answer.result.containers.filter(({ name }) => PLAIN_NAME.test(name));
    return named.map(({ name, image }) => ({ value: name, summary: printable(image) }));
  } catch {
    return []; // no daemon, no names
  }
}
