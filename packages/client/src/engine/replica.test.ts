import { sameInOrder } from "@calla/shared";
import fc from "fast-check";
import { expect, test } from "vitest";
import { AT_ONCE, precede, Replica } from "./replica.ts";
import type { Act, Fold, Own } from "./replica.ts";
import { createRoom, createSpace } from "./kept-predictions.ts";

// Messages are texts appended to a list. "!x" is refused while the list holds x, "#" appends the context's time.
type Failed = { readonly ok: false; readonly code: string; readonly details: object };
type Subject = Replica<Own, Failed>;
let folds = 0;
let failures: Failed[] = [];
let room = createRoom(createSpace());
const fold = (model: unknown, { messages, at }: Act) => {
  folds++;
  let list = model as readonly string[];
  for (const message of messages as readonly string[]) {
    if (message.startsWith("!") && list.includes(message.slice(1)))
      return { ok: false, code: "there", details: {} } as const;
    if (message === "=") continue;
    list = [...list, message === "#" ? `#${at}` : message];
  }
  return { ok: true, model: list } as const;
};
const act = (id: string, ...messages: string[]): Own => ({
  id,
  messages,
  at: 1,
  userId: null,
  visitor: "",
  size: 8 * (messages.length + 1),
  goneAt: Infinity,
  shown: false,
  tried: false,
  view: { id, messages, skipped: undefined },
});
const confirmed = (sequence: number, ...model: string[]) => ({ model, sequence, mark: sequence });
const begun = (model: unknown, by: Fold<Failed> = fold, space = room): Subject => {
  const replica = new Replica<Own, Failed>(by, space, sameInOrder, (failed) => failures.push(failed));
  replica.reset({ model, sequence: 0, mark: 0 }, 0);
  return replica;
};
function withPending(model: readonly string[], ...entries: readonly Own[]): Subject {
  const replica = begun(model);
  for (const entry of entries) replica.predict(entry);
  return replica;
}
/** What is shown, replayed if anything below it has changed. */
function visible(replica: Subject): unknown {
  replica.replay();
  return replica.visible;
}
const pending = (replica: Subject): string[] => replica.entries().map(({ id }) => id);
/** The server's word of it. */
function decide(replica: Subject, entry: Own, goneAt = AT_ONCE): void {
  entry.goneAt = goneAt;
  if (entry.shown) replica.over.add(entry);
}
/** Refused, or given up. */
function drop(replica: Subject, entry: Own): void {
  decide(replica, entry);
  expect(replica.settle(-1)).toEqual([entry]);
}
/** The records come as one frame; those that are pending are own. */
function received(replica: Subject, ...acts: readonly Own[]): readonly Own[] {
  const after = replica.confirmed?.sequence ?? 0;
  const sequence = after + acts.length;
  const own = new Map(replica.entries().map((entry) => [entry.id, entry]));
  const records = acts.map((one, i) => {
    const entry = own.get(one.id);
    if (entry) decide(replica, entry, after + i + 1);
    return { act: one, own: entry !== undefined };
  });
  const advanced = replica.advance({ records, sequence, mark: sequence });
  if (!advanced.ok) throw new Error("diverged");
  return advanced.left;
}

test("[RB1] [RB12] a dispatch is folded over what is visible", () => {
  const replica = withPending(["a"], act("1", "b"), act("2", "c"));
  expect(visible(replica)).toEqual(["a", "b", "c"]);
  expect(replica.confirmed?.model).toEqual(["a"]);
});

test("[RB1] [RB12] a prediction's time is the one it was dispatched at, however often it is replayed", () => {
  const mine = { ...act("1", "#"), at: 7 };
  const replica = withPending([], mine);
  received(replica, { ...act("x", "#"), at: 9 });
  expect(visible(replica)).toEqual(["#9", "#7"]);
});

test("[RB2] S1 others' records go under what is pending, which is replayed on top", () => {
  const replica = withPending(["a"], act("1", "mine"));
  received(replica, act("x", "theirs"));
  expect(replica.confirmed).toEqual(confirmed(1, "a", "theirs"));
  expect(visible(replica)).toEqual(["a", "theirs", "mine"]);
});

