/**
 * The process at the other end of a connection, from the kernel alone (06 §3). The uid is read at accept; the proof that the
 * peer runs on the host costs a few reads of `/proc` and is made at most once, when a method first asks for it.
 */
import { dlopen, FFIType, ptr } from "bun:ffi";
import { closeSync, readFileSync } from "node:fs";
import { LIBC_NAMES } from "../base/libc.ts";
import { type ProcFacts, placeOf, readProc, startedBy } from "./host-proof.ts";

export type Peer = {
  /** In our pid namespace; 0 for a process that has no pid there. */
  readonly pid: number;
  /** -1 when the kernel gave no credentials: equal to no uid, so refused. */
  readonly uid: number;
  readonly gid: number;
  /** Clock ticks since boot; `null` when not proven, or where the system does not tell. */
  readonly startTime: number | null;
  /** Proven to run on the host. */
  readonly host: boolean;
  /** Full id of the container it runs in, where known. */
  readonly containerId: string | null;
};

/** A peer that still may have to be looked at while its connection lives. */
export type ConnectedPeer = Peer & {
  /** Call when the descriptor closes: what was not proven by then never is. */
  release(): void;
};

/** Reads the peer of an accepted descriptor. */
export type PeerOf = (fd: number) => ConnectedPeer;

type Getsockopt = (fd: number, level: number, option: number, value: Uint8Array, length: Int32Array) => number;
type Calls = { getsockopt: Getsockopt; socketpair(pair: Int32Array): number };

const LINUX = process.platform === "linux";
const AF_UNIX = 1;
const SOCK_STREAM_CLOEXEC = 0o2000001;
const SOL_SOCKET = 1;
const SO_PEERCRED = 17;
const SO_PEERPIDFD = 77;
/** macOS: `struct xucred` is version, uid, group count, groups; the pid is an option of its own. */
const SOL_LOCAL = 0;
const LOCAL_PEERCRED = 1;
const LOCAL_PEERPID = 2;
const XUCRED_BYTES = 76;

function loadCalls(): Calls {
  let last: unknown;
  for (const library of LIBC_NAMES) {
    try {
      const { symbols } = dlopen(library, {
        getsockopt: { args: [FFIType.i32, FFIType.i32, FFIType.i32, FFIType.ptr, FFIType.ptr], returns: FFIType.i32 },
        socketpair: { args: [FFIType.i32, FFIType.i32, FFIType.i32, FFIType.ptr], returns: FFIType.i32 },
      });
      return {
        getsockopt: (fd, level, option, value, length) =>
          symbols.getsockopt(fd, level, option, ptr(value), ptr(length)),
        socketpair: (pair) => symbols.socketpair(AF_UNIX, SOCK_STREAM_CLOEXEC, 0, ptr(pair)),
      };
    } catch (error) {
      last = error;
    }
  }
  throw new Error(`no C library with getsockopt: ${String(last)}`);
}

/** A pidfd of the peer; `null` where the kernel gives none, also because the peer is gone. To be closed by the caller. */
function peerPidfd(getsockopt: Getsockopt, fd: number): number | null {
  const value = new Int32Array(1);
  const length = new Int32Array([value.byteLength]);
  if (getsockopt(fd, SOL_SOCKET, SO_PEERPIDFD, new Uint8Array(value.buffer), length) !== 0) return null;
  return value[0] ?? null;
}

/** Whether this kernel names peers by pidfds (Linux 6.5), asked with a peer that is alive: ourselves. */
function knowsPidfds({ getsockopt, socketpair }: Calls): boolean {
  const pair = new Int32Array(2);
  if (socketpair(pair) !== 0) throw new Error("no pair of sockets to be had");
  const pidfd = peerPidfd(getsockopt, pair[0] ?? -1);
  for (const fd of pidfd === null ? pair : [...pair, pidfd]) closeSync(fd);
  return pidfd !== null;
}

/**
 * Prepares reading peers on this system.
 * @throws Error when the C library cannot be used, or our own place in `/proc` cannot be read
 */
