/** The caller of a handler, without a socket. */
import type { CallContext } from "../../src/wire/context.ts";
import type { Peer } from "../../src/wire/peer.ts";

const SELF: Peer = { pid: process.pid, uid: 1000, gid: 1000, startTime: null, host: true, containerId: null };

export type TestCall = CallContext & {
  /** What the connection does once the answer is out. */
  answered(): void;
  closed(): void;
};

/** @param more what differs from a host peer on a quiet connection */
export function testCall(more: { peer?: Partial<Peer>; stopping?: boolean; signal?: AbortSignal } = {}): TestCall {
  const peer = { ...SELF, ...more.peer };
  const signal = more.signal ?? new AbortController().signal;
  const afterAnswer: (() => void)[] = [];
  const onClose: (() => void)[] = [];
  return {
    peer,
    session: null,
    signal,
    stopping: more.stopping ?? false,
    link: {
      peer,
      signal,
      onClose: (action) => void onClose.push(action),
      afterAnswer: (action) => void afterAnswer.push(action),
    },
    answered: () => afterAnswer.splice(0).forEach((action) => void action()),
    closed: () => onClose.splice(0).forEach((action) => void action()),
  };
}
