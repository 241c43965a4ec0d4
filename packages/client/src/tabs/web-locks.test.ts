import { expect, test } from "vitest";
import { locksOf } from "./web-locks.ts";

/** As much of the browser's lock manager as is used. */
function manager(): LockManager {
  const all = new Map<string, { readonly end: (error: unknown) => void }>();
  return {
    request: (
      name: string,
      { ifAvailable, steal }: LockOptions,
      granted: (lock: Lock | null) => Promise<unknown> | undefined,
    ) =>
      new Promise((resolve, reject) => {
        if (all.has(name) && ifAvailable) return resolve(granted(null));
        if (steal) all.get(name)?.end(new DOMException("stolen", "AbortError"));
        const mine = { end: reject };
        all.set(name, mine);
        void Promise.resolve(granted({ name, mode: "exclusive" })).then((value) => {
          if (all.get(name) === mine) all.delete(name);
          resolve(value);
        });
      }),
    query: () => Promise.resolve({ held: [...all.keys()].map((name) => ({ name })), pending: [] }),
  } as unknown as LockManager;
}

test("[TB1] a name is taken, refused, stolen and released by the browser's locks", async () => {
  const [one, two] = [manager()].flatMap((shared) => [locksOf(shared), locksOf(shared)]) as [
    ReturnType<typeof locksOf>,
    ReturnType<typeof locksOf>,
  ];
  const first = (await one.take("a"))!;
  expect([await two.take("a"), [...(await two.taken())]]).toEqual([undefined, ["a"]]);
  const second = (await two.take("a", "steal"))!;
  await first.lost;
  first.release();
  expect(await one.take("a")).toBeUndefined();
  second.release();
  await Promise.resolve();
  await Promise.resolve();
  expect([...(await one.taken())]).toEqual([]);
});

test("[TB9] a request that fails before it is granted is the caller's to hear", async () => {
  const broken = { request: () => Promise.reject(new DOMException("no", "SecurityError")) };
  await expect(locksOf(broken as unknown as LockManager).take("a")).rejects.toThrow("no");
});

test("[TB9] a page without Web Locks is told why", () => {
  expect(() => locksOf(undefined)).toThrow(/HTTPS/);
});
