/** Removes what a run made, whole or cut off anywhere: each thing by its recorded name or path, and by nothing broader. */
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { tryLock } from "../../src/daemon/lock.ts";
import { removeDockerBenches } from "./docker-benches.ts";
import { EngineApi, type EngineName } from "./engine-api.ts";
import type { DemoHome, DemoRecord } from "./home.ts";
import { stopHostAgents } from "./host-benches.ts";
import { stopPrivateEngine } from "./private-engine.ts";
import { towerOf } from "./tower.ts";

const DAEMON_END_MS = 10_000;
const POLL_MS = 20;

/**
 * @returns one line per thing removed, for people
 * @throws when something cannot be removed now: the record stays, so that a later call can finish
 */
export async function takeDown(home: DemoHome, record: DemoRecord): Promise<string[]> {
  const removed: string[] = [];
  if (record.executable !== undefined && (await stopDaemon(record.executable, home))) removed.push("daemon");
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

/** The lock says whether a daemon lives there; with the socket gone it may still be on its last lines. */
async function stopDaemon(executable: string, home: DemoHome): Promise<boolean> {
  const lock = join(home.stateDir, "agenttowerd.lock");
  const isAlive = () => {
    if (!existsSync(lock)) return false;
    const attempt = tryLock(lock);
    if (attempt.held) attempt.release();
    return !attempt.held;
  };
  if (!isAlive()) return false;
  await towerOf(executable, home, {}).stop();
  const until = performance.now() + DAEMON_END_MS;
  while (isAlive()) {
    if (performance.now() > until) throw new Error("the demo's daemon does not end");
    await Bun.sleep(POLL_MS);
  }
  return true;
}
