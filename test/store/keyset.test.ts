import { afterEach, beforeEach, expect, test } from "bun:test";
import fc from "fast-check";
import { type Direction, type PageQuery, readPage } from "../../src/store/keyset.ts";
import type { Store, Tx } from "../../src/store/open.ts";
import { spyOnPlans } from "./plans.ts";
import { addMessage, type Folder, folder, quickStore } from "./registry.ts";

let at: Folder;
let store: Store;
beforeEach(() => {
  at = folder();
  store = quickStore(at.path);
});
afterEach(() => {
  store.close();
  at.remove();
});

const PRIORITY = ["queued", "blocked", "failed", "delivered", "canceled"];
const RANK = `(CASE state WHEN 'queued' THEN 1 WHEN 'blocked' THEN 2 WHEN 'failed' THEN 3 WHEN 'delivered' THEN 4 ELSE 5 END)`;

/** The default order of the queue, whose first key is an expression. */
const queueQuery = (direction: Direction, limit: number, cursor?: string): PageQuery => ({
  list: "queue",
  order: "default",
  direction,
  keys: [RANK, "enqueued_at", "message_id"],
  computedLead: true,
  columns: "message_id",
  from: "message_queue INDEXED BY message_queue_by_state",
  table: "message_queue",
  where: [],
  filters: {},
  limit,
  cursor,
});

function everyMessage(tx: Tx, direction: Direction, limit: number): string[] {
  const seen: string[] = [];
  let cursor: string | undefined;
  do {
    const page = readPage<{ message_id: string }>(tx, queueQuery(direction, limit, cursor));
    if (page === "cursor_refused") throw new Error("the cursor was refused");
    seen.push(...page.rows.map((row) => row.message_id));
    cursor = page.cursorNext ?? undefined;
  } while (cursor);
  return seen;
}

test("an order that begins with a priority gives every row once, in order", () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ state: fc.constantFrom(...PRIORITY), enqueued: fc.nat(3) }), { maxLength: 25 }),
      fc.constantFrom<Direction>("asc", "desc"),
      fc.integer({ min: 1, max: 6 }),
      (messages, direction, limit) => {
        store.write((tx) => {
          tx.db.run("DELETE FROM message_queue");
          for (const [n, { state, enqueued }] of messages.entries()) addMessage(tx, `m${n + 100}`, state, enqueued);
        });
        const sorted = messages
          .map((message, n) => ({ id: `m${n + 100}`, rank: PRIORITY.indexOf(message.state), ...message }))
          .sort((a, b) => a.rank - b.rank || a.enqueued - b.enqueued || (a.id < b.id ? -1 : 1))
          .map((message) => message.id);
        if (direction === "desc") sorted.reverse();
        expect(store.read((tx) => everyMessage(tx, direction, limit))).toEqual(sorted);
      },
    ),
    { numRuns: 60 },
  );
});

test("and seeks to where the page before ended", () => {
  store.write((tx) => {
    for (let n = 0; n < 9; n++) addMessage(tx, `m${n}`, PRIORITY[n % 2] ?? "", 0);
  });
  const plans: string[] = [];
  store.read((tx) => everyMessage({ ...tx, db: spyOnPlans(tx.db, plans) }, "asc", 2));
  const [first, ...later] = plans;
  expect(first).toBe("SCAN message_queue USING COVERING INDEX message_queue_by_state");
  expect(later.length).toBeGreaterThan(4);
  for (const plan of later)
    expect(plan).toMatch(/^SEARCH message_queue USING COVERING INDEX message_queue_by_state \(<expr>[^|]*$/);
});
