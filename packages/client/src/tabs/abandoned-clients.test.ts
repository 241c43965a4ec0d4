import { automatic, json } from "@calla/shared";
import { describe, expect, test } from "vitest";
import { seededRandom, VirtualClock } from "../../test/kit.ts";
import { inside } from "../storage/storage.ts";
import type { Flushing, StorageChange, StorageHost } from "../storage/storage.ts";
import { clientsIn } from "../testing/stored.ts";
import { watchAbandoned } from "./abandoned-clients.ts";
import { createClaimed, newClaim } from "./claimed-client.ts";
import type { ClaimOptions } from "./claimed-client.ts";
import { flushLock, pageLock } from "./locks.ts";
import { memoryLocks } from "./memory-locks.ts";
import { usedKey } from "./stored-clients.ts";
import { memoryStore } from "./stores/memory-store.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const entry = (mid: number): StorageChange => ({
  type: "entry",
  entry: { target: "t", mid, id: `id${mid}`, messages: [mid], at: 1, version: 1 },
});

/** A page that watches, and what it would send for others: the test is the server. */
function watching(user: string | undefined = "ann") {
  const store = memoryStore();
  const locks = memoryLocks();
  const clock = new VirtualClock();
  const errors: unknown[] = [];
  const flushes: {
    readonly mids: readonly number[];
    readonly say: (status: Partial<Flushing["status"]>) => void;
    readonly storage: ReturnType<typeof inside>;
    closed: boolean;
  }[] = [];
  const options: ClaimOptions = {
    store,
    locks: locks.page(),
    clock,
    random: seededRandom(),
    codec: undefined,
    report: (error) => errors.push(error),
    generation: { now: undefined },
  };
  const host: StorageHost = {
    clock,
    serialiser: automatic(json()),
    report: (error) => errors.push(error),
    flush(instead) {
      const storage = inside(instead.storage);
      let status: Flushing["status"] = { connection: "connecting", pending: 1, held: [], storage: "working" };
      let heard = (): void => {};
      const mids: number[] = [];
      const one = {
        mids,
        storage,
        closed: false,
        say(more: Partial<Flushing["status"]>) {
          status = { ...status, ...more };
          heard();
        },
      };
      void storage.load({ server: "s", user: undefined }).then((stored) => {
        mids.push(...(stored?.entries ?? []).map(({ mid }) => mid));
        flushes.push(one);
      });
      return {
        get status() {
          return status;
        },
        onStatus: (listener) => ((heard = listener), () => (heard = () => {})),
        close: () => ((one.closed = true), storage.close()),
      };
    },
  };
  const abandoned = watchAbandoned({
    ...options,
    host,
    grace: 5_000,
    keepFor: 30 * DAY,
    keepFree: 3,
    server: "s",
    own: () => "own",
  });
  abandoned.of(user);
  return {
    store,
    locks,
    clock,
    errors,
    flushes,
    abandoned,
    /** A page that stores so many messages, and is gone unless it stays. */
    async page(count: number, { of = "ann", stays = false, usedAt = clock.now() } = {}) {
      const page = { ...options, locks: locks.page() };
      const client = createClaimed(page, await newClaim(page, { server: "s", user: of }), pageLock, () => {});
      await client.commit([
        { type: "target", target: "t", settled: 0, last: count },
        ...Array.from({ length: count }, (_, i) => entry(i + 1)),
      ]);
      await store.commit({ expect: new Map(), clear: [], values: new Map([[usedKey(client.id), usedAt]]) });
      if (!stays) await client.release();
      return client;
    },
    ids: async () => (await clientsIn(store, "s")).map(({ id }) => id),
    taken: async () => [...(await locks.page().taken())],
  };
}

