// The contract of a whole storage, whatever it is made of: what is in it is what folding the changes gives (OB6). Not here:
// what is asked of a store beneath it (key-value-store-contract.ts).
import { inside } from "../storage/storage.ts";
import type {
  Owner,
  PageStorage,
  Storage,
  StorageChange,
  StoredClient,
  StoredEntry,
} from "../storage/storage.ts";

/** Makes storages that share what is stored, as pages of one browser do that follow each other. */
export interface StorageSubject {
  /** Opens the storage as the next page would: it finds what the pages before have committed. */
  open(): Storage | Promise<Storage>;
}

/** One check: `run` rejects if the storage breaks the rule. */
export interface StorageCheck {
  readonly name: string;
  /** Resolves where the storage does what `name` says, and rejects with what it does instead. */
  run(subject: StorageSubject): Promise<void>;
}

const OWNER: Owner = { server: "s", user: null };
const ANYBODY: Owner = { server: "s", user: undefined };
const identity = (clientId: string, userId: string | null = null) =>
  ({ type: "identity", identity: { clientId, secret: `secret of ${clientId}`, userId } }) as const;
const entry = (mid: number, more: Partial<StoredEntry> = {}) =>
  ({
    type: "entry",
    entry: { target: "t", mid, id: `id${mid}`, messages: [{ type: "m", mid }], at: 1, version: 1, ...more },
  }) as const;
const model = (sequence: number) =>
  ({
    type: "model",
    target: "t",
    model: { version: 1, model: { n: sequence }, sequence, mark: 9, usedAt: 1 },
  }) as const;

const opened = async (subject: StorageSubject): Promise<PageStorage> => inside(await subject.open());

/** What a page finds that comes after the others. */
async function lookUp(subject: StorageSubject, owner: Owner): Promise<StoredClient | undefined> {
  const storage = await opened(subject);
  const client = await storage.load(owner);
  await storage.close();
  return client;
}
async function reopened(subject: StorageSubject, owner = OWNER): Promise<StoredClient> {
  const client = await lookUp(subject, owner);
  if (client === undefined) throw new Error("nothing was stored");
  return client;
}
async function stored(
  subject: StorageSubject,
  ...commits: readonly (readonly StorageChange[])[]
): Promise<StoredClient> {
  const storage = await opened(subject);
  await storage.load(OWNER);
  await Promise.all(commits.map((changes) => storage.commit(changes)));
  await storage.close();
  return reopened(subject);
}
function same(actual: unknown, expected: unknown, what: string): void {
  const [a, b] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (a !== b) throw new Error(`${what}: expected ${b}, got ${a}`);
}
const mids = ({ entries }: StoredClient): number[] => entries.map(({ mid }) => mid).toSorted((a, b) => a - b);

/**
 * What every storage must do: run it over `tabStorage` with a store and locks of your own.
 *
 * @example
 * const open = () => tabStorage({ store: () => myStore(path), locks: () => myLocks() });
 * for (const { name, run } of storageContract) test(name, () => run({ open }));
 */
