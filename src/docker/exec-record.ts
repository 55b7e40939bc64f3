/**
 * What is remembered of execs. Which were started by us, so that those of others can be told apart in the event stream (02 §4.3);
 * and which we abandoned: the Engine leaves such a process running, so its container rests until it ended, at most 60 s (02 §2).
 */
import { BenchFault } from "../base/bench.ts";
import type { Clock } from "../base/clock.ts";

/** Ids of own execs that are kept; their `exec_start` event comes at once, so an old one is never asked for. */
const OWN_EXECS = 4096;
const REST_MS = 60_000;

export type ExecRecord = {
  /** To be told before the exec is started. */
  started(execId: string): void;
  isOurs(execId: string): boolean;
  abandon(containerId: string, execId: string): void;
  /**
   * @param isRunning asks the Engine; `not_found` counts as ended
   * @throws BenchFault `abandoned` while an abandoned exec of that container still runs
   */
  refuseWhileAbandoned(containerId: string, isRunning: (execId: string) => Promise<boolean>): Promise<void>;
};

export function createExecRecord(clock: Clock): ExecRecord {
  const own = new Set<string>();
  /** Container id → exec id → when it was abandoned (monotonic). */
  const abandoned = new Map<string, Map<string, number>>();

  const forget = (containerId: string, execId: string) => {
    const execs = abandoned.get(containerId);
    execs?.delete(execId);
    if (execs?.size === 0) abandoned.delete(containerId);
  };
  const forgetRested = () => {
    const oldest = clock.monotonic() - REST_MS;
    for (const [containerId, execs] of abandoned) {
      for (const [execId, since] of execs) if (since <= oldest) forget(containerId, execId);
    }
  };

  return {
    started(execId) {
      own.add(execId);
      if (own.size > OWN_EXECS) for (const oldest of own) return void own.delete(oldest);
    },
    isOurs: (execId) => own.has(execId),
    abandon(containerId, execId) {
      forgetRested();
      const execs = abandoned.get(containerId) ?? new Map<string, number>();
      abandoned.set(containerId, execs.set(execId, clock.monotonic()));
    },
    async refuseWhileAbandoned(containerId, isRunning) {
      forgetRested();
      for (const execId of [...(abandoned.get(containerId)?.keys() ?? [])]) {
        if (await isRunning(execId)) {
          throw new BenchFault(
            "abandoned",
            "an earlier command there had no complete answer in time and is still running",
          );
        }
        forget(containerId, execId);
      }
    },
  };
}
