import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  cgroupIds,
  containerIdentity,
  matchContainer,
  matchPane,
  mountIds,
  tmuxIdentity,
} from "../../src/cli/identity.ts";
import type { LocalFiles } from "../../src/config/local-files.ts";

const ID = "ab12cd34ef56".padEnd(64, "0");
const OTHER = "99".repeat(32);

function machine(texts: Record<string, string>): LocalFiles {
  return { exists: (path) => path in texts, text: (path) => texts[path] ?? null, isSocket: () => false };
}

describe("the container this process is in", () => {
  const all = {
    "/proc/self/cgroup": `0::/docker/${ID}\n`,
    "/proc/self/mountinfo": `1 2 0:1 /var/lib/docker/containers/${OTHER}/hostname /etc/hostname rw - ext4 x rw`,
    "/etc/hostname": "from-file\n",
  };

  test("sources are asked in order", () => {
    const env = { AGENTTOWER_CONTAINER_ID: " named ", HOSTNAME: "from-env" };
    const left: Record<string, string> = { ...all };
    expect(containerIdentity(env, machine(left))).toEqual({ kind: "value", value: "named", signal: "env" });
    const unnamed = { HOSTNAME: " from-env " };
    expect(containerIdentity(unnamed, machine(left))).toEqual({ kind: "value", value: ID, signal: "cgroup" });
    delete left["/proc/self/cgroup"];
    expect(containerIdentity(unnamed, machine(left))).toEqual({ kind: "value", value: OTHER, signal: "mounts" });
    delete left["/proc/self/mountinfo"];
    expect(containerIdentity(unnamed, machine(left))).toEqual({
      kind: "value",
      value: "from-file",
      signal: "hostname",
    });
    delete left["/etc/hostname"];
    expect(containerIdentity(unnamed, machine(left))).toEqual({
      kind: "value",
      value: "from-env",
      signal: "hostname_env",
    });
    expect(containerIdentity({}, machine(left))).toEqual({ kind: "none" });
  });

  test("an empty name counts as unset, control bytes are dropped, length is bounded", () => {
    expect(containerIdentity({ AGENTTOWER_CONTAINER_ID: " \x01 " }, machine({}))).toEqual({ kind: "none" });
    const found = containerIdentity({ AGENTTOWER_CONTAINER_ID: `a\x1b[31mb${"x".repeat(9999)}` }, machine({}));
    expect(found).toMatchObject({ kind: "value", signal: "env" });
    expect(found.kind === "value" && found.value.length).toBe(4096);
    expect(found.kind === "value" && found.value.startsWith("a[31mb")).toBe(true);
  });

  test("lines that disagree are ambiguous, none is picked", () => {
    const text = `2:cpu:/docker/${ID}\n1:memory:/docker/${OTHER}\n0::/docker/${ID}\n`;
    expect(containerIdentity({}, machine({ "/proc/self/cgroup": text }))).toEqual({
      kind: "ambiguous",
      candidates: [ID, OTHER],
      signal: "cgroup",
    });
  });

  test.each([
    [`0::/docker/${ID}`, [ID]],
    [`0::/system.slice/docker-${ID}.scope`, [ID]],
    [`0::/kubepods/burstable/pod8b9c1d2e-1111-2222-3333-abcdefabcdef/${ID}`, [ID]],
    [`0::/kubepods.slice/kubepods-pod1.slice/cri-containerd-${ID}.scope`, [ID]],
    [`0::/docker/${OTHER}/docker/${ID}`, [ID]],
    ["0::/docker/ab12cd34ef56", ["ab12cd34ef56"]],
    ["0::/docker/ab12cd34", ["ab12cd34"]],
    ["0::/docker/short", []],
    ["0::/lxc/my-container", ["my-container"]],
    [`0::/user.slice/${ID}`, []],
    ["0::/", []],
    ["", []],
  ])("cgroup line %s: %p", (line, expected) => expect(cgroupIds(`${line}\n`)).toEqual(expected));

  test("mounts of an engine show the id where a private cgroup namespace hides it", () => {
    const text = [
      "36 35 0:1 / / rw - overlay overlay rw",
      `40 36 8:1 /var/lib/docker/containers/${ID}/resolv.conf /etc/resolv.conf rw - ext4 /dev/sda rw`,
      `41 36 8:1 /var/lib/docker/volumes/${OTHER}/_data /data rw - ext4 /dev/sda rw`,
    ].join("\n");
    expect(mountIds(text)).toEqual([ID]);
  });
});

