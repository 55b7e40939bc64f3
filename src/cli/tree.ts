/** The command tree (01 §14, 00 §2). Every command is loaded when it is asked for. */
import { group } from "./command.ts";

export const root = group({
  name: "agenttower",
  summary: "The control tower for terminal coding agents in tmux panes of Docker benches.",
  examples: ["agenttower daemon start", "agenttower scan --containers --panes", "agenttower status"],
  notes: "Every command has --help. Put -- before arguments that start with a dash.",
  alone: "usage",
  children: {
    config: async () =>
      group({
        name: "config",
        summary: "Paths, first setup and diagnosis.",
        examples: ["agenttower config init"],
        alone: "usage",
        children: {
          paths: async () => (await import("./commands/config-paths.ts")).configPaths,
          init: async () => (await import("./commands/config-init.ts")).configInit,
          doctor: async () => (await import("./commands/config-doctor.ts")).configDoctor,
        },
      }),
    "ensure-daemon": async () => (await import("./commands/ensure-daemon.ts")).ensureDaemon,
    status: async () => (await import("./commands/status.ts")).status,
    "stop-daemon": async () => (await import("./commands/stop-daemon.ts")).stopDaemon,
    scan: async () => (await import("./commands/scan.ts")).scan,
    "list-containers": async () => (await import("./commands/list-containers.ts")).listContainers,
    "list-panes": async () => (await import("./commands/list-panes.ts")).listPanes,
    daemon: async () => (await import("./commands/daemon.ts")).daemon,
    app: async () =>
      group({
        name: "app",
        summary: "The app.* contract for panels and scripts.",
        examples: ["agenttower app call app.dashboard", "agenttower app methods"],
        alone: "usage",
        children: {
          call: async () => (await import("./commands/app-call.ts")).appCall,
          connect: async () => (await import("./commands/app-connect.ts")).appConnect,
          methods: async () => (await import("./commands/app-methods.ts")).appMethodTable,
          schema: async () => (await import("./commands/app-schema.ts")).appSchema,
        },
      }),
    completion: async () => (await import("./commands/completion.ts")).completion,
    complete: async () => (await import("./commands/complete.ts")).complete,
  },
});
