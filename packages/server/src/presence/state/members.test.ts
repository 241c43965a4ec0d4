// Lists that are made of the one before are those that would be made anew.
import { expect, test } from "vitest";
import type { PresenceEntry } from "./entry.ts";
import { Members } from "./members.ts";

const TOPIC = "room:1";
const entryOf = (key: string, clock: number, replica = "a"): PresenceEntry => ({
  topic: TOPIC,
  holder: `${key} ${clock}`,
  key,
  meta: {},
  replica,
  clock,
});
/** Deterministic: a small generator of whole numbers. */
function dice(seed: number) {
  let state = seed;
  return (sides: number) => (state = (state * 48_271) % 2_147_483_647) % sides;
}

test("[PN15] a list is the one that would be made anew, whenever it is asked for", () => {
  const roll = dice(7);
  const members = new Members<unknown>();
  const alive: PresenceEntry[] = [];
  for (let clock = 1; clock <= 3_000; clock++) {
    if (alive.length > 0 && roll(2) === 0) members.delete(alive.splice(roll(alive.length), 1)[0]!);
    else {
      const entry = entryOf(roll(9) === 0 ? "" : `k${roll(120)}`, clock, roll(2) === 0 ? "a" : "b");
      alive.push(entry);
      members.add(entry);
    }
    // Now often, now seldom, so that much has changed since.
    if (roll(clock % 1_000 < 500 ? 3 : 150) > 0) continue;
    const anew = new Members<unknown>();
    for (const entry of alive) anew.add(entry);
    const sorted = (one: Members<unknown>) =>
      Array.from(one.list(TOPIC)).toSorted(([a], [b]) => (a < b ? -1 : 1));
    expect(sorted(members)).toEqual(sorted(anew));
  }
});

test("[PN15] what has not changed is the same in the next list, and a list that was given never changes", () => {
  const members = new Members<unknown>();
  for (let n = 0; n < 50; n++) members.add(entryOf(`k${n}`, n + 1));
  const before = members.list(TOPIC);
  const gone = before.get("k7")![0]!;
  members.delete(gone);
  members.add(entryOf("k8", 100));
  // Who has no key is in no list.
  const after = members.list(TOPIC);
  members.add(entryOf("", 101));
  expect(members.list(TOPIC)).toBe(after);
  expect([before.size, before.get("k7"), before.get("k8")!.length]).toEqual([50, [gone], 1]);
  expect([after.size, after.get("k7"), after.get("k8")!.length]).toEqual([49, undefined, 2]);
  expect(after.get("k9")).toBe(before.get("k9"));
});