test("[RB2] P pending cost P updates for all frames that came before somebody looks, however many records are in them", () => {
  const replica = withPending([], ...many(10));
  folds = 0;
  received(replica, act("x", "x"), act("y", "y"), act("z", "z"));
  received(replica, act("v", "v"), act("w", "w"));
  expect(folds).toBe(5);
  expect((visible(replica) as string[]).slice(0, 6)).toEqual(["x", "y", "z", "v", "w", "p0"]);
  expect(folds).toBe(5 + 10);
  visible(replica);
  expect(folds).toBe(5 + 10);
});

test("[RB3] S2 own records that are as predicted leave visible the same object and cost nothing but themselves", () => {
  const entries = [act("1", "b"), act("2", "c"), act("3", "d")] as const;
  const replica = withPending(["a"], ...entries);
  const shown = visible(replica);
  folds = 0;
  expect(received(replica, act("1", "b"))).toEqual([entries[0]]);
  expect(visible(replica)).toBe(shown);
  expect(received(replica, act("2", "c"), act("3", "d"))).toEqual([entries[1], entries[2]]);
  expect(visible(replica)).toBe(shown);
  expect(replica.confirmed).toEqual(confirmed(3, "a", "b", "c", "d"));
  expect([pending(replica), entries.map((one) => one.shown)]).toEqual([[], [false, false, false]]);
  expect(folds).toBe(3);
});

test("[RB2] [RB4] a dispatch while all is to be replayed costs nothing by itself, and that it fails is said once", () => {
  const replica = withPending(["a"], act("1", "b"));
  received(replica, act("x", "x"));
  folds = 0;
  failures = [];
  replica.predict(act("2", "!x"));
  replica.predict(act("3", "c"));
  expect([folds, failures]).toEqual([0, []]);
  expect(visible(replica)).toEqual(["a", "x", "b", "c"]);
  expect([folds, failures]).toMatchObject([3, [{ code: "there" }]]);
  received(replica, act("y", "y"));
  expect([visible(replica), failures.length]).toEqual([["a", "x", "y", "b", "c"], 1]);
});

test("[RB3] own records whose outcome came before them are as predicted all the same", () => {
  const entries = many(3);
  const replica = withPending(["a"], ...entries);
  const shown = visible(replica);
  entries.forEach((entry, i) => decide(replica, entry, i + 1));
  expect(replica.settle(0)).toEqual([]);
  folds = 0;
  for (const entry of entries) expect(received(replica, entry)).toEqual([entry]);
  expect([visible(replica), folds]).toEqual([shown, 3]);
  expect(visible(replica)).toBe(shown);
});

test("[RB3] another's record with the id of what is pending is not one's own", () => {
  const entry = act("1", "b");
  const replica = withPending(["a"], entry);
  replica.advance({ records: [{ act: act("1", "b"), own: false }], sequence: 1, mark: 1 });
  expect([visible(replica), pending(replica)]).toEqual([["a", "b", "b"], ["1"]]);
});

test("[RB3] a record that changes nothing keeps confirmed and every prediction", () => {
  const replica = withPending(["a"], act("1", "b"));
  const [before, shown] = [replica.confirmed?.model, visible(replica)];
  folds = 0;
  received(replica, act("x", "="));
  expect(replica.confirmed?.model).toBe(before);
  expect(visible(replica)).toBe(shown);
  expect(folds).toBe(1);
});

test("[RB2] S9 an amended own record replays the rest on the amended model", () => {
  const replica = withPending([], act("1", "x"), act("2", "y"));
  received(replica, act("1", "X"));
  expect(visible(replica)).toEqual(["X", "y"]);
  expect(pending(replica)).toEqual(["2"]);
});

test("[RB4] S10 a refused prediction is skipped, stays pending, and shows once it fits", () => {
  const replica = withPending(["a"]);
  const [first, second] = [act("1", "!a"), act("2", "b")];
  failures = [];
  replica.predict(first);
  expect(failures).toMatchObject([{ ok: false, code: "there" }]);
  expect([visible(replica), first.view.skipped]).toEqual([["a"], { code: "there", details: {} }]);
  replica.predict(second);
  expect(visible(replica)).toEqual(["a", "b"]);
  replica.reset(confirmed(5), 5);
  expect([visible(replica), first.view.skipped]).toEqual([["!a", "b"], undefined]);
});

