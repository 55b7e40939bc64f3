/** `daemon` and what belongs to it (00 §2). */
import { command, type LoadCommand } from "../command.ts";
import { JSON_OPTION } from "./ensure-daemon.ts";

const children: Record<string, LoadCommand> = {
  start: async () => {
    const { ensure } = await import("./ensure-daemon.ts");
    return command({
      name: "start",
      summary: "Start the daemon in the background; create what is missing first.",
      examples: ["agenttower daemon start"],
      options: { json: JSON_OPTION },
      run: (context, { json }) => ensure(context, json, "create what is missing"),
    });
  },
  stop: async () => {
    const { stop } = await import("./stop-daemon.ts");
    return command({
      name: "stop",
      summary: "Stop the running daemon and wait until it is gone.",
      examples: ["agenttower daemon stop"],
      options: { json: JSON_OPTION },
      run: (context, { json }) => stop(context, json),
    });
  },
  status: async () => {
    const { showStatus } = await import("./status.ts");
    return command({
      name: "status",
      summary: "Show what the running daemon is and how its workers are.",
      examples: ["agenttower daemon status --json"],
      options: { json: JSON_OPTION },
      run: (context, { json }) => showStatus(context, json),
    });
  },
  restart: async () => {
    const { ensure } = await import("./ensure-daemon.ts");
    const { stopIfRunning } = await import("../stop.ts");
    const { pathsOf } = await import("../place.ts");
    return command({
      name: "restart",
      summary: "Stop the daemon where one runs, then start it.",
      examples: ["agenttower daemon restart"],
      options: { json: JSON_OPTION },
      async run(context, { json }) {
        // Start always means the host default path, so stop does too.
        await stopIfRunning(context, pathsOf(context).socket, json);
        return await ensure(context, json, "create what is missing");
      },
    });
  },
  logs: async () => (await import("./daemon-logs.ts")).daemonLogs,
};

export const daemon = command({
  name: "daemon",
  summary: "Run the daemon in the foreground until it is stopped.",
  examples: ["agenttower daemon", "agenttower daemon --json --exit-with-parent"],
  notes: "Creates configuration and registry when they are missing.",
  options: {
    json: { type: "boolean", summary: "print one line of JSON once ready" },
    "exit-with-parent": { type: "boolean", summary: "stop when standard input closes" },
  },
  children,
  async run(_context, { json, "exit-with-parent": exitWithParent }) {
    const { runForeground } = await import("../../daemon/foreground.ts");
    return await runForeground({ command: "daemon", json, exitWithParent });
  },
});
