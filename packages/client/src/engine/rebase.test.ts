import fc from "fast-check";
import { sameInOrder } from "@calla/shared";
import { expect, test } from "vitest";
import { advance, emptyReplica, predict, reset, visible } from "./rebase.ts";
import type { Act, Fold, Own, Replica } from "./rebase.ts";
import { createRoom, createSpace } from "./kept-predictions.ts";

// Messages are texts appended to a list. "!x" is refused while the list holds x, "#" appends the context's time.
interface Entry extends Own {
  sequence?: number;
}
let folds = 0;
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
const act = (id: string, ...messages: string[]): Entry => ({
  id,
  messages,
  at: 1,
  userId: null,
  visitor: "",
  size: 8 * (messages.length + 1),
});
const confirmed = (sequence: number, ...model: string[]) => ({ model, sequence, mark: sequence });
const goneAt =
  (sequence: number) =>
  (entry: Entry): boolean =>
    entry.sequence !== undefined && entry.sequence <= sequence;
const never = (): boolean => false;

function dispatched(
  replica: Replica<Entry>,
  entry: Entry,
  by: Fold<{ ok: false; code: string; details: object }> = fold,
) {
  const { failed } = predict(replica, entry, by, room, sameInOrder);
  return { replica, failed };
}
function withPending(model: readonly string[], ...entries: readonly Entry[]): Replica<Entry> {
  let replica: Replica<Entry> = reset(emptyReplica(), confirmed(0, ...model), never, fold, room, sameInOrder);
  for (const entry of entries) replica = dispatched(replica, entry).replica;
  return replica;
}
/** The records come as one frame; those that are entries are own. */
function received(replica: Replica<Entry>, ...acts: readonly Entry[]): Replica<Entry> {
  const after = replica.confirmed?.sequence ?? 0;
  const sequence = after + acts.length;
  const pending = replica.pending.map(({ entry }) => entry);
  const records = acts.map((one, i) => {
    const entry = pending.find(({ id }) => id === one.id);
    if (entry) entry.sequence = after + i + 1;
    return { act: one, entry };
  });
  const next = advance(
    replica,
    { records, sequence, mark: sequence },
    goneAt(sequence),
    fold,
    room,
    sameInOrder,
  );
  if (!next.ok) throw new Error("diverged");
  return next.replica;
}

test("[RB1] [RB12] a dispatch is folded over what is visible", () => {
  const replica = withPending(["a"], act("1", "b"), act("2", "c"));
  expect(visible(replica)).toEqual(["a", "b", "c"]);
  expect(replica.confirmed?.model).toEqual(["a"]);
});

test("[RB3] a prediction that changes nothing shows the same object", () => {
  const same = () => ({ ok: true, model: ["a"] }) as const;
  const before = reset(emptyReplica(), confirmed(0, "a"), never, same, room, sameInOrder);
  const shown = visible(before);
  expect(visible(dispatched(before, act("1", "b"), same).replica)).toBe(shown);
});

test("[RB1] [RB12] a prediction's time is the one it was dispatched at, however often it is replayed", () => {
  const mine = { ...act("1", "#"), at: 7 };
  let replica = withPending([], mine);
  replica = received(replica, { ...act("x", "#"), at: 9 });
  expect(visible(replica)).toEqual(["#9", "#7"]);
});

test("[RB2] S1 others' records go under what is pending, which is replayed on top", () => {
  const replica = received(withPending(["a"], act("1", "mine")), act("x", "theirs"));
  expect(replica.confirmed).toEqual(confirmed(1, "a", "theirs"));
  expect(visible(replica)).toEqual(["a", "theirs", "mine"]);
});

test("[RB2] P pending cost P updates a frame, however many records are in it", () => {
  const pending = Array.from({ length: 10 }, (_, i) => act(`${i}`, `p${i}`));
  const replica = withPending([], ...pending);
  folds = 0;
  received(replica, act("x", "x"), act("y", "y"), act("z", "z"));
  expect(folds).toBe(3 + 10);
});

test("[RB3] S2 own records that are as predicted leave visible the same object and cost nothing but themselves", () => {
  let replica = withPending(["a"], act("1", "b"), act("2", "c"), act("3", "d"));
  const shown = visible(replica);
  folds = 0;
  replica = received(replica, act("1", "b"));
  expect(visible(replica)).toBe(shown);
  replica = received(replica, act("2", "c"), act("3", "d"));
  expect(visible(replica)).toBe(shown);
  expect(replica).toEqual({ confirmed: confirmed(3, "a", "b", "c", "d"), pending: [] });
  expect(folds).toBe(3);
});

test("[RB3] a record that changes nothing keeps confirmed and every prediction", () => {
  const replica = withPending(["a"], act("1", "b"));
  folds = 0;
  const next = received(replica, act("x", "="));
  expect(next.confirmed?.model).toBe(replica.confirmed?.model);
  expect(next.pending).toEqual(replica.pending);
  expect(folds).toBe(1);
});

