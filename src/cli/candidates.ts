/** Values that completion offers (00 §2). Whatever goes wrong, there are none; a key press must not print errors. */
import type { Candidate } from "./command.ts";
import type { CliContext } from "./context.ts";
import { placeOf } from "./place.ts";

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
    return answer.ok ? answer.result.containers.map(({ name, image }) => ({ value: name, summary: image })) : [];
  } catch {
    return []; // no daemon, no names
  }
}