test("[RB5] S8 a rejected dispatch is rolled back and later ones are replayed", () => {
  const entries = [act("1", "a"), act("2", "!a"), act("3", "c")] as const;
  const replica = withPending([], ...entries);
  expect(visible(replica)).toEqual(["a", "c"]);
  drop(replica, entries[0]);
  expect(visible(replica)).toEqual(["!a", "c"]);
  drop(replica, entries[2]);
  expect(visible(replica)).toEqual(["!a"]);
});

test("[RB5] S3 S39 a snapshot and what it contains are one step", () => {
  const mine = act("1", "a");
  const replica = withPending([], mine, act("2", "b"));
  decide(replica, mine, 4);
  expect(replica.reset(confirmed(4, "x", "a"), 4)).toEqual([mine]);
  expect(visible(replica)).toEqual(["x", "a", "b"]);
  expect(pending(replica)).toEqual(["2"]);
});

test("[RB5] [RB13] a dispatch whose place is ahead of confirmed stays until confirmed is there", () => {
  const mine = act("1", "a");
  const replica = withPending([], mine);
  decide(replica, mine, 2);
  expect(replica.settle(0)).toEqual([]);
  expect(visible(replica)).toEqual(["a"]);
  received(replica, act("x", "x"));
  expect(visible(replica)).toEqual(["x", "a"]);
  received(replica, act("1", "a"));
  expect(pending(replica)).toEqual([]);
});

test("[RB6] what was shown before stays the same object when the app's side says that it is equal", () => {
  const shown = ["a", "b"];
  const replica = withPending(["a"], act("1", "b"));
  replica.keep(shown);
  expect(visible(replica)).toBe(shown);
  received(replica, act("1", "b"));
  expect([visible(replica), replica.confirmed?.model]).toEqual([shown, shown]);
  replica.reset(confirmed(9, "a", "b"), 9);
  visible(replica);
  replica.keep(shown);
  expect(replica.confirmed?.model).toBe(shown);
  replica.predict(act("2", "c"));
  expect(visible(replica)).toEqual(["a", "b", "c"]);
});

test("[RB7] while nothing is confirmed nothing is predicted; the first snapshot shows what waits", () => {
  const replica = new Replica<Own, Failed>(fold, room, sameInOrder, (failed) => failures.push(failed));
  folds = 0;
  replica.predict(act("1", "a"));
  expect([visible(replica), folds]).toEqual([undefined, 0]);
  replica.reset(confirmed(3, "x"), 3);
  expect(visible(replica)).toEqual(["x", "a"]);
  replica.reset(undefined, Infinity);
  expect([visible(replica), pending(replica)]).toEqual([undefined, ["1"]]);
});

test("[RB7] what an earlier page left stands before what this one has dispatched, and is shown once there is a model", () => {
  const replica = withPending(["a"], act("new", "n"));
  const [open, settled] = [act("old", "o"), { ...act("settled", "s"), goneAt: 2 }];
  precede(replica, [settled, open]);
  expect([visible(replica), pending(replica)]).toEqual([undefined, ["settled", "old", "new"]]);
  replica.reset(confirmed(1, "b"), 1);
  expect(visible(replica)).toEqual(["b", "s", "o", "n"]);
  expect(replica.reset(confirmed(2, "b", "s"), 2)).toEqual([settled]);
  expect(visible(replica)).toEqual(["b", "s", "o", "n"]);
});

test("[RB8] a confirmed record that does not fold here changes nothing and says so", () => {
  const replica = withPending(["a"], act("1", "b"));
  const shown = visible(replica);
  const records = [act("y", "y"), act("x", "!a")].map((one) => ({ act: one, own: false }));
  expect(replica.advance({ records, sequence: 2, mark: 2 })).toMatchObject({ ok: false });
  expect([replica.confirmed, visible(replica)]).toEqual([confirmed(0, "a"), shown]);
  expect(replica.behind).toBe(false);
});

