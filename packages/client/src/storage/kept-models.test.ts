import { describe, expect, test } from "vitest";
import { VirtualClock } from "../../test/kit.ts";
import { keepModels } from "./kept-models.ts";
import type { KeepModelsOptions } from "./kept-models.ts";
import type { ModelHost, ModelKeeper, ModelPlace, StorageChange, StoredModel } from "./storage.ts";

/** A keeper over places that the test sets, and what it asked to be stored. */
function keeping(options: KeepModelsOptions = {}) {
  const clock = new VirtualClock();
  const places = new Map<string, ModelPlace>();
  let hide = (): void => {};
  let asked = 0;
  const keep = keepModels({ hides: (store) => ((hide = store), () => {}), ...options }) as unknown as (
    host: ModelHost,
  ) => ModelKeeper;
  const keeper = keep({ clock, places: () => places.values(), save: () => void asked++ });
  return {
    clock,
    keeper,
    hide: () => hide(),
    asked: () => asked,
    put: (target: string, sequence: number, more: Partial<ModelPlace> = {}) =>
      void places.set(target, {
        target,
        version: 1,
        model: { text: "x" },
        sequence,
        mark: sequence,
        caughtUp: true,
        ...more,
      }),
    remove: (target: string) => {
      keeper.leave(places.get(target)!);
      places.delete(target);
    },
    /** What one transaction would be, as short texts. */
    take(all = false): string[] {
      const changes = keeper.take(all);
      keeper.landed(true);
      return changes.map(brief);
    },
  };
}
const brief = (change: StorageChange): string =>
  change.type === "model"
    ? `${change.target}@${change.model.sequence}`
    : `-${(change as { readonly target: string }).target}`;
const stored = (sequence: number, usedAt: number): StoredModel => ({
  version: 1,
  model: {},
  sequence,
  mark: sequence,
  usedAt,
});
const settled = (sequence: number, target = "a") => ({
  target,
  mid: sequence,
  id: `${sequence}`,
  messages: [],
  at: 1,
  version: 1,
  sequence,
});

describe("when", () => {
  test("[OB10] a changed model is due a second later, and not with every change", async () => {
    const { put, keeper, take, asked, clock } = keeping();
    put("a", 1);
    for (let i = 0; i < 5; i++) keeper.changed();
    expect([take(), asked()]).toEqual([[], 0]);
    await clock.advance(1_000);
    expect([asked(), take(), take()]).toEqual([1, ["a@1"], []]);
    await clock.advance(60_000);
    expect(asked()).toBe(1);
  });

  test("[OB10] at once when the page hides, and all at the end", async () => {
    const { put, take, hide, clock, keeper } = keeping();
    put("a", 1);
    hide();
    expect(take()).toEqual(["a@1"]);
    put("a", 2);
    expect(take(true)).toEqual(["a@2"]);
    keeper.close();
    await clock.advance(60_000);
    expect(clock.waiting).toBe(0);
  });

  test("[OB26] one that has not caught up is not stored, be it the end", () => {
    const { put, take, remove } = keeping();
    put("a", 1, { caughtUp: false });
    expect(take(true)).toEqual([]);
    remove("a");
    expect(take(true)).toEqual([]);
  });

  test("[OB10] of what is left the last is stored at once", () => {
    const { put, remove, take } = keeping();
    put("a", 3);
    remove("a");
    expect(take()).toEqual(["a@3"]);
  });

  test("[OB30] after a failure nothing for a minute, and then it is dropped for certain and written anew", async () => {
    const { put, keeper, clock, take } = keeping();
    put("a", 1);
    keeper.changed();
    await clock.advance(1_000);
    expect(keeper.take(false)).toHaveLength(1);
    keeper.landed(false);
    await clock.advance(59_000);
    expect(take()).toEqual([]);
    await clock.advance(1_000);
    expect(take()).toEqual(["-a", "a@1"]);
  });
});

describe("which", () => {
  test("[OB29] the least recently used that is not subscribed goes", async () => {
    const { put, remove, take, clock } = keeping({ maxModels: 2 });
    for (const target of ["a", "b", "c"]) {
      put(target, 1);
      remove(target);
      take();
      await clock.advance(10);
    }
    put("d", 1);
    expect(take(true)).toEqual(["d@1", "-b"]);
    put("e", 1);
    expect(take(true)).toEqual(["e@1", "-c"]);
    // All are subscribed: none makes room for another.
    put("f", 1);
    expect(take(true)).toEqual([]);
  });

  test("[OB28] what nobody has used for 30 days is not shown, and goes", () => {
    const { keeper, take, clock } = keeping();
    const old = clock.now() - 31 * 24 * 3_600_000;
    keeper.load(
      new Map([
        ["old", stored(1, old)],
        ["new", stored(2, clock.now())],
      ]),
      [],
    );
    expect([keeper.find("old", undefined), keeper.find("new", undefined)?.model.sequence]).toEqual([
      undefined,
      2,
    ]);
    expect(take(true)).toEqual(["-old"]);
  });

  test("[OB29] a model that lacks more settled entries than it may goes with them", () => {
    const { keeper, take, clock } = keeping({ maxSettled: 2 });
    keeper.load(new Map([["a", stored(1, clock.now())]]), []);
    for (const sequence of [2, 3]) keeper.settled(settled(sequence));
    expect(take(true)).toEqual([]);
    keeper.settled(settled(4));
    expect(take(true)).toEqual(["-a"]);
  });

  test("[OB27] what is found has the settled entries that it lacks, and not those that it has", () => {
    const { keeper, clock } = keeping();
    keeper.load(new Map([["a", stored(5, clock.now())]]), [settled(4), settled(6), settled(6, "b")]);
    keeper.settled(settled(5));
    keeper.settled(settled(7));
    expect(keeper.find("a", undefined)?.settled.map(({ sequence }) => sequence)).toEqual([6, 7]);
  });

  test("[OB31] a fresh identity of the same user stores its models anew; another user's are nobody's", () => {
    for (const [sameUser, expected] of [
      [true, ["a@5"]],
      [false, []],
    ] as const) {
      const { keeper, take, clock } = keeping();
      keeper.load(
        new Map([
          ["a", stored(5, clock.now())],
          ["@", stored(1, clock.now())],
        ]),
        [],
      );
      keeper.begin(sameUser);
      expect(take(true)).toEqual(expected);
    }
  });

  test("[OB27] what is refused goes, stored or on its way", () => {
    const { put, keeper, take } = keeping();
    put("a", 1, { caughtUp: false });
    keeper.drop("a");
    expect(take()).toEqual(["-a"]);
    expect(take(true)).toEqual([]);
  });
});
