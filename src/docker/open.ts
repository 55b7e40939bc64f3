/** The Docker side of discovery as one pair: calls to the Engine, and programs in its containers. */
import type { Bench } from "../base/bench.ts";
import type { Clock } from "../base/clock.ts";
import type { Engine } from "../base/engine.ts";
import { dockerBench } from "./bench.ts";
import { engineClients } from "./client.ts";
import type { Env } from "./endpoint.ts";
import { dockerEngine } from "./engine.ts";
import { createExecRecord } from "./exec-record.ts";

/**
 * Connects to nothing yet; the Engine that `env` names is looked for at every use (02 §2).
 * @param env the daemon's environment, as it was at its start
 * @param systemSocket where the system's Engine listens; `/var/run/docker.sock` unless told otherwise
 */
export function openDocker(env: Env, clock: Clock, systemSocket?: string): { engine: Engine; bench: Bench } {
  const client = engineClients(env, systemSocket);
  const record = createExecRecord(clock);
  return { engine: dockerEngine(client, record, clock), bench: dockerBench(client, record, clock) };
}