test("[RB2] [RB10] S1 visible is confirmed with pending applied on top, and confirmed the server's, in any interleaving", () => {
  const text = fc.constantFrom("a", "b", "!a", "!b", "=", "#");
  const step = fc.oneof(
    fc.record({ do: fc.constant("dispatch" as const), text }),
    fc.record({ do: fc.constant("theirs" as const), text }),
    fc.record({ do: fc.constant("take" as const), amended: fc.boolean(), more: text }),
    fc.record({ do: fc.constant("refuse" as const) }),
    fc.record({ do: fc.constant("acknowledge" as const) }),
    fc.record({ do: fc.constant("snapshot" as const) }),
    fc.record({ do: fc.constant("look" as const) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), fc.constantFrom(0, 60, 300, 1e6), (steps, left) => {
      const space = { left };
      room = createRoom(space);
      let server: readonly string[] = [];
      let sequence = 0;
      let count = 0;
      /** What the server has and the client has not: acts by sequence. */
      let ahead: Own[] = [];
      let undecided: Own[] = [];
      const replica = withPending([]);
      const accept = (one: Own): boolean => {
        const result = fold(server, one);
        if (result.ok) server = result.model;
        return result.ok;
      };
      const catchUp = (): void => {
        received(replica, ...ahead);
        ahead = [];
      };
      for (const one of steps) {
        const own = undecided[0];
        if (one.do === "dispatch") {
          const entry = act(`${count++}`, one.text);
          undecided.push(entry);
          replica.predict(entry);
        } else if (one.do === "theirs") {
          const record = act(`t${count++}`, one.text);
          if (!accept(record)) continue;
          sequence++;
          ahead.push(record);
          catchUp();
        } else if ((one.do === "take" || one.do === "acknowledge") && own) {
          const record = one.do === "take" && one.amended ? { ...own, messages: [one.more] } : own;
          undecided = undecided.slice(1);
          if (!accept(record)) {
            drop(replica, own);
            continue;
          }
          sequence++;
          ahead.push({ ...record });
          if (one.do === "take") catchUp();
          else decide(replica, own, sequence);
        } else if (one.do === "refuse" && own) {
          undecided = undecided.slice(1);
          drop(replica, own);
        } else if (one.do === "snapshot") {
          ahead = [];
          replica.reset({ model: server, sequence, mark: sequence }, sequence);
        }
        if (replica.confirmed?.sequence === sequence) expect(replica.confirmed.model).toEqual(server);
        expect(pending(replica).filter((id) => undecided.some((entry) => entry.id === id))).toEqual(
          undecided.map(({ id }) => id),
        );
        expect(replica.entries().every(({ shown }) => shown)).toBe(true);
        // Frames may come before anybody looks.
        if (one.do === "theirs" && one.text === "#") continue;
        const shown = visible(replica);
        let expected = replica.confirmed?.model;
        for (const { entry, model } of replica.list.slice(replica.first)) {
          const result = fold(expected, entry);
          if (result.ok) expected = result.model;
          if (model !== undefined) expect(model).toEqual(expected);
        }
        expect(shown).toEqual(expected);
      }
      catchUp();
      expect(replica.confirmed?.model).toEqual(server);
      replica.reset(undefined, Infinity);
      expect(space.left).toBe(left);
    }),
    { numRuns: 500 },
  );
  room = createRoom(createSpace());
});

// ------------------------------------------------------------------------------------------------- memory (RB10)

const many = (count: number): Own[] => Array.from({ length: count }, (_, i) => act(`${i}`, `p${i}`));
const keptModels = ({ list, first }: Subject): number =>
  list.slice(first).filter(({ model }) => model !== undefined).length;

test("[RB10] S20 of many predictions the first, the last and 64 between keep their models, and records as predicted cost two updates each", () => {
  room = createRoom(createSpace());
  const entries = many(500);
  const replica = withPending(["a"], ...entries);
  expect(keptModels(replica)).toBe(66);
  const shown = visible(replica);
  folds = 0;
  for (const entry of entries) {
    received(replica, entry);
    expect(visible(replica)).toBe(shown);
  }
  expect(folds).toBeLessThanOrEqual(2 * entries.length);
  expect(replica.confirmed).toEqual(confirmed(500, "a", ...entries.map((_, i) => `p${i}`)));
  expect(pending(replica)).toEqual([]);
});

test("[RB10] what has left is not kept for long", () => {
  const entries = many(500);
  const replica = withPending(["a"], ...entries);
  for (const entry of entries) {
    received(replica, entry);
    expect(replica.list.length).toBeLessThanOrEqual(2 * replica.count + 33);
    expect(replica.list.slice(0, replica.first).every(({ model }) => model === undefined)).toBe(true);
  }
});