export function createPeerOf(): PeerOf {
  const calls = loadCalls();
  const { getsockopt } = calls;
  if (!LINUX) return (fd) => macPeer(getsockopt, fd);
  const own = readProc("self");
  if (!own) throw new Error("own /proc entry cannot be read");
  const pidfds = knowsPidfds(calls);

  const credentials = new Uint8Array(12);
  const [pid, uid, gid] = [0, 4, 8];
  const view = new DataView(credentials.buffer);
  const length = new Int32Array(1);
  return (fd) => {
    length[0] = credentials.length;
    const known = getsockopt(fd, SOL_SOCKET, SO_PEERCRED, credentials, length) === 0;
    return new LinuxPeer(
      fd,
      known ? view.getInt32(pid, true) : 0,
      known ? view.getUint32(uid, true) : -1,
      known ? view.getUint32(gid, true) : -1,
      own,
      getsockopt,
      pidfds,
    );
  };
}

class LinuxPeer implements ConnectedPeer {
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
  readonly #own: ProcFacts;
  readonly #getsockopt: Getsockopt;
  readonly #pidfds: boolean;
  readonly #acceptedAt = performance.now();
  #fd: number;
  #proof: { host: boolean; containerId: string | null; startTime: number | null } | null = null;

  constructor(
    fd: number,
    pid: number,
    uid: number,
    gid: number,
    own: ProcFacts,
    getsockopt: Getsockopt,
    pidfds: boolean,
  ) {
    this.pid = pid;
    this.uid = uid;
    this.gid = gid;
    this.#fd = fd;
    this.#own = own;
    this.#getsockopt = getsockopt;
    this.#pidfds = pidfds;
  }

  get host(): boolean {
    return this.#prove().host;
  }

  get containerId(): string | null {
    return this.#prove().containerId;
  }

  get startTime(): number | null {
    return this.#prove().startTime;
  }

  release(): void {
    this.#fd = -1;
  }

  #prove() {
    this.#proof ??= this.#look() ?? { host: false, containerId: null, startTime: null };
    return this.#proof;
  }

  #look() {
    if (this.pid <= 0 || this.#fd < 0) return null;
    const facts = readProc(this.pid);
    if (!facts || !this.#isStillPeer(facts.startTime)) return null;
    return { ...placeOf(facts, this.#own), startTime: facts.startTime };
  }

  /**
   * Whether what was just read is of the process that connected, and not of a later one with its pid. The pidfd names that
   * process for good, and where the kernel has it but gives none, the process is gone. Without it (Linux < 6.5) a process that
   * started after the connection was made is a later one.
   */
  #isStillPeer(startTime: number): boolean {
    const pidfd = peerPidfd(this.#getsockopt, this.#fd);
    if (pidfd === null) return !this.#pidfds && startedBefore(startTime, this.#acceptedAt);
    try {
      // `Pid:` is -1 once the process has ended.
      return readFileSync(`/proc/self/fdinfo/${pidfd}`, "utf8").includes(`\nPid:\t${this.pid}\n`);
    } catch {
      return false;
    } finally {
      closeSync(pidfd);
    }
  }
}

function startedBefore(startTicks: number, acceptedAt: number): boolean {
  try {
    return startedBy(startTicks, readFileSync("/proc/uptime", "utf8"), performance.now() - acceptedAt);
  } catch {
    return false;
  }
}

/** macOS has no containers of its own: a local process is a host peer (06 §3). */
function macPeer(getsockopt: Getsockopt, fd: number): ConnectedPeer {
  const credentials = new Uint8Array(XUCRED_BYTES);
  const view = new DataView(credentials.buffer);
  const pid = new Int32Array(1);
  const known = getsockopt(fd, SOL_LOCAL, LOCAL_PEERCRED, credentials, new Int32Array([XUCRED_BYTES])) === 0;
  getsockopt(fd, SOL_LOCAL, LOCAL_PEERPID, new Uint8Array(pid.buffer), new Int32Array([4]));
  return {
    pid: pid[0] ?? 0,
    uid: known ? view.getUint32(4, true) : -1,
    gid: known ? view.getUint32(12, true) : -1,
    startTime: null,
    host: known && (pid[0] ?? 0) > 0,
    containerId: null,
    release: () => undefined,
  };
}
