import { automatic, CallaError, json } from "@calla/shared";
import type { ClientFrame } from "@calla/shared";
import { describe, expect, test } from "vitest";
import { testCore } from "../../test/core.ts";
import { turn } from "../../test/kit.ts";
import { added, slowStorage } from "../../test/live.ts";
import { dispatch } from "../engine/dispatch.ts";
import { decide } from "../engine/outbox.ts";
import type { Dispatch } from "../engine/records.ts";
import { due, queueOf, targetOf } from "../engine/targets.ts";
import { createLedger } from "./ledger.ts";
import { memoryPageStorage } from "./memory-storage.ts";
import type { Owner, PageStorage, StorageChange, StoredEntry } from "./storage.ts";

const KEY = "list:1";
const ANN: Owner = { server: "", user: "ann" };
const NOBODY: Owner = { server: "", user: undefined };

/** A client's engine over a storage whose commits wait for the test. */
async function engine(
  storage = slowStorage() as PageStorage & Partial<ReturnType<typeof slowStorage>>,
  owner = ANN,
) {
  const made = testCore({ user: owner.user } as Parameters<typeof testCore>[0]);
  const { core, clock } = made;
  const ledger = createLedger(core, storage, owner, {
    clock,
    serialiser: automatic(json()),
    report: core.report,
    flush: () => expect.unreachable(),
  });
  core.ledger = ledger;
  core.maxInFlight = 256;
  await ledger.load();
  await turn();
  return {
    ...made,
    ledger,
    storage,
    commits: storage.commits ?? [],
    add: (text: string) => dispatch(core, KEY, added(text)),
    /** The server has applied the oldest. */
    apply(sequence: number) {
      const one = targetOf(core, KEY);
      const entry = one.queue.entries[0] as Dispatch;
      decide(core, one, entry.mid, entry.id, { sequence });
      due(core);
    },
    mids: () => sentMids(made.sent),
  };
}
const sentMids = (sent: readonly ClientFrame[]): unknown[] =>
  sent.flatMap((frame) => (frame.type === "TopicMessage" ? [frame.mid] : []));
const brief = (changes: readonly StorageChange[]): string[] =>
  changes.map((change) =>
    change.type === "entry"
      ? `entry ${change.entry.mid}`
      : change.type === "outcome"
        ? `outcome ${change.mid}@${change.sequence}`
        : change.type === "target"
          ? `target ${change.settled}/${change.last}`
          : change.type,
  );
async function heard(promise: Promise<unknown>): Promise<string> {
  return Promise.race([
    promise.then(
      () => "done",
      (error: CallaError) => error.code,
    ),
    turn().then(() => "waits"),
  ]);
}
const entry = (mid: number, more: Partial<StoredEntry> = {}): StorageChange => ({
  type: "entry",
  entry: { target: KEY, mid, id: `id${mid}`, messages: [added(`${mid}`)], at: 1, version: 1, ...more },
});
/** What an earlier page of ann's has left. */
async function left(...changes: readonly StorageChange[]): Promise<PageStorage> {
  const storage = memoryPageStorage();
  await storage.load(ANN);
  await storage.commit(changes);
  return storage;
}

test("[CL61] the storage has what a turn dispatched before listeners are told of it", async () => {
  const { core, add, commits } = await engine();
  core.unsaved.clear();
  const before = commits.length;
  const told: number[] = [];
  targetOf(core, KEY).changes.add(() => told.push(commits.length - before));
  targetOf(core, KEY).replica.reset({ model: { items: [] }, sequence: 0, mark: 0 }, 0);
  add("a");
  await turn();
  expect(told).toEqual([1]);
});

describe("transactions", () => {
  test("[OB1] nothing leaves before it is durable; one is under way at a time, and what came meanwhile is the next", async () => {
    const { add, commits, mids } = await engine();
    add("a");
    await turn();
    add("b");
    add("c");
    await turn();
    expect([commits.map(({ changes }) => brief(changes)), mids()]).toEqual([[["entry 1", "target 0/1"]], []]);
    await commits.shift()!.land();
    expect([commits.map(({ changes }) => brief(changes)), mids()]).toEqual([
      [["entry 2", "entry 3", "target 0/3"]],
      [1],
    ]);
    await commits.shift()!.land();
    expect([commits, mids()]).toEqual([[], [1, 2, 3]]);
  });

  test("[OB3] an outcome is durable before its caller has it and before settled covers it", async () => {
    const { core, add, apply, commits } = await engine();
    const write = add("a");
    await turn();
    await commits.shift()!.land();
    apply(5);
    await turn();
    const queue = queueOf(core, KEY);
    expect([brief(commits[0]!.changes), queue.settled, await heard(write.applied)]).toEqual([
      ["outcome 1@5", "target 1/1"],
      0,
      "waits",
    ]);
    await commits.shift()!.land();
    expect(queue.settled).toBe(1);
  });

  test("[OB3] an idle turn stores nothing", async () => {
    const { core, commits } = await engine();
    due(core);
    await turn();
    expect(commits).toEqual([]);
  });
});

