/** The few calls made to a Docker Engine beside running programs (02 §2: closed set). */

/** An entry of the Engine's list of running containers, already checked for shape. */
export type ListedContainer = {
  /** 64 lower-case hex digits. */
  id: string;
  /** All names, leading slashes removed, link aliases (an inner slash) left out; never empty. */
  names: readonly string[];
  /** Text such as `Up 2 hours`. */
  status: string;
};

export type ContainerMount = { source: string; target: string; type: string; mode: string; rw: boolean };

/** What inspect may tell us; nothing else of it leaves the Engine client (02 §3.2). */
export type InspectedContainer = {
  id: string;
  name: string;
  image: string;
  /** `State.Status`, verbatim; empty when the Engine gave none. */
  status: string;
  running: boolean;
  labels: Record<string, string>;
  mounts: ContainerMount[];
  configUser: string | null;
  workingDir: string | null;
  /** Names only, and only USER, HOME, WORKDIR, TMUX, in the order found. */
  envKeys: string[];
};

/** A change the Engine reported (02 §11). `execForeign`: an exec that this daemon did not start (02 §4.3). */
export type EngineEvent = {
  containerId: string;
  action: "start" | "die" | "destroy" | "rename" | "pause" | "unpause" | "restart" | "exec_foreign";
};

export type Engine = {
  /** Answers when the Engine does. @throws BenchFault */
  ping(deadlineMs: number): Promise<void>;
  /** Running containers, in the Engine's order. @throws BenchFault */
  list(deadlineMs: number): Promise<ListedContainer[]>;
  /** One container. @throws BenchFault: `not_found` when it is gone */
  inspect(containerId: string, deadlineMs: number): Promise<InspectedContainer>;
  /** Follows the event stream until it ends or `signal` aborts. @throws BenchFault when it cannot be opened or is lost */
  events(onEvent: (event: EngineEvent) => void, signal: AbortSignal): Promise<void>;
};