describe("[TB4] sending", () => {
  test("a client that is free at two looks is sent for, once, and its lock is free again", async () => {
    const { page, clock, flushes, taken } = watching();
    const gone = await page(2);
    await clock.advance(4_000);
    expect(flushes).toEqual([]);
    await clock.advance(2_000);
    expect(flushes.map(({ mids }) => mids)).toEqual([[1, 2]]);
    expect(await taken()).toEqual([flushLock(gone.id)]);
    flushes[0]!.say({ connection: "open", pending: 0 });
    await clock.advance(1);
    expect([flushes[0]!.closed, await taken()]).toEqual([true, []]);
  });

  test("[TB5] what is another user's, held by its page, or empty is not", async () => {
    const { page, clock, flushes } = watching();
    await page(1, { of: "bob" });
    await page(1, { stays: true });
    await page(0);
    await clock.advance(60_000);
    expect(flushes).toEqual([]);
  });

  test("[TB13] one that no server lets in ends after 30 s and is tried again a minute later", async () => {
    const { page, clock, flushes } = watching();
    await page(1);
    await clock.advance(6_000);
    expect(flushes).toHaveLength(1);
    await clock.advance(30_000);
    expect(flushes[0]!.closed).toBe(true);
    await clock.advance(55_000);
    expect(flushes).toHaveLength(1);
    await clock.advance(15_000);
    expect(flushes).toHaveLength(2);
  });

  test("[TB13] one that was let in has ten minutes; what is refused for good ends at once", async () => {
    const { page, clock, flushes } = watching();
    await page(1);
    await clock.advance(6_000);
    flushes[0]!.say({ connection: "open" });
    await clock.advance(590_000);
    expect(flushes[0]!.closed).toBe(false);
    await clock.advance(10_000);
    expect(flushes[0]!.closed).toBe(true);
    await clock.advance(80_000);
    flushes[1]!.say({ connection: "closed" });
    await clock.advance(1);
    expect(flushes[1]!.closed).toBe(true);
  });

  test("[OB42] what is held there waits for a page that has had that client", async () => {
    const { page, clock, flushes, locks } = watching();
    const gone = await page(1);
    await clock.advance(6_000);
    flushes[0]!.say({ connection: "open", held: [{}] });
    await clock.advance(600_000);
    expect(flushes).toHaveLength(1);
    const back = await locks.page().take(pageLock(gone.id));
    await clock.advance(20_000);
    back!.release();
    await clock.advance(20_000);
    expect(flushes).toHaveLength(2);
  });

  test("[TB14] a page that comes back ends it, and nothing of it is stored or told after that", async () => {
    const { page, clock, flushes, locks, store } = watching();
    const gone = await page(1);
    await clock.advance(6_000);
    const [flush] = flushes;
    (await locks.page().take(flushLock(gone.id), "steal"))!.release();
    await clock.advance(1);
    expect(flush!.closed).toBe(true);
    const told = flush!.storage.commit([{ type: "outcome", target: "t", mid: 1, sequence: 5 }]);
    expect(await Promise.race([told.then(() => "told"), clock.advance(1_000).then(() => "nothing")])).toBe(
      "nothing",
    );
    expect(await clientsIn(store, "s")).toMatchObject([{ waiting: 1 }]);
  });

  test("[TB15] a page that closes ends it, and begins no more", async () => {
    const { page, clock, flushes, abandoned } = watching();
    await page(1);
    await page(1);
    await clock.advance(6_000);
    const stopped = abandoned.stop();
    await clock.advance(1);
    await stopped;
    expect([flushes.length, flushes[0]!.closed, clock.waiting]).toEqual([1, true, 0]);
    await clock.advance(120_000);
    expect(flushes).toHaveLength(1);
  });
});

describe("[TB7] clearing", () => {
  test("the three last used of a user without messages stay, and what has some", async () => {
    const { page, clock, ids } = watching(undefined);
    const pages = [];
    for (let i = 0; i < 5; i++) pages.push(await page(0, { usedAt: clock.now() + i }));
    const bobs = await page(0, { of: "bob" });
    const full = await page(1, { usedAt: clock.now() - 60 * DAY });
    await clock.advance(12_000);
    expect((await ids()).toSorted()).toEqual(
      [pages[4]!, pages[3]!, pages[2]!, bobs, full].map(({ id }) => id).toSorted(),
    );
  });

  test("what is older than it may be goes, with its messages after 90 days, which is reported", async () => {
    const { page, clock, ids, errors } = watching(undefined);
    await page(0, { usedAt: clock.now() - 31 * DAY });
    await page(2, { usedAt: clock.now() - 91 * DAY });
    const stays = await page(1, { usedAt: clock.now() - 89 * DAY });
    await clock.advance(12_000);
    expect([await ids(), errors]).toEqual([[stays.id], [expect.objectContaining({ code: "storage" })]]);
    expect(errors).toMatchObject([{ details: { reason: "aged" } }]);
  });

  test("what was taken, or filled, since the look stays", async () => {
    for (const change of ["taken", "filled"]) {
      const { page, clock, ids, store, errors } = watching(undefined);
      const old = await page(0, { usedAt: clock.now() - 31 * DAY });
      await clock.advance(4_000);
      const keys = store.keys.bind(store);
      let looks = 0;
      store.keys = async (prefix) => {
        const found = await keys(prefix);
        if (++looks === 2) {
          const values = new Map<string, unknown>(
            change === "taken" ? [[`client/${old.id}/token`, "new"]] : [[`of/${old.id}/entry/1/t`, {}]],
          );
          await store.commit({ expect: new Map(), clear: [], values });
          return keys(prefix);
        }
        return found;
      };
      await clock.advance(1_500);
      expect([looks > 1, await ids(), errors], change).toEqual([true, [old.id], []]);
    }
  });

  test("[TB16] while no lock changes hands it looks every 15 s; what fails is told, and it goes on looking", async () => {
    const { clock, store, errors, page } = watching();
    await page(1, { stays: true });
    await clock.advance(6_000);
    const read = store.read.bind(store);
    let looks = 0;
    store.read = (prefix) => (looks++, read(prefix));
    await clock.advance(60_000);
    expect(looks).toBe(4);
    store.read = () => Promise.reject(new Error("the disk"));
    await clock.advance(15_000);
    expect(errors).toMatchObject([{ details: { reason: "failed" } }]);
  });
});