test("[RB10] a replay keeps the last alone, and a record that is not as predicted is found where its model was not kept", () => {
  room = createRoom(createSpace());
  const entries = many(200);
  const replica = withPending(["a"], ...entries);
  received(replica, act("x", "theirs"));
  visible(replica);
  expect(keptModels(replica)).toBe(1);
  for (const entry of entries.slice(0, 100)) received(replica, entry);
  const shown = visible(replica);
  received(replica, { ...(entries[100] as Own), messages: ["amended"] });
  expect(visible(replica)).not.toBe(shown);
  expect((visible(replica) as string[]).slice(100, 105)).toEqual(["p98", "p99", "amended", "p101", "p102"]);
  expect((visible(replica) as string[]).length).toBe(202);
});

test("[RB10] all targets together keep 8 MB between, and what leaves makes room", () => {
  const space = createSpace();
  const whole = space.left;
  const text = (_: unknown, { messages }: Act) =>
    ({ ok: true, model: `${messages[0] as string}${"x".repeat(500_000)}` }) as const;
  const targets = [1, 2, 3].map(() => {
    const replica = begun([], text, createRoom(space));
    for (const entry of many(20)) replica.predict(entry);
    return replica;
  });
  const between = targets.reduce((sum, replica) => sum + keptModels(replica) - 2, 0);
  expect(between).toBeGreaterThan(4);
  expect(between * 1_000_000).toBeLessThanOrEqual(8 * 1024 * 1024);
  for (const replica of targets) replica.reset(undefined, Infinity);
  expect(space.left).toBe(whole);
});

test("[RB10] [RB14] S20 a dispatch looks at nothing that is pending but the last", () => {
  let looks = 0;
  const watched = (entry: Own): Own =>
    new Proxy(entry, { get: (of, name) => (looks++, Reflect.get(of, name)) });
  const after = (count: number): number => {
    const replica = withPending([], ...many(count).map(watched));
    looks = 0;
    replica.predict(watched(act("new", "new")));
    return looks;
  };
  expect(after(2_000)).toBeLessThanOrEqual(after(9));
});

test("[RB9] the order of what a model holds is the server's: an update may go by it", () => {
  // Least recently used: "a" puts a last, "-" drops the first.
  const lru = (model: unknown, { messages }: Act) => {
    const map = new Map(model as ReadonlyMap<string, number>);
    for (const message of messages as readonly string[]) {
      const key = message === "-" ? (map.keys().next().value ?? "") : message;
      map.delete(key);
      if (message !== "-") map.set(key, 1);
    }
    return { ok: true, model: map } as const;
  };
  const keys = (model: unknown): string[] => [...(model as ReadonlyMap<string, number>).keys()];
  const model = new Map([
    ["a", 1],
    ["b", 1],
  ]);
  const records = (...acts: Own[]) => ({
    records: acts.map((one) => ({ act: one, own: false })),
    sequence: acts.length,
    mark: 1,
  });
  // Another's record that changes the order alone.
  const follower = begun(model, lru);
  follower.advance(records(act("1", "a"), act("2", "-")));
  expect(keys(follower.confirmed?.model)).toEqual(["a"]);
  // One's own prediction that does.
  const author = begun(model, lru);
  author.predict(act("1", "a"));
  expect(keys(visible(author))).toEqual(["b", "a"]);
  // A replay that comes to what is shown in another order.
  const replayed = begun(model, lru);
  replayed.predict(act("1", "c"));
  replayed.advance(records(act("2", "a"), act("3", "b"), act("4", "a")));
  expect(keys(visible(replayed))).toEqual(["b", "a", "c"]);
  // An own record that is not the prediction, by its order alone.
  const amended = begun(model, lru);
  amended.predict(act("1", "a"));
  amended.advance({ records: [{ act: act("1", "b"), own: true }], sequence: 1, mark: 1 });
  expect(keys(visible(amended))).toEqual(["a", "b"]);
  // A snapshot that differs in order alone.
  const other = begun(model, lru);
  other.reset({ model: new Map([...model].toReversed()), sequence: 9, mark: 9 }, 9);
  expect(keys(visible(other))).toEqual(["b", "a"]);
});
