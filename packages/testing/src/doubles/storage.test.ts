import type { Storage } from "@calla/client";
import { inside } from "@calla/client/testing";
import type { StorageChange } from "@calla/client/testing";
import { expect, test } from "vitest";
import { virtualClock } from "./clock.ts";
import { crashableStorage } from "./storage.ts";

const owner = { server: "", user: null };
const entry = (mid: number): StorageChange => ({
  type: "entry",
  entry: { target: "t", mid, id: `${mid}`, messages: [mid], at: 0, version: 1 },
});
async function twoCommits() {
  const clock = virtualClock();
  const disk = crashableStorage({ clock, delay: () => 10 });
  const page = inside(disk.open());
  await page.load(owner);
  const kept: number[] = [];
  void page.commit([entry(1)]).then(() => kept.push(1));
  await clock.advance(5);
  void page.commit([entry(2)]).then(() => kept.push(2));
  await clock.advance(5);
  expect(kept).toEqual([1]);
  return { clock, disk, kept };
}
const midsOf = async (storage: Storage) => (await inside(storage).load(owner))?.entries.map(({ mid }) => mid);

test("a crash loses what is under way, and its page is never told", async () => {
  const { clock, disk, kept } = await twoCommits();
  const next = disk.open();
  expect(await midsOf(next)).toEqual([1]);
  await clock.advance(100);
  expect([kept, disk.fired.lost]).toEqual([[1], 1]);
});

test("where only the page went, what is under way is there", async () => {
  const { clock, disk, kept } = await twoCommits();
  expect(await midsOf(disk.reopen())).toEqual([1, 2]);
  await clock.advance(100);
  expect(kept).toEqual([1]);
});

test("a full disk refuses and keeps nothing of it", async () => {
  const clock = virtualClock();
  const disk = crashableStorage({ clock });
  const page = inside(disk.open());
  await page.load(owner);
  disk.failNext(1);
  const commits = Promise.allSettled([page.commit([entry(1)]), page.commit([entry(2)])]);
  await clock.settle();
  expect(await commits).toMatchObject([
    { status: "rejected", reason: { message: expect.stringContaining("refused") } },
    { status: "fulfilled" },
  ]);
  expect(await midsOf(disk.open())).toEqual([2]);
});
