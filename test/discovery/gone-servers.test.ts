import { expect, test } from "bun:test";
import { createGoneServers } from "../../src/discovery/gone-servers.ts";
import type { ContainerSight, SocketSight } from "../../src/discovery/sight.ts";

const failure = { code: "tmux_no_server", message: "no server running" } as const;
const dead: SocketSight = { path: "/s", kind: "failed", failure, gone: true, missing: false };
const denied: SocketSight = { ...dead, gone: false };
const alive: SocketSight = { path: "/s", kind: "good", panes: [], malformed: 0, surplus: 0 };
const sight = (...sockets: SocketSight[]): ContainerSight => ({
  containerId: "c",
  name: "bench",
  user: "dev",
  kind: "listed",
  sockets,
  leftAlone: [],
});

test.each([
  ["one proof", [[0, dead]], ["failed"]],
  [
    "a second one too soon",
    [
      [0, dead],
      [4999, dead],
    ],
    ["failed", "failed"],
  ],
  [
    "a second one after 5 s, and from then on",
    [
      [0, dead],
      [5000, dead],
      [5001, dead],
    ],
    ["failed", "good", "good"],
  ],
  [
    "a server that answered in between",
    [
      [0, dead],
      [1000, alive],
      [6000, dead],
    ],
    ["failed", "good", "failed"],
  ],
  [
    "a refused permission proves nothing, ever",
    [
      [0, denied],
      [9000, denied],
    ],
    ["failed", "failed"],
  ],
  [
    "a timeout in between takes nothing back",
    [
      [0, dead],
      [3000, denied],
      [6000, dead],
    ],
    ["failed", "failed", "good"],
  ],
] as [string, [number, SocketSight][], string[]][])("%s", (_what, scans, kinds) => {
  const gone = createGoneServers();
  expect(
    scans.map(([at, socket]) => {
      const settled = gone.settle(sight(socket), at);
      return settled.kind === "listed" ? settled.sockets[0]?.kind : settled.kind;
    }) as unknown[],
  ).toEqual(kinds);
});

test("a socket that left the listing starts anew", () => {
  const gone = createGoneServers();
  gone.settle(sight(dead), 0);
  gone.settle(sight(), 1000);
  expect(gone.settle(sight(dead), 9000)).toEqual(sight(dead));
});