describe("a storage that fails", () => {
  test("[OB9] it is told, queued rejects, the message is sent, settled waits; all is written anew at the next", async () => {
    const { core, ledger, add, apply, commits, mids, errors } = await engine();
    const [first, second] = [add("a"), add("b")];
    await turn();
    await commits.shift()!.land(new Error("the disk"));
    expect([ledger.failing, await heard(first.queued), await heard(second.queued), mids()]).toEqual([
      true,
      "storage",
      "storage",
      [1, 2],
    ]);
    apply(5);
    await turn();
    expect(brief(commits[0]!.changes)).toEqual(["begin", "entry 2", "target 1/2"]);
    await commits.shift()!.land();
    expect([ledger.failing, queueOf(core, KEY).settled, errors.length]).toEqual([false, 1, 1]);
  });

  test("[OB9] where nothing changes it is tried again only when somebody asks for it", async () => {
    const { core, ledger, add, commits } = await engine();
    add("a");
    await turn();
    await commits.shift()!.land(new Error("the disk"));
    due(core);
    await turn();
    expect(commits).toEqual([]);
    ledger.commit(true);
    await turn();
    expect(brief(commits[0]!.changes)).toEqual(["begin", "entry 1", "target 0/1"]);
  });

  test("[OB23] what is stored already under a former identity does not leave before it is stored anew", async () => {
    const { core, ledger, add, commits, mids } = await engine();
    add("a");
    await turn();
    await commits.shift()!.land();
    ledger.begin("ann", false);
    ledger.renumbered();
    const queue = queueOf(core, KEY);
    queue.last = queue.said = 0;
    core.unsaved.add(queue);
    for (const one of queue.entries) Object.assign(one, { stage: "new", mid: 0 });
    const sent = mids().length;
    due(core);
    await turn();
    expect(brief(commits[0]!.changes)).toEqual(["begin", "entry 1", "target 0/1"]);
    await commits.shift()!.land(new Error("the disk"));
    expect(mids()).toHaveLength(sent);
    ledger.commit(true);
    await turn();
    await commits.shift()!.land();
    expect(mids()).toHaveLength(sent + 1);
  });

  test("[OB25] one that cannot be read is told once, stores nothing from then on, and queued rejects with that", async () => {
    const failure = new CallaError("storage", { reason: "blocked" });
    const storage = { ...slowStorage(), load: () => Promise.reject(failure) };
    const { ledger, add, mids, errors } = await engine(storage);
    const write = add("a");
    await turn();
    expect([ledger.failing, await heard(write.queued), storage.commits, mids()]).toEqual([
      true,
      "storage",
      [],
      [1],
    ]);
    expect(errors).toEqual([failure]);
  });
});

describe("what an earlier page has left", () => {
  test("[OB2] [CL8] it stands before what is dispatched since, under its own mids, and no mid is used twice", async () => {
    const storage = await left(entry(4), entry(3), { type: "target", target: KEY, settled: 2, last: 7 });
    const { core, add } = await engine(storage);
    add("new");
    await turn();
    const queue = queueOf(core, KEY);
    expect([queue.entries.map(({ mid }) => mid), queue.settled]).toEqual([[3, 4, 8], 2]);
  });

  test("[OB7] [OB41] what was given up is void under its mid; why is kept", async () => {
    const storage = await left(entry(1, { messages: [] }), entry(2, { messages: [], gaveUp: "too-large" }));
    const { core } = await engine(storage);
    expect(
      queueOf(core, KEY).entries.map(({ messages, outcome, dropped }) => [
        messages,
        outcome && "error" in outcome && outcome.error.code,
        dropped?.code,
      ]),
    ).toEqual([
      [[], "cancelled", undefined],
      [[], undefined, "too-large"],
    ]);
  });

  test("[OB20] what was held is held", async () => {
    const { core } = await engine(await left(entry(1, { held: true })));
    expect([...core.held].map(({ id }) => id)).toEqual(["id1"]);
  });

  test("[CL8] [TB5] nobody's is shown or stored before the server has named the user, and another's never", async () => {
    for (const [user, expected] of [
      ["ann", ["id1"]],
      ["bob", []],
    ] as const) {
      const storage = await left(
        { type: "identity", identity: { clientId: "c", secret: "s", userId: "ann" } },
        entry(1),
      );
      const { core, ledger } = await engine(storage, NOBODY);
      expect([core.identity?.clientId, core.size]).toEqual(["c", 0]);
      expect(ledger.arrived(user)).toBe(user === "bob");
      expect(queueOf(core, KEY).entries.map(({ id }) => id)).toEqual(expected);
    }
  });
});

describe("the end", () => {
  test("[OB14] close stores what is not stored yet, then lets the storage go; no promise waits for it", async () => {
    let closed = 0;
    const slow = slowStorage();
    const storage = { ...slow, close: () => (closed++, Promise.resolve()) };
    const { ledger, add, commits } = await engine(storage);
    add("a");
    const done = ledger.close();
    await turn();
    expect([brief(commits[0]!.changes), closed]).toEqual([["entry 1", "target 0/1"], 0]);
    await commits.shift()!.land();
    await done;
    expect(closed).toBe(1);
  });

  test("[OB12] forget drops nothing where nobody is named, and all of it where somebody is", async () => {
    const unnamed = await engine(await left(entry(1)), NOBODY);
    await expect(unnamed.ledger.forget()).rejects.toMatchObject({ code: "forbidden" });
    const storage = await left(entry(1));
    const { ledger } = await engine(storage);
    await ledger.forget();
    expect([(await unnamed.storage.load(ANN))?.entries.length, await storage.load(ANN)]).toEqual([
      1,
      undefined,
    ]);
  });

  test("[OB34] everyone's is counted with what was not stored yet; a storage that has no way to says so", async () => {
    const { ledger, add } = await engine(await left(entry(1), entry(2)));
    add("outside");
    expect(await ledger.forgetEveryone()).toBe(3);
    const { forgetEveryone: _, ...simple } = memoryPageStorage();
    const without = await engine(simple);
    await expect(without.ledger.forgetEveryone()).rejects.toMatchObject({ code: "storage" });
  });
});
