// The contract of a key-value store: one check for each thing that clients rely on.
import type { KeyValueStore, StoreCommit } from "../tabs/key-value-store.ts";

/** Makes stores over one place, as pages of one browser open it one after the other. */
export interface StoreSubject {
  /** Opens the place as the next page would: it finds what the pages before have committed. */
  open(): KeyValueStore | Promise<KeyValueStore>;
}

/** One check: `run` rejects if the store breaks the rule. */
export interface StoreCheck {
  readonly name: string;
  /** Resolves where the store does what `name` says, and rejects with what it does instead. Begins with an empty place. */
  run(subject: StoreSubject): Promise<void>;
}

const commitOf = (
  values: Readonly<Record<string, unknown>>,
  rest: Partial<StoreCommit> = {},
): StoreCommit => ({
  expect: new Map(),
  clear: [],
  ...rest,
  values: new Map(Object.entries(values)),
});

function same(actual: unknown, expected: unknown, what: string): void {
  const [a, b] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (a !== b) throw new Error(`${what}: expected ${b}, got ${a}`);
}

/** What is there under a prefix, in the order of the keys. */
const there = async (store: KeyValueStore, prefix = ""): Promise<readonly (readonly [string, unknown])[]> =>
  [...(await store.read(prefix))].toSorted(([a], [b]) => (a < b ? -1 : 1));
const keysOf = async (store: KeyValueStore, prefix = ""): Promise<readonly string[]> =>
  (await store.keys(prefix)).toSorted();

/** What another store finds in the same place when this one is closed. */
async function reopened(subject: StoreSubject, store: KeyValueStore): Promise<KeyValueStore> {
  await store.close();
  return subject.open();
}

/**
 * What every key-value store must do.
 *
 * @example
 * for (const { name, run } of keyValueStoreContract) test(name, () => run({ open: () => myStore(newPath()) }));
 */
export const keyValueStoreContract: readonly StoreCheck[] = [
  {
    name: "[TB20] an empty place has nothing, and says so",
    async run(subject) {
      const store = await subject.open();
      same([await there(store), await keysOf(store)], [[], []], "read and keys");
      await store.close();
    },
  },
  {
    name: "[TB20] what was committed is there for the next one, as it was given",
    async run(subject) {
      const store = await subject.open();
      const value = { text: "\u2028 \ud83d\ude00", deep: [{ n: -0.5 }], none: null, yes: true, no: [] };
      const all = { "of/a/entry/1/list:1": value, "client/a/token": "t", "client/a/used": 5 };
      same(await store.commit(commitOf(all)), true, "the commit");
      const next = await reopened(subject, store);
      same(
        await there(next),
        Object.entries(all).toSorted(([a], [b]) => (a < b ? -1 : 1)),
        "what is read",
      );
      await next.close();
    },
  },
  {
    name: "[TB20] read and keys give what begins with the prefix and nothing else, whatever targets are called",
    async run(subject) {
      const store = await subject.open();
      const names = [
        "of/a/x",
        "of/a/",
        "of/a/\uffff\uffff",
        "of/a/%_*",
        "of/A/x",
        "of/ab/x",
        "of/",
        "of/a0",
        "of/a",
      ];
      await store.commit(commitOf(Object.fromEntries(names.map((name) => [name, name]))));
      const under = names.filter((name) => name.startsWith("of/a/")).toSorted();
      same(await keysOf(store, "of/a/"), under, "keys");
      same(
        await there(store, "of/a/"),
        under.map((name) => [name, name]),
        "read",
      );
      same((await keysOf(store)).length, names.length, "how many keys there are");
      await store.close();
    },
  },
  {
    name: "[TB20] a value replaces the one before, and undefined removes it",
    async run(subject) {
      const store = await subject.open();
      await store.commit(commitOf({ a: 1, b: 1, c: 1 }));
      await store.commit(commitOf({ a: [2], b: undefined, d: undefined }));
      const next = await reopened(subject, store);
      same(
        await there(next),
        [
          ["a", [2]],
          ["c", 1],
        ],
        "what is left",
      );
      await next.close();
    },
  },
  {
    name: "[TB20] prefixes are cleared before values are written",
    async run(subject) {
      const store = await subject.open();
      await store.commit(commitOf({ "a/1": 1, "a/2": 1, "ab/1": 1, b: 1 }));
      await store.commit(commitOf({ "a/3": 3 }, { clear: ["a/", "b"] }));
      same(await keysOf(store), ["a/3", "ab/1"], "what is left");
      await store.commit(commitOf({ last: 1 }, { clear: [""] }));
      const next = await reopened(subject, store);
      same(await keysOf(next), ["last"], "what is left of everything");
      await next.close();
    },
  },
  {
    name: "[TB20] where something expected is not there, nothing is done, and the commit says false",
    async run(subject) {
      const store = await subject.open();
      await store.commit(commitOf({ token: "one", other: "two" }));
      const refused: readonly Record<string, readonly (string | undefined)[]>[] = [
        { token: ["two"] },
        { token: [undefined] },
        { token: [] },
        { absent: ["one"] },
        { token: ["one"], other: ["one"] },
      ];
      for (const expect of refused) {
        const given = new Map(Object.entries(expect));
        const done = await store.commit(commitOf({ new: 1, token: "x" }, { expect: given, clear: ["o"] }));
        same(done, false, `a commit that expects ${JSON.stringify(expect)}`);
      }
      const met = new Map<string, readonly (string | undefined)[]>([
        ["token", ["x", "one"]],
        ["other", ["two"]],
        ["absent", ["one", undefined]],
      ]);
      same(
        await store.commit(commitOf({ token: "x" }, { expect: met })),
        true,
        "one that expects what is there",
      );
      const next = await reopened(subject, store);
      same(
        await there(next),
        [
          ["other", "two"],
          ["token", "x"],
        ],
        "what is there",
      );
      await next.close();
    },
  },
  {
    name: "[TB20] commits are done in the order of the calls, each whole, even if they overlap, and reads come after them",
    async run(subject) {
      const store = await subject.open();
      const commits = Array.from({ length: 20 }, (_, i) =>
        store.commit(
          commitOf(
            { token: `${i + 1}`, [`only/${i}`]: i, every: i },
            { expect: new Map([["token", i === 0 ? [undefined] : [`${i}`]]]) },
          ),
        ),
      );
      const read = there(store);
      same(
        await Promise.all(commits),
        Array.from({ length: 20 }, () => true),
        "the commits",
      );
      same((await read).length, 22, "how much was read after them");
      const next = await reopened(subject, store);
      same(new Map(await there(next)).get("every"), 19, "the last of the same key");
      await next.close();
    },
  },
  {
    name: "[TB20] of two that take the same at once one is refused",
    async run(subject) {
      const store = await subject.open();
      await store.commit(commitOf({ token: "free" }));
      const takes = ["a", "b"].map((name) =>
        store.commit(commitOf({ token: name, [name]: 1 }, { expect: new Map([["token", ["free"]]]) })),
      );
      const done = await Promise.all(takes);
      same(done.filter((one) => one).length, 1, "how many were done");
      same((await keysOf(store)).length, 2, "how many keys there are");
      await store.close();
    },
  },
];
