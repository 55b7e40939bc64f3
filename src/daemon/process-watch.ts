/**
 * What reaches the daemon from outside its socket: signals, the end of its parent, and its own crash (01 §7, 00 §2).
 * Installed before anything else, so that a signal during the start unwinds cleanly. SIGPIPE is ignored by the runtime.
 */
import type { StopRequest } from "./stop-request.ts";

/** A launcher that hands our standard input on keeps it open after its death; then only the changed parent tells. */
const PARENT_CHECK_MS = 1_000;

/** Stops on SIGTERM and SIGINT. */
export function watchSignals(stop: StopRequest): void {
  process.on("SIGTERM", () => stop.request({ trigger: "sigterm" }));
  process.on("SIGINT", () => stop.request({ trigger: "sigint" }));
}

/** Stops when standard input ends or the parent process changes (`--exit-with-parent`). */
export function watchParent(stop: StopRequest): void {
  const gone = () => stop.request({ trigger: "parent_gone" });
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid !== parent) gone();
  }, PARENT_CHECK_MS);
  timer.unref();
  process.stdin.once("end", gone);
  process.stdin.once("close", gone);
  process.stdin.once("error", gone);
  process.stdin.resume();
  stop.whenAsked.finally(() => {
    clearInterval(timer);
    process.stdin.pause();
  });
}

/** Whatever nobody caught ends the process: `onCrash` tells the story, the next start finds the leftovers. */
export function watchCrash(onCrash: (error: unknown) => void): void {
  let crashed = false;
  const crash = (error: unknown) => {
    // What fails while the first crash is told cannot be told as well.
    if (!crashed) {
      crashed = true;
      onCrash(error);
    }
    process.exit(1);
  };
  process.on("uncaughtException", crash);
  process.on("unhandledRejection", crash);
}
