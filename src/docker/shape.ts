/**
 * What the Engine's JSON means to us (02 §3.2). Pure. Only what is named here leaves the Engine client: raw inspect data, host
 * configuration, environment values and other environment names stop here.
 */
import { BenchFault } from "../base/bench.ts";
import type { ContainerMount, EngineEvent, InspectedContainer, ListedContainer } from "../base/engine.ts";
import { isContainerId } from "../base/ids.ts";
import { clean } from "../base/text.ts";

type Json = Record<string, unknown>;

const ENV_NAMES = new Set(["USER", "HOME", "WORKDIR", "TMUX"]);

/** The list of running containers; an entry without any name is dropped. @throws BenchFault `malformed` */
export function readList(body: unknown): ListedContainer[] {
  if (!Array.isArray(body)) throw malformed("the container list is not an array");
  return body.flatMap((entry: unknown) => {
    if (!isObject(entry)) throw malformed("an entry of the container list is not an object");
    const id = entry["Id"];
    if (typeof id !== "string" || !isContainerId(id)) throw malformed("an entry of the container list has no valid Id");
    const names = Array.isArray(entry["Names"]) ? entry["Names"].flatMap(ownName) : [];
    return names.length === 0 ? [] : [{ id, names, status: clean(text(entry["Status"])) }];
  });
}

/** A name without its leading slashes; a link alias (`/other/alias`) is none. */
function ownName(name: unknown): string[] {
  const bare = clean(text(name)).replace(/^\/+/, "");
  return bare === "" || bare.includes("/") ? [] : [bare];
}

/** One inspected container. @throws BenchFault `malformed`, also when it is another container than the one asked for */
export function readInspect(body: unknown, containerId: string): InspectedContainer {
  if (!isObject(body)) throw malformed("the inspect answer is not an object");
  if (body["Id"] !== containerId) throw malformed("the inspect answer is about another container");
  const config = isObject(body["Config"]) ? body["Config"] : {};
  const state = isObject(body["State"]) ? body["State"] : {};
  return {
    id: containerId,
    name: clean(text(body["Name"])).replace(/^\/+/, "") || containerId,
    image: clean(text(config["Image"])),
    status: clean(text(state["Status"])),
    // Only an Engine that says so makes a listed container a stopped one.
    running: state["Running"] !== false,
    labels: readLabels(config["Labels"]),
    mounts: readMounts(body["Mounts"]),
    configUser: text(config["User"]) || null,
    workingDir: text(config["WorkingDir"]) || null,
    envKeys: readEnvNames(config["Env"]),
  };
}

function readLabels(labels: unknown): Record<string, string> {
  if (labels === undefined || labels === null) return {};
  if (!isObject(labels)) throw malformed("Config.Labels is not an object");
  return Object.fromEntries(
    Object.entries(labels).map(([key, value]) => [key, typeof value === "string" ? value : JSON.stringify(value)]),
  );
}

function readMounts(mounts: unknown): ContainerMount[] {
  if (mounts === undefined || mounts === null) return [];
  if (!Array.isArray(mounts)) throw malformed("Mounts is not an array");
  return mounts.map((mount: unknown) => {
    if (!isObject(mount)) throw malformed("an entry of Mounts is not an object");
    return {
      source: text(mount["Source"]),
      target: text(mount["Destination"]) || text(mount["Target"]),
      type: text(mount["Type"]),
      mode: text(mount["Mode"]),
      rw: mount["RW"] === true,
    };
  });
}

function readEnvNames(env: unknown): string[] {
  if (!Array.isArray(env)) return [];
  return env.map((entry: unknown) => text(entry).split("=", 1)[0] ?? "").filter((name) => ENV_NAMES.has(name));
}

const PLAIN_ACTIONS = ["start", "die", "destroy", "rename", "pause", "unpause", "restart"] as const;

/** What the event stream is asked for. */
export const EVENT_FILTERS = { type: ["container"], event: [...PLAIN_ACTIONS, "exec_start"] };

/**
 * One line of the event stream; `null` when it is of no interest.
 * @param isOurs whether we started the exec of that id. Only `exec_start` is judged: we know the id of an exec of ours before we
 * start it, while the event of its creation may overtake the answer that tells us the id.
 * @throws BenchFault `malformed` when it is no JSON object
 */
export function readEvent(line: string, isOurs: (execId: string) => boolean): EngineEvent | null {
  const body = parseJson(line, "an event");
  if (!isObject(body)) throw malformed("an event is not an object");
  const actor = isObject(body["Actor"]) ? body["Actor"] : {};
  const containerId = text(actor["ID"]);
  if (body["Type"] !== "container" || !isContainerId(containerId)) return null;
  const word = text(body["Action"]);
  if (word.startsWith("exec_start")) {
    const attributes = isObject(actor["Attributes"]) ? actor["Attributes"] : {};
    return isOurs(text(attributes["execID"])) ? null : { containerId, action: "exec_foreign" };
  }
  const action = PLAIN_ACTIONS.find((known) => known === word);
  return action === undefined ? null : { containerId, action };
}

/** The id of an exec that was created. @throws BenchFault `malformed` */
export function readExecId(body: unknown): string {
  const id = isObject(body) ? body["Id"] : undefined;
  // It becomes part of a path.
  if (typeof id !== "string" || !/^[0-9a-zA-Z]{1,128}$/.test(id)) throw malformed("the created exec has no valid Id");
  return id;
}

/** @throws BenchFault `malformed` */
export function readExecState(body: unknown): { running: boolean; exitCode: number | null } {
  if (!isObject(body)) throw malformed("the exec's state is not an object");
  const exitCode = body["ExitCode"];
  return { running: body["Running"] === true, exitCode: Number.isInteger(exitCode) ? Number(exitCode) : null };
}

/** @throws BenchFault `malformed` */
export function parseJson(json: string, what: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    throw malformed(`${what} is not JSON`);
  }
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function malformed(what: string): BenchFault {
  return new BenchFault("malformed", `the Engine's answer cannot be used: ${what}`);
}
