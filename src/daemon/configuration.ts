/** The configuration as a starting daemon reads it: `[events]` decides over the start, the rest is warned about (01 §3). */
import { ConfigFault, readTables } from "../config/config-file.ts";
import { type DaemonConfig, daemonConfig } from "../config/daemon-config.ts";
import { RuleFault, ruleOf } from "../discovery/rule.ts";
import { StartFailure } from "./start-failure.ts";

/** The part of the daemon log that is used here. */
export type WarningLog = {
  write(event: "config_warning", fields: { path: string; key: string; reason: string }): void;
};

const HOST_WARNING = "the host is a bench: prompts can be typed into this user's own tmux panes";

/**
 * Reads the file once. Each part that is not used becomes one `config_warning` line; so does an enabled host bench, which a
 * person at a terminal is told as well (00 §7).
 * @param tell one line for standard error
 * @throws StartFailure `config invalid: <path>: <reason>`, exit 1
 */
export function readStartConfig(path: string, log: WarningLog, tell: (line: string) => void): DaemonConfig {
  try {
    const tables = readTables(path);
    const config = daemonConfig(tables, path);
    for (const warning of config.warnings) log.write("config_warning", warning);
    if (hostEnabled(tables)) {
      log.write("config_warning", { path, key: "host.enabled", reason: HOST_WARNING });
      tell(`warning: host.enabled: ${HOST_WARNING}`);
    }
    return config;
  } catch (error) {
    if (error instanceof ConfigFault) throw new StartFailure(1, error.message);
    throw error;
  }
}

/** A bad `[host]` or `[containers]` block does not stop the daemon; every container scan says `config_invalid` instead. */
function hostEnabled(tables: Parameters<typeof ruleOf>[0]): boolean {
  try {
    return ruleOf(tables).hostSockets !== null;
  } catch (error) {
    if (error instanceof RuleFault) return false;
    throw error;
  }
}