export const storageContract: readonly StorageCheck[] = [
  {
    name: "[OB6] nothing stored is undefined, whoever asks",
    async run(subject) {
      same(await lookUp(subject, OWNER), undefined, "load of an owner");
      same(await lookUp(subject, ANYBODY), undefined, "load of anybody");
    },
  },
  {
    name: "[OB6] what was committed is there after a reload, as it was given",
    async run(subject) {
      const message = { type: "m", text: "\u2028", deep: [{ n: -0.5 }], void: null };
      const found = await stored(subject, [
        identity("a"),
        entry(1, { messages: [message, message] }),
        { type: "target", target: "t", settled: 0, last: 1 },
      ]);
      same(found.identity, identity("a").identity, "identity");
      same(found.entries, [entry(1, { messages: [message, message] }).entry], "entries");
      same(found.targets.get("t"), { settled: 0, last: 1 }, "target");
    },
  },
  {
    name: "[OB6] commits apply in the order of the calls, even if they overlap",
    async run(subject) {
      const many = Array.from({ length: 20 }, (_, i) => [entry(1, { id: `id${i}` }), entry(i + 2)]);
      const found = await stored(subject, ...many);
      same(
        mids(found),
        Array.from({ length: 21 }, (_, i) => i + 1),
        "mids",
      );
      same(found.entries.find(({ mid }) => mid === 1)?.id, "id19", "the last of the same mid");
    },
  },
  {
    name: "[OB6] a settled entry leaves at once where no model is stored",
    async run(subject) {
      const found = await stored(
        subject,
        [entry(1), entry(2), entry(3)],
        [
          { type: "outcome", target: "t", mid: 1, sequence: 7 },
          { type: "outcome", target: "t", mid: 2, sequence: 0 },
        ],
      );
      same(mids(found), [3], "mids");
    },
  },
  {
    name: "[OB6] a settled entry that an older stored model lacks stays, marked, until a model has it",
    async run(subject) {
      const changes = [model(5), entry(1), entry(2), entry(3)];
      const outcomes = [1, 2, 3].map(
        (mid) => ({ type: "outcome", target: "t", mid, sequence: mid === 3 ? 0 : mid + 4 }) as const,
      );
      const found = await stored(subject, changes, outcomes);
      same(
        found.entries.map(({ mid, sequence }) => [mid, sequence]),
        [[2, 6]],
        "marked entries",
      );
      same(mids(await stored(subject, [model(6)])), [], "after a newer model");
    },
  },
  {
    name: "[OB6] dropping the model frees the entries it kept, and no others",
    async run(subject) {
      const kept = [
        model(5),
        entry(1),
        entry(2),
        { type: "outcome", target: "t", mid: 1, sequence: 6 },
      ] as const;
      const found = await stored(subject, kept, [{ type: "drop-model", target: "t" }]);
      same(mids(found), [2], "mids");
      same(found.models.size, 0, "models");
    },
  },
  {
    name: "[OB6] a model is there after a reload as it was given, the newest of its target",
    async run(subject) {
      const found = await stored(subject, [model(5)], [model(6), { ...model(2), target: "t2" }]);
      same(found.models.get("t"), model(6).model, "the model");
      same(found.models.get("t2"), model(2).model, "the other target's");
    },
  },
  {
    name: "[OB12] what is forgotten is gone, with all of the user's other clients; others' stays",
    async run(subject) {
      const begin = (user: string) => ({ type: "begin", user, keepFormer: true }) as const;
      const storage = await opened(subject);
      await storage.load({ server: "s", user: "ann" });
      await storage.commit([identity("a", "ann"), entry(1), model(5)]);
      await storage.commit([begin("bob"), identity("b", "bob"), entry(2)]);
      await storage.commit([begin("ann"), identity("c", "ann"), entry(3)]);
      await storage.commit([{ type: "forget" }]);
      same(await lookUp(subject, { server: "s", user: "ann" }), undefined, "ann's");
      same(mids(await reopened(subject, { server: "s", user: "bob" })), [2], "bob's");
    },
  },
  {
    name: "[OB6] targets are apart, whatever their names have in common",
    async run(subject) {
      const found = await stored(
        subject,
        [entry(1), entry(1, { target: "t2" }), entry(11, { target: "" })],
        [{ type: "outcome", target: "t", mid: 1, sequence: 1 }],
      );
      same(found.entries.map(({ target, mid }) => `${target} ${mid}`).toSorted(), [" 11", "t2 1"], "entries");
    },
  },
  {
    name: "[OB6] S41 a new client keeps another user's outbox where it is, or replaces its own",
    async run(subject) {
      const storage = await opened(subject);
      await storage.load(OWNER);
      await storage.commit([identity("a", "ann"), entry(1)]);
      await storage.commit([
        { type: "begin", user: "bob", keepFormer: true },
        identity("b", "bob"),
        entry(5),
      ]);
      await storage.close();
      same(mids(await reopened(subject, { server: "s", user: "ann" })), [1], "ann's");
      same(mids(await reopened(subject, { server: "s", user: "bob" })), [5], "bob's");
      same(await lookUp(subject, { server: "s", user: "eve" }), undefined, "eve's");
      same(await lookUp(subject, { server: "other", user: "ann" }), undefined, "another server's");
      const again = await opened(subject);
      await again.load({ server: "s", user: "bob" });
      await again.commit([{ type: "begin", user: "bob", keepFormer: false }, identity("c", "bob")]);
      await again.close();
      const now = await reopened(subject, { server: "s", user: "bob" });
      same([now.identity?.clientId, mids(now)], ["c", []], "the new client");
    },
  },
];
