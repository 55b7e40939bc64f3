import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { LocalFiles } from "../../src/config/local-files.ts";
import { resolvePaths } from "../../src/config/paths.ts";
import { inContainer, MOUNTED_SOCKET, resolveSocket } from "../../src/config/socket.ts";

const paths = resolvePaths({ HOME: "/h" });

/** Another machine: files by path, and which paths are sockets. */
function machine(texts: Record<string, string>, sockets: readonly string[] = []): LocalFiles {
  return {
    exists: (path) => path in texts,
    text: (path) => texts[path] ?? null,
    isSocket: (path) => sockets.includes(path),
  };
}

const container = { "/.dockerenv": "" };

describe("without an override", () => {
  test("a host uses its own socket, whatever is mounted", () => {
    expect(resolveSocket({}, paths, machine({}, [MOUNTED_SOCKET]))).toEqual({
      path: paths.socket,
      source: "host_default",
    });
  });

  test("a container with the mount uses it", () => {
    expect(resolveSocket({}, paths, machine(container, [MOUNTED_SOCKET]))).toEqual({
      path: "/run/agenttower/agenttowerd.sock",
      source: "mounted_default",
    });
  });

  test("a container without the mount has the host default", () => {
    expect(resolveSocket({}, paths, machine(container)).source).toBe("host_default");
  });
});

test.each([
  [{ "/.dockerenv": "" }, true],
  [{ "/run/.containerenv": "" }, true],
  [{ "/proc/self/cgroup": "0::/docker/ab12cd34ef56\n" }, true],
  [{ "/proc/self/cgroup": "12:cpu:/\n0::/kubepods/besteffort/x\n" }, true],
  [{ "/proc/self/cgroup": "0::/system.slice/containerd/x" }, true],
  [{ "/proc/self/cgroup": "0::/lxc/x" }, true],
  [{ "/proc/self/cgroup": "0::/firejail.slice\n" }, false],
  [{ "/proc/self/cgroup": "" }, false],
  [{}, false],
])("%p is a container: %p", (texts, expected) => {
  expect(inContainer(machine(texts))).toBe(expected);
});

describe("an override", () => {
  let dir: string;
  let live: Bun.UnixSocketListener<undefined>;
  const at = (name: string) => join(dir, name);
  const choose = (value: string, allowed?: string) =>
    resolveSocket({ AGENTTOWER_SOCKET: value }, paths, machine(container, [MOUNTED_SOCKET]), allowed);

  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), "at-override-"));
    live = Bun.listen({ unix: at("live"), socket: { data: () => undefined } });
    writeFileSync(at("file"), "");
    mkdirSync(at("directory"));
    symlinkSync("live", at("link"));
    symlinkSync("link", at("link-to-link"));
    symlinkSync("nowhere", at("dangling"));
  });
  afterAll(() => {
    live.stop(true);
    rmSync(dir, { recursive: true });
  });

  test.each(["live", "link"])("%s is used as given", (name) => {
    expect(choose(` ${at(name)} `)).toEqual({ path: at(name), source: "env_override" });
  });

  test.each([
    ["", "value is empty"],
    [" \t ", "value is empty"],
    ["/a\0b", "value contains NUL byte"],
    ["relative.sock", "value is not absolute"],
  ])("%p: %s", (value, reason) => {
    expect(() => choose(value)).toThrow(`AGENTTOWER_SOCKET must be an absolute path to a Unix socket: ${reason}`);
  });

  test.each([
    ["missing", "value does not exist"],
    ["dangling", "value does not exist"],
    ["file", "value is not a Unix socket"],
    ["directory", "value is not a Unix socket"],
    ["link-to-link", "value is not a Unix socket"],
  ])("%s: %s", (name, reason) => {
    expect(() => choose(at(name))).toThrow(reason);
  });

  test("the missing default is no fault for who is about to start the daemon, any other is", () => {
    expect(choose(at("missing"), at("missing")).path).toBe(at("missing"));
    expect(() => choose(at("missing"), at("other"))).toThrow("value does not exist");
    expect(() => choose(at("file"), at("file"))).toThrow("value is not a Unix socket");
  });
});
