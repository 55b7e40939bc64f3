import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { containersIn, placeOf, processAlive, readProc, startedBy, startTimeIn } from "../../src/wire/host-proof.ts";

const ID = "ab".repeat(32);
const INNER = "cd".repeat(32);

describe("containers in a cgroup text", () => {
  test.each([
    [`0::/docker/${ID}`],
    [`0::/system.slice/docker-${ID}.scope`],
    [`12:memory:/docker/${ID}\n11:cpu,cpuacct:/docker/${ID}`],
    [`0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod12.slice/cri-containerd-${ID}.scope`],
    [`0::/kubepods/burstable/pod7f2b/${ID}`],
    [`0::/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-${ID}.scope/container`],
    [`11:devices:/system.slice/containerd.service/kubepods-pod1.slice:cri-containerd:${ID}`],
    [`0::/../${ID}`],
  ])("%s names its id", (text) => {
    expect(containersIn(text)).toContain(ID);
  });

  test.each([["0::/lxc/web"], ["0::/lxc.payload.web/init.scope"], ["0::/kubepods.slice/x"], ["0::/docker/short"]])(
    "%s is a container without an id",
    (text) => {
      expect(containersIn(text).length).toBeGreaterThan(0);
    },
  );

  test.each([
    ["0::/"],
    [""],
    ["0::/user.slice/user-1000.slice/session-2.scope"],
    ["0::/system.slice/docker.service"],
    ["0::/system.slice/containerd.service"],
    ["0::/system.slice/snap.docker.dockerd.service"],
    ["0::/lxc.monitor.web"],
    [`0::/machine.slice/libpod-conmon-${ID}.scope`],
    ["0::/firejail.slice"],
    ["4:memory:/process_api/980fa4d9ecd98f4a1d3bda4db91f4b98"],
  ])("%s is the host", (text) => {
    expect(containersIn(text)).toEqual([]);
  });
});

describe("who is a host peer", () => {
  const host = { pidNamespace: "pid:[1]", cgroup: "0::/user.slice" };
  const inA = { pidNamespace: "pid:[1]", cgroup: `0::/docker/${ID}` };

  test("same namespace, no container", () => {
    expect(placeOf(host, host)).toEqual({ host: true, containerId: null });
  });
  test("another pid namespace", () => {
    expect(placeOf({ ...host, pidNamespace: "pid:[2]" }, host)).toEqual({ host: false, containerId: null });
  });
  test("a container that shares the pid namespace", () => {
    expect(placeOf(inA, host)).toEqual({ host: false, containerId: ID });
  });
  test("the container that the daemon lives in itself", () => {
    expect(placeOf(inA, inA)).toEqual({ host: true, containerId: null });
  });
  test("a container beside, or inside, the daemon's own", () => {
    expect(placeOf({ ...inA, cgroup: `0::/docker/${INNER}` }, inA)).toEqual({ host: false, containerId: INNER });
    expect(placeOf({ ...inA, cgroup: `0::/docker/${ID}/docker/${INNER}` }, inA)).toEqual({
      host: false,
      containerId: INNER,
    });
  });
});

describe("processes", () => {
  test("the start time is found behind any command name", () => {
    const rest = Array.from({ length: 30 }, (_, i) => String(i + 100)).join(" ");
    expect(startTimeIn(`42 (a) b (c) S ${rest}`)).toBe(118);
    expect(startTimeIn(`42 (x) Z ${rest}`)).toBeNull();
    expect(startTimeIn("")).toBeNull();
  });

  test("a process that started after the connection was made is another one", () => {
    expect(startedBy(10_000, "105.00 9.0", 4_000)).toBe(true);
    expect(startedBy(10_000, "105.00 9.0", 5_000)).toBe(true);
    expect(startedBy(10_000, "105.00 9.0", 5_100)).toBe(false);
    expect(startedBy(10_000, "", 0)).toBe(false);
  });

  test("we are alive, and are not who started at another time", () => {
    const own = readProc("self");
    if (!own) throw new Error("no /proc");
    expect(own.cgroup).toBe(readFileSync("/proc/self/cgroup", "utf8"));
    expect(processAlive(process.pid, own.startTime)).toBe(true);
    expect(processAlive(process.pid, own.startTime - 1)).toBe(false);
    expect(processAlive(process.pid, null)).toBe(true);
    expect(processAlive(0, null)).toBe(false);
  });

  test("a process that has ended is gone", async () => {
    const child = Bun.spawn(["sleep", "60"]);
    const facts = readProc(child.pid);
    expect(facts && processAlive(child.pid, facts.startTime)).toBe(true);
    child.kill("SIGKILL");
    await child.exited;
    expect(readProc(child.pid)).toBeNull();
    expect(facts && processAlive(child.pid, facts.startTime)).toBe(false);
    expect(processAlive(child.pid, null)).toBe(false);
  });
});
