import { expect, test } from "bun:test";
import fc from "fast-check";
import { BenchFault } from "../../src/base/bench.ts";
import { readEvent, readExecId, readExecState, readInspect, readList } from "../../src/docker/shape.ts";

const ID = "a1".repeat(32);
const refusesAsMalformed = (work: () => unknown) => {
  try {
    work();
  } catch (error) {
    expect(error).toBeInstanceOf(BenchFault);
    expect(error).toHaveProperty("kind", "malformed");
    return;
  }
  throw new Error("it was accepted");
};

test("list: names without slashes and aliases; an entry without any name is dropped", () => {
  const entry = (more: object) => ({ Id: ID, Names: ["/py-bench"], Status: "Up 2 hours", ...more });
  expect(readList([entry({})])).toEqual([{ id: ID, names: ["py-bench"], status: "Up 2 hours" }]);
  expect(readList([entry({ Names: ["/py-bench", "/web/db-bench", "//two"] })])[0]?.names).toEqual(["py-bench", "two"]);
  for (const Names of [[], null, undefined, "/x", ["", "/"], ["/web/db"], [7]])
    expect(readList([entry({ Names })])).toEqual([]);
  expect(readList([entry({ Status: 5 })])[0]?.status).toBe("");
  expect(readList([])).toEqual([]);
});

test.each([
  [{}],
  ["text"],
  [[null]],
  [[{ Names: ["/x"] }]],
  [[{ Id: "", Names: [] }]],
  [[{ Id: "../../etc", Names: ["/x"] }]],
])("list: %j is malformed", (body) => refusesAsMalformed(() => readList(body)));

test("inspect: what is kept, and nothing else", () => {
  const seen = readInspect(
    {
      Id: ID,
      Name: "/py-bench",
      HostConfig: { Secret: "s3cret" },
      State: { Status: "paused", Running: true, StartedAt: "2026-01-01T00:00:00Z" },
      Config: {
        Image: "img:1",
        User: "dev:1001",
        WorkingDir: "/work",
        Labels: { a: "b", n: 5, __proto__x: null },
        Env: ["TOKEN=s3cret", "HOME=/home/dev", "USER", "TMUX=a=b", 9, "WORKDIRS=x", "WORKDIR=/s3cret"],
      },
      Mounts: [
        { Type: "bind", Source: "/s", Destination: "/d", Mode: "ro", RW: false },
        { Target: "/t", RW: true },
      ],
    },
    ID,
  );
  expect(seen).toEqual({
    id: ID,
    name: "py-bench",
    image: "img:1",
    status: "paused",
    running: true,
    labels: { a: "b", n: "5", __proto__x: "null" },
    mounts: [
      { source: "/s", target: "/d", type: "bind", mode: "ro", rw: false },
      { source: "", target: "/t", type: "", mode: "", rw: true },
    ],
    configUser: "dev:1001",
    workingDir: "/work",
    envKeys: ["HOME", "USER", "TMUX", "WORKDIR"],
  });
  expect(JSON.stringify(seen)).not.toContain("s3cret");
});

test("inspect: a bare answer has defaults", () => {
  const bare = { id: ID, name: ID, image: "", status: "", running: true, labels: {}, mounts: [] };
  const rest = { configUser: null, workingDir: null, envKeys: [] };
  expect(readInspect({ Id: ID }, ID)).toEqual({ ...bare, ...rest });
  const nulls = { Id: ID, Name: "/", Config: "x", State: 5, Mounts: null };
  expect(readInspect(nulls, ID)).toEqual({ ...bare, ...rest });
  expect(readInspect({ Id: ID, State: { Running: false } }, ID).running).toBe(false);
  expect(readInspect({ Id: ID, Config: { User: "", Labels: null, Env: {} } }, ID)).toEqual({ ...bare, ...rest });
});

test.each([
  [null],
  [[]],
  [{ Id: "b2".repeat(32) }],
  [{ Id: ID, Config: { Labels: [] } }],
  [{ Id: ID, Config: { Labels: "a=b" } }],
  [{ Id: ID, Mounts: {} }],
  [{ Id: ID, Mounts: ["/x"] }],
])("inspect: %j is malformed", (body) => refusesAsMalformed(() => readInspect(body, ID)));

test("a label named __proto__ is a label", () => {
  const body: unknown = JSON.parse(`{"Id": "${ID}", "Config": {"Labels": {"__proto__": "x"}}}`);
  expect(Object.entries(readInspect(body, ID).labels)).toEqual([["__proto__", "x"]]);
});

const inspectParts = (part: unknown) =>
  readInspect({ Id: ID, Name: part, Config: { Labels: part, Env: part, User: part }, State: part, Mounts: part }, ID);

test("any JSON at all is read or malformed", () =>
  fc.assert(
    fc.property(fc.jsonValue(), (body) => {
      for (const read of [readList, (b: unknown) => readInspect(b, ID), inspectParts, readExecId, readExecState]) {
        try {
          read(body);
        } catch (error) {
          expect(error).toHaveProperty("kind", "malformed");
        }
      }
    }),
  ));

test("events: actions we know, execs of others, nothing else", () => {
  const line = (Action: string, Attributes: object = {}, Type = "container") =>
    JSON.stringify({ Type, Action, Actor: { ID, Attributes } });
  const read = (text: string) => readEvent(text, (execId) => execId === "mine");
  for (const action of ["start", "die", "destroy", "rename", "pause", "unpause", "restart"] as const) {
    expect(read(line(action))).toEqual({ containerId: ID, action });
  }
  expect(read(line("exec_start: sh -c x", { execID: "theirs" }))).toEqual({ containerId: ID, action: "exec_foreign" });
  expect(read(line("exec_start: sh", {}))).toEqual({ containerId: ID, action: "exec_foreign" });
  expect(read(line("exec_start: sh", { execID: "mine" }))).toBeNull();
  expect(read(line("exec_create: sh", { execID: "theirs" }))).toBeNull();
  expect(read(line("kill"))).toBeNull();
  expect(read(line("start", {}, "image"))).toBeNull();
  expect(read("{}")).toBeNull();
  refusesAsMalformed(() => read("<html>"));
  refusesAsMalformed(() => read("[]"));
});

test("an exec id that would leave its path is malformed", () => {
  expect(readExecId({ Id: "abc123" })).toBe("abc123");
  for (const Id of ["", "../x", "a/b", 5, null]) refusesAsMalformed(() => readExecId({ Id }));
});