describe("the pane this process sits in", () => {
  test.each<[Record<string, string>, string]>([
    [{}, "none"],
    [{ TMUX: "", TMUX_PANE: "%1" }, "none"],
    [{ TMUX_PANE: "%1" }, "none"],
    [{ TMUX: "/tmp/t,1,$0", TMUX_PANE: "%0" }, "pane"],
    [{ TMUX: "/tmp/t,1,$0" }, "malformed"],
    [{ TMUX: "/tmp/t,1", TMUX_PANE: "%0" }, "malformed"],
    [{ TMUX: ",1,$0", TMUX_PANE: "%0" }, "malformed"],
    [{ TMUX: "/tmp/t,,$0", TMUX_PANE: "%0" }, "malformed"],
    [{ TMUX: "/tmp/t,1,", TMUX_PANE: "%0" }, "malformed"],
    [{ TMUX: "/tmp/t,1,$0", TMUX_PANE: "0" }, "malformed"],
    [{ TMUX: "/tmp/t,1,$0", TMUX_PANE: "%a" }, "malformed"],
    [{ TMUX: "/tmp/t,1,$0", TMUX_PANE: "% 1" }, "malformed"],
    [{ TMUX: "/tmp/t,1,$0", TMUX_PANE: "%٣" }, "malformed"],
  ])("%p: %s", (env, kind) => expect<string>(tmuxIdentity(env).kind).toBe(kind));

  test("only the first two commas divide", () => {
    expect(tmuxIdentity({ TMUX: "/tmp/tmux-1000/default,1234,$0,x", TMUX_PANE: "%42" })).toEqual({
      kind: "pane",
      socketPath: "/tmp/tmux-1000/default",
      sessionId: "$0,x",
      paneId: "%42",
    });
  });

  test("any environment has an answer", () =>
    fc.assert(
      fc.property(fc.string(), fc.string(), (TMUX, TMUX_PANE) => {
        const found = tmuxIdentity({ TMUX, TMUX_PANE });
        if (found.kind === "pane") expect(found.paneId).toMatch(/^%[0-9]+$/);
      }),
    ));
});

describe("the row a value names", () => {
  const row = (id: string, name: string, active = true) => ({ id, name, active });
  const rows = [
    row(ID, "one"),
    row(`${ID.slice(0, 20)}${"f".repeat(44)}`, "two"),
    row(OTHER, "gone", false),
    row("77".repeat(32), ID.slice(0, 12)),
  ];

  test.each<[string, string[]]>([
    [ID, ["one"]],
    [ID.slice(0, 12), ["one", "two"]],
    [ID.slice(0, 21), ["one"]],
    [ID.slice(0, 11), []],
    ["two", ["two"]],
    ["tw", []],
    [OTHER, []],
    ["gone", []],
    ["", []],
  ])("%s: %p", (value, names) => {
    const match = matchContainer(value, rows);
    const found = match.kind === "one" ? [match.row] : match.kind === "several" ? match.rows : [];
    expect(found.map(({ name }) => name)).toEqual(names);
  });

  const pane = (container_id: string, tmux_pane_id = "%0", active = true) => ({
    container_id,
    tmux_socket_path: "/tmp/s",
    tmux_pane_id,
    active,
  });
  const here = { socketPath: "/tmp/s", paneId: "%0" };

  test("a pane of the known container, whatever other containers have", () => {
    const panes = [pane("a"), pane("b"), pane("c", "%0", false), pane("b", "%1")];
    expect(matchPane(here, panes, "b")).toEqual({ kind: "one", row: pane("b") });
    expect(matchPane(here, panes, null).kind).toBe("several");
    expect(matchPane(here, panes, "c").kind).toBe("none");
    expect(matchPane({ ...here, socketPath: "/tmp/other" }, panes, "b").kind).toBe("none");
  });
});
