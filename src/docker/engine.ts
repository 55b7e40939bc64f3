/** The calls to a Docker Engine beside running programs (02 §2), each within its deadline and checked for shape. */
import { StringDecoder } from "node:string_decoder";
import { BenchFault } from "../base/bench.ts";
import type { Clock } from "../base/clock.ts";
import type { Engine, EngineEvent } from "../base/engine.ts";
import type { ClientSource, EngineClient } from "./client.ts";
import { startDeadline } from "./deadline.ts";
import type { ExecRecord } from "./exec-record.ts";
import { faultOf } from "./failure.ts";
import { readEvent, readInspect, readList } from "./shape.ts";

/** Longest wait for the head of the event stream. */
const EVENTS_OPEN_MS = 5000;
/** Longest event; the labels of its container are in it. */
const EVENT_CHARACTERS = 1024 * 1024;

/** @param record shared with the bench, which starts the execs that are ours */
export function dockerEngine(client: ClientSource, record: ExecRecord, clock: Clock): Engine {
  const within = async <T>(
    what: string,
    ms: number,
    call: (client: EngineClient, signal: AbortSignal) => Promise<T>,
  ) => {
    const deadline = startDeadline(clock, ms, what);
    try {
      return await call(await client(), deadline.signal);
    } catch (error) {
      throw faultOf(error, what);
    } finally {
      deadline.clear();
    }
  };

  return {
    ping: (deadlineMs) => within("ping the Engine", deadlineMs, (engine, signal) => engine.ping(signal)),

    list: (deadlineMs) =>
      within("list containers", deadlineMs, async (engine, signal) => readList(await engine.list(signal))),

    inspect: (containerId, deadlineMs) =>
      within("inspect container", deadlineMs, async (engine, signal) =>
        readInspect(await engine.inspect(containerId, signal), containerId),
      ),

    async events(onEvent, signal) {
      const what = "follow the Engine's events";
      const opening = startDeadline(clock, EVENTS_OPEN_MS, what, signal);
      try {
        const engine = await client();
        // The stream lives on `opening`: cleared of its time limit it still ends with `signal`.
        const stream = await engine.events(opening.signal);
        opening.clear();
        const close = () => void stream.destroy();
        signal.addEventListener("abort", close, { once: true });
        try {
          if (!signal.aborted) await followEvents(stream, record, onEvent);
        } finally {
          signal.removeEventListener("abort", close);
          close();
        }
      } catch (error) {
        if (signal.aborted) return;
        throw faultOf(error, what);
      } finally {
        opening.clear();
      }
    },
  };
}

async function followEvents(
  stream: AsyncIterable<Uint8Array>,
  record: ExecRecord,
  onEvent: (event: EngineEvent) => void,
): Promise<void> {
  const decoder = new StringDecoder("utf8");
  let rest = "";
  for await (const chunk of stream) {
    const lines = (rest + decoder.write(Buffer.from(chunk))).split("\n");
    rest = lines.pop() ?? "";
    if (rest.length > EVENT_CHARACTERS) throw new BenchFault("malformed", "an event of the Engine is too long");
    for (const line of lines) {
      if (line.trim() === "") continue;
      const event = readEvent(line, record.isOurs);
      if (event !== null) onEvent(event);
    }
  }
}
