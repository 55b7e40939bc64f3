/** `app connect` (00 §2). */
import { runBridge } from "../bridge.ts";
import { command } from "../command.ts";
import { placeOf } from "../place.ts";

export const appConnect = command({
  name: "connect",
  summary: "Bridge for panels: NDJSON requests on stdin, answers on stdout, over one kept connection.",
  examples: [`echo '{"method":"app.preflight"}' | agenttower app connect`],
  notes: "Exit 0: input ended and the last answer is out. 3: no daemon answered.",
  async run(context) {
    const { socket } = placeOf(context);
    return await runBridge(socket.path, context.input(), context.out, context.clock);
  },
});
