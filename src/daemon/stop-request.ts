/** Who asked the daemon to stop; the first one counts (01 §7). */
export type StopTrigger =
  | { trigger: "api"; peer_pid: number | null }
  | { trigger: "sigterm" | "sigint" | "parent_gone" };

export type StopRequest = {
  request(trigger: StopTrigger): void;
  /** The first trigger, once there is one. */
  readonly asked: StopTrigger | null;
  readonly whenAsked: Promise<StopTrigger>;
};

export function stopRequest(): StopRequest {
  const { promise, resolve } = Promise.withResolvers<StopTrigger>();
  let asked: StopTrigger | null = null;
  return {
    request(trigger) {
      asked ??= trigger;
      resolve(asked);
    },
    get asked() {
      return asked;
    },
    whenAsked: promise,
  };
}
