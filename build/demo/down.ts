/** Removes what a run made, whole or cut off anywhere: each thing by its recorded name or path, and by nothing broader. */
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { removeDockerBenches } from "./docker-benches.ts";
import { EngineApi, type EngineName } from "./engine-api.ts";
import type { DemoHome, DemoRecord } from "./home.ts";
import { stopHostAgents } from "./host-benches.ts";
import { stopPrivateEngine } from "./private-engine.ts";
import { towerOf } from "./tower.ts";

/**
 * @returns one line per thing removed, for people
 * @throws when something cannot be removed now: the record stays, so that a later call can finish
 */
export async function takeDown(home: DemoHome, record: DemoRecord): Promise<string[]> {
  const removed: string[] = [];
  if (record.executable !== undefined && existsSync(join(home.stateDir, "agenttowerd.sock"))) {
    if (await towerOf(record.executable, home, {}).stop()) removed.push("daemon");
  }
  if (record.tmuxSocket !== undefined && stopHostAgents(record.tmuxSocket)) removed.push("tmux server");
  if (record.engine !== undefined) removed.push(...(await removeBenches(record.engine, record)));
  if (record.privateEngine !== undefined && (await stopPrivateEngine(record.privateEngine))) {
    removed.push("private Docker Engine");
  }
  if (record.shortDir !== undefined) rmSync(record.shortDir, { recursive: true, force: true });
  rmSync(home.dir, { recursive: true, force: true });
  removed.push(home.dir);
  return removed;
}

async function removeBenches(address: EngineName, record: DemoRecord): Promise<string[]> {
  const engine = new EngineApi(address);
  const refusal = await engine.refusal();
  if (refusal === null) return removeDockerBenches(engine, record.id);
  // A private Engine that has ended leaves its containers in its folder only.
  if (record.privateEngine !== undefined) return [];
  throw new Error(`the Docker Engine with the demo's containers does not answer: ${refusal}`);
}
