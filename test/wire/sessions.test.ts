import { expect, test } from "bun:test";
import { Fault } from "../../src/contract/faults.ts";
import { MAX_SESSIONS } from "../../src/contract/limits.ts";
import { createSessions } from "../../src/wire/sessions.ts";
import { newLink } from "./door.ts";

function house() {
  const dead = new Set<number>();
  const sessions = createSessions((pid) => !dead.has(pid));
  const hello = (pid: number, ephemeral = false, link = newLink({ pid })) =>
    sessions.open({ clientId: "c", clientVersion: "v", ephemeral, link });
  return { sessions, hello, die: (pid: number) => dead.add(pid) };
}

const refusal = (act: () => unknown) => {
  try {
    act();
  } catch (error) {
    return error instanceof Fault ? error.facts : error;
  }
  return "no refusal";
};
const TOO_MANY = { field: "app.hello", reason: "too_many_sessions" };

test("tokens are fresh version 4 UUIDs, ids count from 1", () => {
  const { hello } = house();
  const issued = [hello(1), hello(1), hello(1, true)];
  expect(issued.map(({ id }) => id)).toEqual([1, 2, 3]);
  expect(new Set(issued.map(({ token }) => token)).size).toBe(3);
  for (const { token } of issued)
    expect(token).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});

test("a token works from anywhere, any other string does not", () => {
  const { sessions, hello } = house();
  const session = hello(1);
  expect(sessions.use(session.token)).toEqual(session);
  expect(sessions.use(session.token.toUpperCase())).toBeNull();
  expect(sessions.use("__proto__")).toBeNull();
});

test("nine hellos of a living process: the ninth is refused, and takes no id", () => {
  const { hello, die } = house();
  for (let i = 0; i < MAX_SESSIONS; i++) hello(7);
  expect(refusal(() => hello(7))).toEqual(TOO_MANY);
  expect(refusal(() => hello(8))).toEqual(TOO_MANY);
  die(7);
  expect(hello(8).id).toBe(MAX_SESSIONS + 1);
});

test("processes that are gone make room, the least recently used one first", () => {
  const { sessions, hello, die } = house();
  const issued = Array.from({ length: MAX_SESSIONS }, (_, i) => hello(i + 1));
  const [first, second, third] = issued;
  if (!first || !second || !third) throw new Error("no sessions");
  sessions.use(first.token);
  for (const pid of [1, 2, 3]) die(pid);
  hello(100);
  expect(sessions.use(second.token)).toBeNull();
  hello(101);
  expect(sessions.use(third.token)).toBeNull();
  hello(102);
  expect(sessions.use(first.token)).toBeNull();
  expect(refusal(() => hello(103))).toEqual(TOO_MANY);
});

test("an ephemeral session ends with its connection and does not count", () => {
  const { sessions, hello } = house();
  const links = Array.from({ length: 20 }, () => newLink({ pid: 5 }));
  const bound = links.map((link) => hello(5, true, link));
  for (let i = 0; i < MAX_SESSIONS; i++) hello(7);
  expect(bound.every(({ token }) => sessions.use(token) !== null)).toBe(true);
  links[3]?.close();
  expect(bound.map(({ token }) => sessions.use(token) !== null).indexOf(false)).toBe(3);
});

test("one connection cannot hoard ephemeral sessions", () => {
  const { hello } = house();
  const link = newLink();
  for (let i = 0; i < MAX_SESSIONS; i++) hello(1, true, link);
  expect(refusal(() => hello(1, true, link))).toEqual(TOO_MANY);
});