test("[RB2] S9 an amended own record replays the rest on the amended model", () => {
  const replica = received(withPending([], act("1", "x"), act("2", "y")), act("1", "X"));
  expect(visible(replica)).toEqual(["X", "y"]);
  expect(replica.pending.map(({ entry }) => entry.id)).toEqual(["2"]);
});

test("[RB4] S10 a refused prediction is skipped, stays pending, and shows once it fits", () => {
  const first = dispatched(withPending(["a"]), act("1", "!a"));
  expect(first.failed).toMatchObject({ ok: false });
  expect(visible(first.replica)).toEqual(["a"]);
  const { replica } = dispatched(first.replica, act("2", "b"));
  expect(visible(replica)).toEqual(["a", "b"]);
  expect(visible(reset(replica, confirmed(5), never, fold, room, sameInOrder))).toEqual(["!a", "b"]);
});

test("[RB5] S8 a rejected dispatch is rolled back and later ones are replayed", () => {
  const replica = withPending([], act("1", "a"), act("2", "!a"), act("3", "c"));
  expect(visible(replica)).toEqual(["a", "c"]);
  const next = reset(replica, replica.confirmed, ({ id }) => id === "1", fold, room, sameInOrder);
  expect(visible(next)).toEqual(["!a", "c"]);
});

test("[RB5] S3 S39 a snapshot and what it contains are one step", () => {
  const mine = act("1", "a");
  const replica = withPending([], mine, act("2", "b"));
  mine.sequence = 4;
  const next = reset(replica, confirmed(4, "x", "a"), goneAt(4), fold, room, sameInOrder);
  expect(visible(next)).toEqual(["x", "a", "b"]);
  expect(next.pending.map(({ entry }) => entry.id)).toEqual(["2"]);
});

test("[RB5] [RB13] a dispatch whose place is ahead of confirmed stays until confirmed is there", () => {
  const mine = { ...act("1", "a"), sequence: 2 };
  let replica = withPending([], mine);
  replica = reset(replica, replica.confirmed, goneAt(0), fold, room, sameInOrder);
  expect(visible(replica)).toEqual(["a"]);
  replica = received(replica, act("x", "x"));
  expect(visible(replica)).toEqual(["x", "a"]);
  replica = received(replica, act("1", "a"));
  expect(replica.pending).toEqual([]);
});

test("[RB6] what comes out equal is shown as the same object", () => {
  const replica = withPending(["a"], act("1", "b"));
  const shown = visible(replica);
  expect(visible(reset(replica, confirmed(9, "a"), never, fold, room, sameInOrder))).toBe(shown);
  expect(visible(reset(replica, confirmed(9, "a", "b"), () => true, fold, room, sameInOrder))).toBe(shown);
});

test("[RB7] while nothing is confirmed nothing is predicted; the first snapshot shows what waits", () => {
  const { replica, failed } = dispatched(emptyReplica(), act("1", "a"), fold);
  expect([visible(replica), failed]).toEqual([undefined, undefined]);
  expect(visible(reset(replica, confirmed(3, "x"), never, fold, room, sameInOrder))).toEqual(["x", "a"]);
  expect(visible(reset(replica, undefined, never, fold, room, sameInOrder))).toBeUndefined();
});

test("[RB8] a confirmed record that does not fold here changes nothing and says so", () => {
  const replica = withPending(["a"], act("1", "b"));
  const records = [{ act: act("x", "!a"), entry: undefined }];
  expect(advance(replica, { records, sequence: 1, mark: 1 }, never, fold, room, sameInOrder)).toMatchObject({
    ok: false,
  });
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
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), fc.constantFrom(0, 60, 300, 1e6), (steps, left) => {
      const space = { left };
      room = createRoom(space);
      let server: readonly string[] = [];
      let sequence = 0;
      let count = 0;
      /** What the server has and the client has not: acts by sequence. */
      let ahead: Entry[] = [];
      let undecided: Entry[] = [];
      let replica = withPending([]);
      const accept = (one: Entry): boolean => {
        const result = fold(server, one);
        if (result.ok) server = result.model;
        return result.ok;
      };
      const catchUp = (): void => {
        replica = received(replica, ...ahead);
        ahead = [];
      };
      for (const one of steps) {
        const own = undecided[0];
        if (one.do === "dispatch") {
          const entry = act(`${count++}`, one.text);
          undecided.push(entry);
          replica = dispatched(replica, entry).replica;
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
            replica = reset(replica, replica.confirmed, ({ id }) => id === own.id, fold, room, sameInOrder);
            continue;
          }
          sequence++;
          ahead.push({ ...record });
          if (one.do === "take") catchUp();
          else own.sequence = sequence;
        } else if (one.do === "refuse" && own) {
          undecided = undecided.slice(1);
          replica = reset(replica, replica.confirmed, ({ id }) => id === own.id, fold, room, sameInOrder);
        } else if (one.do === "snapshot") {
          ahead = [];
          replica = reset(
            replica,
            { model: server, sequence, mark: sequence },
            goneAt(sequence),
            fold,
            room,
            sameInOrder,
          );
        }
        const known = replica.confirmed?.sequence === sequence;
        if (known) expect(replica.confirmed?.model).toEqual(server);
        let expected = replica.confirmed?.model;
        for (const { entry, model } of replica.pending) {
          const result = fold(expected, entry);
          if (result.ok) expected = result.model;
          if (model !== undefined) expect(model).toEqual(expected);
        }
        expect(visible(replica)).toEqual(expected);
        expect(
          replica.pending
            .map(({ entry }) => entry.id)
            .filter((id) => undecided.some((entry) => entry.id === id)),
        ).toEqual(undecided.map(({ id }) => id));
      }
      catchUp();
      expect(replica.confirmed?.model).toEqual(server);
      reset(replica, undefined, () => true, fold, room, sameInOrder);
      expect(space.left).toBe(left);
    }),
    { numRuns: 500 },
  );
  room = createRoom(createSpace());
});

