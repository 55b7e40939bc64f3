import { expect, test } from "bun:test";
import { benchUsers } from "../../src/discovery/bench-user.ts";
import { listingFailure, panesFailure, readUid } from "../../src/discovery/classify.ts";

const output = (exitCode: number, stdout: string, stderr = "") => ({ exitCode, stdout, stderr });

test.each([
  [output(0, "1000\n"), 1000],
  [output(0, "\n  0  \n"), 0],
])("uid of %j", (told, uid) => {
  expect(readUid(told)).toBe(uid);
});

test.each([
  [output(0, ""), "output_malformed", false],
  [output(0, "-1\n"), "output_malformed", false],
  [output(0, "1000x\n"), "output_malformed", false],
  [output(0, "١٠\n"), "output_malformed", false],
  [output(1, "", "boom"), "docker_exec_failed", false],
  [output(126, "unable to find user brett: no matching entries in passwd file"), "docker_exec_failed", true],
])("no uid in %j", (told, code, userMissing) => {
  expect(readUid(told)).toMatchObject({ code, userMissing });
});

test.each([
  ["ls: can't open '/tmp/tmux-1000': Permission denied", 1, "socket_unreadable"],
  ["ls: cannot open directory '/tmp/tmux-1000': Operation not permitted", 2, "socket_unreadable"],
  ["ls: /tmp/tmux-1000: No such file or directory", 1, "socket_dir_missing"],
  ["ls: cannot access '/tmp/tmux-1000': No such file or directory", 2, "socket_dir_missing"],
  ["something else", 1, "docker_exec_failed"],
  ["exec: ls: permission denied", 126, "docker_exec_failed"],
])("listing: %s (%i)", (stderr, exitCode, code) => {
  expect(listingFailure("/tmp/tmux-1000", output(exitCode, "", stderr)).code as string).toBe(code);
});

test.each([
  [
    "",
    'OCI runtime exec failed: exec: "tmux": executable file not found in $PATH',
    126,
    "tmux_unavailable",
    false,
    false,
  ],
  ["sh: tmux: not found", "", 127, "tmux_unavailable", false, false],
  ["no server running on /tmp/tmux-1000/work", "", 1, "tmux_no_server", true, false],
  ["error connecting to /s (No such file or directory)", "", 1, "tmux_no_server", true, true],
  ["error connecting to /s (Connection refused)", "", 1, "tmux_no_server", true, false],
  ["error connecting to /s (Permission denied)", "", 1, "tmux_no_server", false, false],
  ["lost server", "", 1, "docker_exec_failed", false, false],
])("panes: %s%s", (stderr, stdout, exitCode, code, gone, missing) => {
  expect(panesFailure("/s", output(exitCode, stdout, stderr)) as object).toMatchObject({ code, gone, missing });
});

test("messages are one clean bounded line", () => {
  const { message } = panesFailure("/s", output(1, "", `bad\n\x1b[31m${"x".repeat(5000)}`));
  expect(message).toStartWith("tmux list-panes on /s failed with exit code 1: bad [31mxxx");
  expect(message.length).toBeLessThan(700);
});

const daemon = { name: "brett", passwdName: "b" };
test.each([
  ["dev", ["dev"]],
  ["dev:1001", ["dev"]],
  ["1000:1000", ["1000"]],
  [" dev ", ["dev"]],
  [":1001", ["brett", "root"]],
  ["", ["brett", "root"]],
  [null, ["brett", "root"]],
])("users for config user %j", (configUser, users) => {
  expect(benchUsers(configUser, daemon)).toEqual(users);
});

test("users of a daemon without USER, without a name, as root", () => {
  expect(benchUsers(null, { name: "", passwdName: "b" })).toEqual(["b", "root"]);
  expect(benchUsers(null, { name: "", passwdName: "" })).toEqual([]);
  expect(benchUsers(null, { name: "root", passwdName: "root" })).toEqual(["root"]);
});
