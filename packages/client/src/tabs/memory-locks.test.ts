import { expect, test } from "vitest";
import { memoryLocks } from "./memory-locks.ts";

test("[TB1] a name is one page's until it releases it; stealing tells who had it", async () => {
  const locks = memoryLocks();
  const [one, two] = [locks.page(), locks.page()];
  const first = (await one.take("a"))!;
  expect([await two.take("a"), await one.take("a"), [...(await two.taken())]]).toEqual([
    undefined,
    undefined,
    ["a"],
  ]);
  let lost = false;
  void first.lost.then(() => (lost = true));
  const second = (await two.take("a", "steal"))!;
  await Promise.resolve();
  expect(lost).toBe(true);
  // It is not the thief's to lose by the former's release.
  first.release();
  expect(await one.take("a")).toBeUndefined();
  second.release();
  second.release();
  expect(await one.take("a")).toBeDefined();
});

test("[TB1] what a page had is free as soon as it is gone, and it gets nothing more", async () => {
  const locks = memoryLocks();
  const [one, two] = [locks.page(), locks.page()];
  await one.take("a");
  await one.take("b");
  await two.take("b", "steal");
  one.end();
  expect([[...(await two.taken())], await one.take("c"), (await two.take("a")) !== undefined]).toEqual([
    ["b"],
    undefined,
    true,
  ]);
});
