import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Listing } from "./listing.ts";

describe("whether members are listed or counted", () => {
  it("[PN38] counts above the limit, and lists again below four fifths of it", () => {
    const listing = new Listing(1_000);
    expect(listing.counts).toBe(false);
    expect(listing.look(1_000, 0)).toBe(false);
    expect(listing.look(1_001, 0)).toBe(true);
    expect(listing.counts).toBe(true);
    for (const members of [1_000, 999, 801, 800]) expect(listing.look(members, 60_000)).toBe(false);
    expect(listing.look(799, 60_000)).toBe(true);
    expect(listing.counts).toBe(false);
  });

  it("[PN38] changes its kind once in ten seconds, and says when to look again", () => {
    const listing = new Listing(10);
    expect(listing.look(11, 5)).toBe(true);
    expect(listing.lookIn(11, 5)).toBe(undefined);
    expect(listing.look(0, 10_004)).toBe(false);
    expect(listing.lookIn(0, 10_004)).toBe(1);
    expect(listing.look(0, 10_005)).toBe(true);
    expect(listing.lookIn(0, 10_005)).toBe(undefined);
    expect(listing.look(11, 10_006)).toBe(false);
    expect(listing.lookIn(11, 10_006)).toBe(9_999);
    expect(listing.lookIn(11, 90_000)).toBe(0);
  });

  it("[PN38] lists however many there are where the limit is lifted, and nobody where it is 0", () => {
    expect(new Listing(Infinity).look(1e9, 0)).toBe(false);
    const none = new Listing(0);
    expect(none.look(0, 0)).toBe(false);
    expect(none.look(1, 0)).toBe(true);
    // Nobody is fewer than no one: it stays.
    expect(none.look(0, 60_000)).toBe(false);
  });

  it("[PN38] is of the kind that the members want once it has been looked at when it said, whatever came before", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(40), fc.nat(12_000)), { minLength: 1 }),
        (steps: readonly (readonly [number, number])[]) => {
          const listing = new Listing(20);
          const changes: number[] = [];
          let now = 0;
          let members = 0;
          for (const [next, wait] of steps) {
            now += wait;
            members = next;
            if (listing.look(members, now)) changes.push(now);
          }
          const wait = listing.lookIn(members, now);
          if (wait !== undefined && listing.look(members, now + wait)) changes.push(now + wait);
          expect(listing.lookIn(members, now + 60_000)).toBe(undefined);
          if (members > 20) expect(listing.counts).toBe(true);
          if (members < 16) expect(listing.counts).toBe(false);
          for (const [i, at] of changes.entries())
            if (i > 0) expect(at - changes[i - 1]!).toBeGreaterThanOrEqual(10_000);
        },
      ),
    );
  });
});
