import { beforeEach, expect, test } from "bun:test";
import { createListings, type Listings } from "../../src/discovery/listings.ts";
import { type ManualClock, manualClock } from "../support/manual-clock.ts";

const LISTING = { user: "dev", directory: "/tmp/tmux-1000", names: ["default"] };
let clock: ManualClock;
let listings: Listings;
let liveSince: number | null;
let linked: boolean;
const keep = (id = "a") => listings.keep(id, LISTING, clock.monotonic());

beforeEach(async () => {
  clock = manualClock();
  liveSince = 0;
  linked = true;
  listings = createListings(
    clock,
    () => liveSince,
    () => linked,
  );
  await clock.advance(1000);
});

test("kept for requests for 5 s, for the background for 5 min, never for who wants it anew", async () => {
  keep();
  expect(listings.find("a", "requested")).toEqual(LISTING);
  expect([listings.find("a", "anew"), listings.find("b", "background")]).toEqual([null, null]);
  await clock.advance(5001);
  expect([listings.find("a", "requested"), listings.find("a", "background")]).toEqual([null, LISTING]);
  await clock.advance(295_000);
  expect(listings.find("a", "background")).toBeNull();
});

test("gone with its link, its event stream, and any change there", () => {
  keep();
  linked = false;
  expect(listings.find("a", "background")).toBeNull();
  linked = true;
  liveSince = null;
  expect(listings.find("a", "background")).toBeNull();
  liveSince = clock.monotonic() + 1;
  expect(listings.find("a", "background")).toBeNull();
  liveSince = 0;
  listings.drop("a");
  expect(listings.find("a", "background")).toBeNull();
});

test("what is listed within 2 s of a foreign exec, or while it comes, is not kept", async () => {
  const begun = clock.monotonic();
  await clock.advance(20_000);
  listings.drop("a", true);
  listings.keep("a", LISTING, begun);
  await clock.advance(1999);
  keep();
  expect(listings.find("a", "background")).toBeNull();
  for (let n = 0; n < 1000; n++) listings.drop(`other-${n}`, true);
  await clock.advance(1);
  keep();
  expect(listings.find("a", "background")).toEqual(LISTING);
});
