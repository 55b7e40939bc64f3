/** The id of the host bench: stable, and shaped as a container's (00 §7). */
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";

export type HostFacts = { machineIdFile: string; hostName: string; uid: number };

/** @returns 64 hex digits: SHA-256 of `agenttower-host:` + machine id, else host name, + `:` + uid */
export function hostBenchId({ machineIdFile, hostName, uid }: HostFacts): string {
  const machineId = existsSync(machineIdFile) ? readFileSync(machineIdFile, "utf8").trim() : "";
  return createHash("sha256")
    .update(`agenttower-host:${machineId || hostName}:${uid}`)
    .digest("hex");
}