// ------------------------------------------------------------------------------------------------- memory (RB10)

const many = (count: number): Entry[] => Array.from({ length: count }, (_, i) => act(`${i}`, `p${i}`));
const keptModels = ({ pending }: Replica<Entry>): number =>
  pending.filter(({ model }) => model !== undefined).length;

test("[RB10] S20 of many predictions the first, the last and 64 between keep their models, and records as predicted cost two updates each", () => {
  room = createRoom(createSpace());
  const entries = many(500);
  let replica = withPending(["a"], ...entries);
  expect(keptModels(replica)).toBe(66);
  const shown = visible(replica);
  folds = 0;
  for (const entry of entries) {
    replica = received(replica, entry);
    expect(visible(replica)).toBe(shown);
  }
  expect(folds).toBeLessThanOrEqual(2 * entries.length);
  expect(replica).toEqual({ confirmed: confirmed(500, "a", ...entries.map((_, i) => `p${i}`)), pending: [] });
});

test("[RB10] a replay keeps as few, and a record that is not as predicted is found where its model was not kept", () => {
  room = createRoom(createSpace());
  const entries = many(200);
  let replica = received(withPending(["a"], ...entries), act("x", "theirs"));
  expect(keptModels(replica)).toBe(66);
  for (const entry of entries.slice(0, 100)) replica = received(replica, entry);
  const shown = visible(replica);
  replica = received(replica, { ...(entries[100] as Entry), messages: ["amended"] });
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
    room = createRoom(space);
    const replica = reset(emptyReplica() as Replica<Entry>, confirmed(0), never, text, room, sameInOrder);
    for (const entry of many(20)) dispatched(replica, entry, text);
    return { room, replica };
  });
  const between = targets.reduce((sum, { replica }) => sum + keptModels(replica) - 2, 0);
  expect(between).toBeGreaterThan(4);
  expect(between * 1_000_000).toBeLessThanOrEqual(8 * 1024 * 1024);
  for (const one of targets) reset(one.replica, undefined, never, text, one.room, sameInOrder);
  expect(space.left).toBe(whole);
  room = createRoom(createSpace());
});

test("[RB10] [RB14] S20 a dispatch looks at nothing that is pending but the last", () => {
  let looks = 0;
  const watched = (entry: Entry): Entry =>
    new Proxy(entry, { get: (of, name) => (looks++, Reflect.get(of, name)) });
  const after = (count: number): number => {
    const replica = withPending([], ...many(count).map(watched));
    looks = 0;
    dispatched(replica, watched(act("new", "new")));
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
  const begin = () => reset(emptyReplica(), { model, sequence: 0, mark: 0 }, never, lru, room, sameInOrder);
  const begun = begin();
  const records = (...acts: Entry[]) => ({
    records: acts.map((one) => ({ act: one, entry: undefined })),
    sequence: acts.length,
    mark: 1,
  });
  // Another's record that changes the order alone.
  const touched = advance(begun, records(act("1", "a"), act("2", "-")), never, lru, room, sameInOrder);
  expect(touched.ok && keys(touched.replica.confirmed?.model)).toEqual(["a"]);
  // One's own prediction that does.
  expect(keys(visible(dispatched(begin(), act("1", "a"), lru).replica))).toEqual(["b", "a"]);
  // A replay that comes to what is shown in another order.
  const pending = dispatched(begin(), act("1", "c"), lru).replica;
  const replayed = advance(
    pending,
    records(act("2", "a"), act("3", "b"), act("4", "a")),
    never,
    lru,
    room,
    sameInOrder,
  );
  expect(replayed.ok && keys(visible(replayed.replica))).toEqual(["b", "a", "c"]);
  // A snapshot that differs in order alone.
  const other = { model: new Map([...model].toReversed()), sequence: 9, mark: 9 };
  expect(keys(reset(begun, other, never, lru, room, sameInOrder).confirmed?.model)).toEqual(["b", "a"]);
});
