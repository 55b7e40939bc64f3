/**
 * Discovery without being asked (02 §11): Engine events and a light pass find changed containers, notifications of links find
 * changed servers, and now and then all panes are looked at. Nothing is recorded that says nothing new.
 */
import { BenchFault } from "../base/bench.ts";
import type { Clock } from "../base/clock.ts";
import { Fault } from "../contract/faults.ts";
import { type BackgroundPlan, createBackgroundPlan } from "./background-plan.ts";
import { pause } from "./engine-watch.ts";

export type BackgroundDeps = {
  clock: Clock;
  /** The list as one text; unlike the last one means a change. Failures of rule and Engine are texts too. */
  lightPass(): Promise<string>;
  /** `isPartial`: the Engine did not tell all. @throws Fault when nothing was reconciled */
  scanContainers(): Promise<{ changedIds: string[]; isPartial: boolean }>;
  /** @param isAnew ask for uid and sockets again. @throws Fault */
  scanPanes(ids: readonly string[] | null, isAnew: boolean): Promise<{ isTurned: boolean; serverlessIds: string[] }>;
  /** Background discovery is on, or off. */
  onSwitch(isOn: boolean): void;
  onBug(error: unknown): void;
};

export type Background = {
  /** The interval as a rule that was read says; 0: off. */
  setInterval(seconds: number): void;
  /** The Engine told of a change, or may have while nobody listened. */
  engineChanged(): void;
  /** A linked server told of a change, or its link is gone. */
  serverChanged(containerId: string): void;
  /** Works until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
};

/** After a bug the loop rests, so that it cannot spin. */
const BUG_REST_MS = 5000;

export function createBackground(deps: BackgroundDeps): Background {
  const { clock } = deps;
  const plan: BackgroundPlan = createBackgroundPlan();
  let wake: () => void = () => undefined;
  let seen: string | null = null;

  const tell = (change: (now: number) => void): void => {
    change(clock.monotonic());
    wake();
  };

  /** @returns the containers that changed */
  const lightPass = async (): Promise<string[]> => {
    const now = await deps.lightPass();
    if (now === seen) return [];
    seen = now;
    let isWhole = false;
    try {
      const { changedIds, isPartial } = await deps.scanContainers();
      isWhole = !isPartial;
      if (changedIds.length > 0) plan.changed(clock.monotonic());
      return changedIds;
    } finally {
      // What came to nothing, or left something out, is tried again though the list stays as it is.
      if (!isWhole) plan.retryContainers(clock.monotonic());
    }
  };

  const panes = async (ids: readonly string[] | null, isAnew: boolean): Promise<void> => {
    const { isTurned, serverlessIds } = await deps.scanPanes(ids, isAnew);
    plan.panesDone(clock.monotonic(), isTurned, serverlessIds);
  };

  const step = async (): Promise<void> => {
    const due = plan.takeDue(clock.monotonic());
    if (due.retry) seen = null;
    const changedIds = due.light ? ((await expected(lightPass)) ?? []) : [];
    if (due.all) {
      await expected(() => panes(null, changedIds.length > 0));
      return;
    }
    if (changedIds.length > 0) await expected(() => panes(changedIds, true));
    const others = due.servers.filter((id) => !changedIds.includes(id));
    if (others.length > 0) await expected(() => panes(others, false));
  };

  return {
    setInterval: (seconds) => tell((now) => plan.setInterval(seconds, now)),
    engineChanged: () => tell((now) => plan.engineChanged(now)),
    serverChanged: (containerId) => tell((now) => plan.serverChanged(containerId, now)),
    async run(signal) {
      let wasOn: boolean | null = null;
      while (!signal.aborted) {
        if (plan.isOn() !== wasOn) {
          wasOn = plan.isOn();
          deps.onSwitch(wasOn);
        }
        const waitMs = plan.waitMs(clock.monotonic());
        if (waitMs > 0) {
          const turn = new AbortController();
          wake = () => turn.abort();
          await pause(clock, waitMs, AbortSignal.any([signal, turn.signal]));
          wake = () => undefined;
          continue;
        }
        try {
          await step();
        } catch (error) {
          deps.onBug(error);
          await pause(clock, BUG_REST_MS, signal);
        }
      }
      if (wasOn) deps.onSwitch(false);
    },
  };
}

/** A refused scan has left its own row and lines; the next pass tries again. @returns `null` then */
async function expected<T>(work: () => Promise<T>): Promise<T | null> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Fault || error instanceof BenchFault) return null;
    throw error;
  }
}
