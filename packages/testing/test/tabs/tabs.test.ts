// S18, S20, S41: several tabs over one storage, closed, crashed, reloaded and duplicated at the worst moment.
import type { StoreCommit } from "@calla/client";
import { expect, test } from "vitest";
import { World } from "./browser.ts";

const user = "anna";
async function unsent(world: World, ...texts: string[]) {
  const first = world.open(user);
  await world.clock.advance(500);
  first.add("before");
  await world.clock.advance(500);
  first.offline();
  for (const text of texts) first.add(text);
  await world.clock.advance(500);
  return first;
}
const clientOf = (world: World, text: string): string | undefined =>
  world.records()[world.texts().indexOf(text)]?.author?.clientId;
async function waiting(world: World): Promise<number> {
  return (await world.stored()).reduce((sum, one) => sum + one.waiting, 0);
}

test("[TB1] S18 each tab has a client of its own, and its order is kept", async () => {
  const world = new World();
  const [one, two] = [world.open(user), world.open(user)];
  await world.clock.advance(500);
  expect(one.client.clientId).not.toBe(two.client.clientId);
  for (let i = 0; i < 5; i++) {
    one.add(`one ${i}`);
    two.add(`two ${i}`);
    await world.clock.advance(7);
  }
  await world.clock.advance(1_000);
  for (const name of ["one", "two"])
    expect(world.texts().filter((text) => text.startsWith(name))).toEqual(
      [0, 1, 2, 3, 4].map((i) => `${name} ${i}`),
    );
  expect(world.errors).toEqual([]);
});

for (const how of ["crash", "close"] as const)
  test(`[TB4] S18 a tab that is gone (${how}) with unsent messages: another sends them under its identity, in order, once`, async () => {
    const world = new World();
    const first = await unsent(world, "a", "b", "c");
    const second = world.open(user);
    await world.clock.advance(500);
    const clients = [first.client.clientId, second.client.clientId];
    await first[how]();
    await world.clock.advance(500);
    expect(world.texts()).toEqual(["before"]); // the page may only be reloading
    await world.clock.advance(5_000);
    expect(world.texts()).toEqual(["before", "a", "b", "c"]);
    expect(clientOf(world, "c")).toBe(clients[0]);
    expect(second.client.clientId).toBe(clients[1]);
    expect(second.items()).toEqual(["before", "a", "b", "c"]);
    expect(await waiting(world)).toBe(0);
    expect(second.flushes).toBe(1);
    expect(world.errors).toEqual([]);
  });

test("[TB4] [OB20] [OB42] S18 what a gone tab left and no connection carries is held, once: its other messages arrive, nobody's own connection ends, and it is there for the next page", async () => {
  const world = new World();
  const first = await unsent(world, "a", "poison", "behind");
  first.add("elsewhere", "2");
  await world.clock.advance(500);
  const second = world.open(user, { note: { client: "nobody", left: false } });
  await world.clock.advance(500);
  first.crash();
  await world.clock.advance(600_000);
  expect([world.texts(), world.texts("2")]).toEqual([["before", "a"], ["elsewhere"]]);
  const codes = world.errors.map((error) => (error as { code: string }).code);
  expect(codes.filter((code) => code === "held")).toHaveLength(1);
  // It is tried no more, and the tab's own messages go their way.
  const { flushes } = second;
  second.add("mine");
  await world.clock.advance(600_000);
  expect([second.flushes, world.texts()]).toEqual([flushes, ["before", "a", "mine"]]);
  expect(await waiting(world)).toBe(2);
  const third = world.open(user, { note: first.note });
  await world.clock.advance(2_000);
  expect(third.client.status.held).toMatchObject([{ messages: [{ type: "added", text: "poison" }] }]);
  expect(third.client.status.held[0]?.cancel()).toBe(true);
  await world.clock.advance(5_000);
  expect(world.texts()).toEqual(["before", "a", "mine", "behind"]);
  expect([third.client.status.held, await waiting(world)]).toEqual([[], 0]);
  // What that page leaves behind in its turn is sent by the tab that had given up on it.
  third.offline();
  third.add("later");
  await world.clock.advance(20_000);
  third.crash();
  await world.clock.advance(30_000);
  expect(world.texts()).toEqual(["before", "a", "mine", "behind", "later"]);
  expect(second.flushes).toBe(flushes + 1);
});

test("[TB4] [OB20] [TB13] S18 what a gone tab left falls silent on every connection, for half a minute each: it is held in the end all the same", async () => {
  const world = new World();
  world.poison = "silences";
  const first = await unsent(world, "poison", "behind");
  first.add("elsewhere", "2");
  await world.clock.advance(500);
  const second = world.open(user, { note: { client: "nobody", left: false }, heartbeat: 24_000 });
  await world.clock.advance(500);
  first.crash();
  await world.clock.advance(1_200_000);
  expect(world.errors.map((error) => (error as { code: string }).code)).toEqual(["held"]);
  expect([world.texts(), world.texts("2")]).toEqual([["before"], ["elsewhere"]]);
  const { flushes } = second;
  await world.clock.advance(1_200_000);
  expect(second.flushes).toBe(flushes);
});

test("[TB4] S18 a page that never knew a server: what it stored is sent under an identity of its own", async () => {
  const world = new World();
  const first = world.open(user, { online: false });
  await world.clock.advance(500);
  first.add("a");
  first.add("b");
  await world.clock.advance(500);
  const second = world.open(user);
  await world.clock.advance(500);
  first.crash();
  await world.clock.advance(5_000);
  expect(world.texts()).toEqual(["a", "b"]);
  expect(clientOf(world, "a")).not.toBe(second.client.clientId);
  expect(await waiting(world)).toBe(0);
  expect(world.errors).toEqual([]);
});

test("[TB4] S18 the tab that sent what a closed page had dispatched hears of its refusal", async () => {
  const world = new World();
  const first = await unsent(world, "before");
  const [, refused] = first.sent;
  const second = world.open(user);
  await world.clock.advance(500);
  first.crash();
  await world.clock.advance(5_000);
  expect(world.rejected).toEqual([{ id: refused!.write.id, code: "twice" }]);
  expect(second.flushes).toBe(1);
  expect(await waiting(world)).toBe(0);
});

test("[TB4] [TB16] S18 a tab that came and went between two looks is found all the same", async () => {
  const world = new World();
  const keeper = world.open(user);
  await world.clock.advance(3_250);
  const brief = world.open(user, { online: false });
  await world.clock.advance(100);
  brief.add("brief");
  await world.clock.advance(100);
  brief.crash();
  await world.clock.advance(10_000);
  expect(world.texts()).toEqual(["brief"]);
  expect(keeper.flushes).toBe(1);
});

test("[TB1] S18 a duplicated tab takes another client; nothing is applied twice", async () => {
  const world = new World();
  const first = await unsent(world, "a", "b");
  const copy = first.duplicate();
  await world.clock.advance(500);
  expect(copy.pending()).toEqual([]);
  expect(copy.client.clientId).not.toBe(first.client.clientId);
  copy.add("copy");
  first.online();
  await world.clock.advance(5_000);
  expect(world.texts().toSorted()).toEqual(["a", "b", "before", "copy"]);
  expect(copy.flushes).toBe(0);
  expect(world.errors).toEqual([]);
});

test("[TB1] S6 S20 a reloaded tab finds its own client, also while its former page still holds it for a moment", async () => {
  const world = new World();
  const first = await unsent(world, "a");
  const other = world.open(user, { online: false });
  await world.clock.advance(100);
  const { clientId } = first.client;
  const { note } = first;
  const second = world.open(user, { note: { ...note!, left: true }, online: false });
  await world.clock.advance(500);
  expect(second.pending()).toEqual([]);
  first.crash(true);
  await world.clock.advance(100);
  expect(second.pending()).toEqual(["a"]);
  expect(second.items()).toEqual(["before", "a"]);
  second.online();
  await world.clock.advance(5_000);
  expect(second.client.clientId).toBe(clientId);
  expect(world.texts()).toEqual(["before", "a"]);
  expect(other.pending()).toEqual([]);
  expect(world.errors).toEqual([]);
});

test("[TB4] [TB14] S18 a page that comes back takes its client from whoever sends for it; every message is applied once", async () => {
  for (let after = 1_500; after < 3_200; after += 40) {
    const world = new World(after);
    const first = await unsent(world, "a", "b", "c");
    const second = world.open(user, { latency: 60, commitDelay: 30 });
    await world.clock.advance(500);
    const { clientId } = first.client;
    first.crash();
    await world.clock.advance(after);
    const back = first.duplicate({ latency: 20 });
    await world.clock.advance(100);
    back.add("d");
    await world.clock.advance(8_000);
    expect(back.client.clientId).toBe(clientId);
    expect(world.texts()).toEqual(["before", "a", "b", "c", "d"]);
    expect([back.pending(), second.items()]).toEqual([[], ["before", "a", "b", "c", "d"]]);
    expect(await waiting(world)).toBe(0);
    expect(world.errors).toEqual([]);
  }
});

test("[TB4] [TB13] S18 of several tabs one sends for a page that is gone, and its server's answer may be lost", async () => {
  const world = new World();
  const first = await unsent(world, "a", "b");
  const others = [world.open(user), world.open(user), world.open(user)];
  await world.clock.advance(500);
  first.crash();
  await world.clock.advance(1_990);
  // Whoever begins now loses its first answers.
  for (const { pair } of others) pair.cutAt("before-outcome");
  await world.clock.advance(10_000);
  expect(world.texts()).toEqual(["before", "a", "b"]);
  expect(await waiting(world)).toBe(0);
  expect(world.errors).toEqual([]);
});

test("[TB4] [TB13] S18 a flush that gets nowhere ends and is tried again later", async () => {
  const world = new World();
  const first = await unsent(world, "a");
  const second = world.open(user);
  await world.clock.advance(500);
  first.crash();
  second.offline();
  await world.clock.advance(40_000);
  expect(await waiting(world)).toBe(1);
  second.online();
  await world.clock.advance(100_000);
  expect(world.texts()).toEqual(["before", "a"]);
});

test("[OB1] S20 what was queued is there after the tab closed at once; what was not was never sent", async () => {
  const world = new World();
  const first = world.open(user, { commitDelay: 20 });
  await world.clock.advance(500);
  const kept = first.add("kept");
  await world.clock.advance(20);
  expect(kept.durable).toBe(true);
  const lost = first.add("lost");
  await world.clock.advance(10);
  expect(lost.durable).toBe(false);
  first.crash();
  const second = first.duplicate();
  await world.clock.advance(3_000);
  expect(world.texts()).toEqual(["kept"]);
  expect(second.items()).toEqual(["kept"]);
});

for (const named of [true, false])
  test(`[TB5] S41 another user's tab ${named ? "" : "that does not know its user "}neither shows nor sends what the first left, who finds it later`, async () => {
    const world = new World();
    const first = await unsent(world, "anna's");
    first.crash();
    const ben = world.open("ben", { named });
    await world.clock.advance(200);
    ben.add("ben's");
    expect(ben.pending()).not.toContain("anna's");
    await world.clock.advance(20_000);
    expect(world.texts()).toEqual(["before", "ben's"]);
    expect([ben.items(), ben.pending(), ben.flushes]).toEqual([["before", "ben's"], [], 0]);
    const offline = world.open("ben", { online: false, named: true });
    await world.clock.advance(200);
    expect(offline.pending()).toEqual([]);
    const anna = world.open(user, { named, online: false });
    await world.clock.advance(200);
    expect(anna.pending()).toEqual(named ? ["anna's"] : []);
    anna.online();
    await world.clock.advance(5_000);
    expect(world.texts()).toEqual(["before", "ben's", "anna's"]);
    expect(world.records().at(-1)?.author?.userId).toBe(user);
    expect(world.errors).toEqual([]);
  });

test("[TB5] S41 a user who signs in on a tab of another's: the other's unsent messages wait for their author", async () => {
  const world = new World();
  const first = await unsent(world, "anna's");
  await first.close();
  // The same tab, its note naming anna's client, and now it is ben's.
  const ben = world.open("ben", { named: false, note: first.note });
  await world.clock.advance(20_000);
  expect(world.texts()).toEqual(["before"]);
  expect(ben.pending()).toEqual([]);
  const anna = world.open(user);
  await world.clock.advance(2_000);
  expect(world.texts()).toEqual(["before", "anna's"]);
  expect(anna.flushes).toBe(0); // a new tab takes it, and need not flush it
});

const DAY = 86_400_000;

test("[TB7] clients of closed tabs do not pile up: the three last used stay for 30 days, and whatever is held", async () => {
  const world = new World();
  const [keeper, ...tabs] = Array.from({ length: 9 }, () => world.open(user));
  await world.clock.advance(500);
  for (const [i, tab] of tabs.entries()) tab.add(`${i}`);
  await world.clock.advance(500);
  for (const tab of tabs) tab.crash();
  expect(await world.stored()).toHaveLength(9);
  await world.clock.advance(10_000);
  expect(await world.stored()).toHaveLength(1 + 3);
  expect(keeper!.items()).toHaveLength(8);
  expect(keeper!.client.clientId).toBeDefined();
  keeper!.crash();
  await world.clock.advance(31 * DAY);
  const last = world.open(user);
  await world.clock.advance(5_000);
  expect(await world.stored()).toHaveLength(1);
  // Its identity has expired, and nothing of it was unsent: it has another one now.
  expect(last.items()).toHaveLength(8);
  expect(world.errors).toEqual([]);
});

test("[TB7] S19 unsent messages of a user who does not come back are discarded after 90 days, and that is reported", async () => {
  const world = new World();
  const first = await unsent(world, "anna's");
  first.crash();
  await world.clock.advance(80 * DAY);
  const ben = world.open("ben");
  await world.clock.advance(5_000);
  expect(await waiting(world)).toBe(1);
  ben.crash();
  await world.clock.advance(11 * DAY);
  world.open("ben");
  await world.clock.advance(5_000);
  expect(await waiting(world)).toBe(0);
  expect(world.errors).toMatchObject([{ code: "storage", details: { reason: "aged" } }]);
});

test("[TB7] [CL1] unsent messages whose identity has expired: those that may have been sent are unknown", async () => {
  const world = new World();
  const first = await unsent(world, "a");
  first.crash();
  await world.clock.advance(40 * DAY);
  const second = world.open(user);
  const third = world.open(user);
  await world.clock.advance(10_000);
  expect(world.rejected).toMatchObject([{ id: first.sent[1]!.write.id, code: "client-expired" }]);
  expect(world.texts()).toEqual(["before"]);
  expect([await waiting(world), second.pending(), third.pending()]).toEqual([0, [], []]);
});

/** What fails the next time it is called, for tabs opened from now on. */
function failOnce(world: World, when: (commit: StoreCommit) => boolean) {
  const { store } = world;
  const commit = store.commit.bind(store);
  let failed = false;
  Object.assign(store, {
    commit: (one: StoreCommit) => {
      if (failed || !when(one)) return commit(one);
      failed = true;
      return Promise.reject(new Error("the disk"));
    },
  });
}
/** Only who sends for another takes a client without using it. */
const isTakenToSend = ({ values }: StoreCommit): boolean =>
  [...values.keys()].every((key) => key.endsWith("/token")) && values.size > 0;
const clears = ({ clear, values }: StoreCommit): boolean => clear.length > 0 && values.size === 0;

test("[TB4] [TB15] S19 a flush whose storage fails keeps no lock: what is left is sent a minute later", async () => {
  const world = new World();
  const first = await unsent(world, "a");
  failOnce(world, isTakenToSend);
  world.open(user);
  await world.clock.advance(500);
  first.crash();
  await world.clock.advance(5_000);
  expect(world.texts()).toEqual(["before"]);
  await world.clock.advance(70_000);
  expect(world.texts()).toEqual(["before", "a"]);
  expect(world.errors).toMatchObject([{ code: "storage" }]);
});

test("[TB7] S19 a clearing that fails keeps no lock: the client is cleared later", async () => {
  const world = new World();
  failOnce(world, clears);
  const [, ...tabs] = Array.from({ length: 6 }, () => world.open(user));
  await world.clock.advance(500);
  for (const tab of tabs) tab.crash();
  await world.clock.advance(60_000);
  expect(await world.stored()).toHaveLength(1 + 3);
});

test("[TB4] [TB15] S18 a page that comes back while its flusher ends does not stop that from sending for others", async () => {
  for (let after = 1_500; after < 3_200; after += 20) {
    const world = new World(after);
    const first = await unsent(world, "a", "b");
    const second = world.open(user, { latency: 10, commitDelay: 60 });
    await world.clock.advance(500);
    first.crash();
    await world.clock.advance(after);
    const back = first.duplicate({ latency: 20 });
    await world.clock.advance(3_000);
    back.crash();
    const brief = world.open(user, { online: false });
    await world.clock.advance(100);
    brief.add("brief");
    await world.clock.advance(100);
    brief.crash();
    await world.clock.advance(40_000);
    expect(world.texts(), `back after ${after}`).toEqual(["before", "a", "b", "brief"]);
    expect(second.flushes).toBeGreaterThan(0);
  }
});

test("[OB12] [TB4] S41 what is forgotten while another tab sends it is neither stored again nor sent on", async () => {
  for (let after = 1_000; after < 3_000; after += 25) {
    const world = new World(after);
    const first = await unsent(world, "a", "b", "c");
    const second = world.open(user, { latency: 100, commitDelay: 50 });
    const third = world.open(user, { online: false });
    await world.clock.advance(500);
    first.crash();
    // The server decides none of them.
    Object.assign(world.log, { append: () => new Promise(() => {}) });
    await world.clock.advance(after);
    const forgotten = third.client.forget();
    await world.clock.advance(100);
    await forgotten;
    third.crash();
    await world.clock.advance(40_000);
    const left = await world.stored();
    expect(
      left.map(({ waiting }) => waiting),
      `forgotten after ${after}`,
    ).toEqual([0]);
    expect(second.client.status.connection).toBe("open");
  }
});

test("[TB7] S18 a page that slept between looking and clearing drops nothing that was left meanwhile", async () => {
  const world = new World();
  const tabs = Array.from({ length: 5 }, () => world.open(user));
  await world.clock.advance(500);
  const { store } = world;
  const read = store.read.bind(store);
  let asleep: Promise<void> | undefined;
  let wake = (): void => {};
  Object.assign(store, {
    read: async (prefix: string) => {
      const found = await read(prefix);
      await asleep;
      return found;
    },
  });
  world.open(user);
  await world.clock.advance(500);
  Object.assign(store, { read });
  for (const tab of tabs) tab.crash();
  await world.clock.advance(600);
  asleep = new Promise((done) => (wake = done));
  await world.clock.advance(2_000);
  const back = tabs.map((tab) => tab.duplicate({ online: false }));
  await world.clock.advance(100);
  for (const [i, tab] of back.entries()) tab.add(`${i}`);
  await world.clock.advance(100);
  for (const tab of back) tab.crash();
  asleep = undefined;
  wake();
  await world.clock.advance(30_000);
  expect(world.texts().toSorted()).toEqual(["0", "1", "2", "3", "4"]);
});

test("[TB4] [CL15] [TB15] a client that is closed while it takes what another left sends nothing of it", async () => {
  const world = new World();
  const first = await unsent(world, "a");
  const { store } = world;
  const commit = store.commit.bind(store);
  let wait: Promise<void> | undefined;
  let go = (): void => {};
  Object.assign(store, {
    commit: async (one: StoreCommit) => {
      if (isTakenToSend(one)) await (wait = new Promise((done) => (go = done)));
      return commit(one);
    },
  });
  const second = world.open(user);
  await world.clock.advance(500);
  first.crash();
  await world.clock.advance(5_000);
  expect(wait).toBeDefined();
  const closed = second.client.close();
  await world.clock.advance(100);
  go();
  await world.clock.advance(40_000);
  await closed;
  expect([second.flushes, world.texts(), await waiting(world)]).toEqual([0, ["before"], 1]);
});

test("[TB2] [TB4] S45 what cannot be read any more goes out as void, and is not taken up for ever", async () => {
  const world = new World();
  const first = await unsent(world, "a", "b");
  const second = world.open(user);
  await world.clock.advance(500);
  first.crash();
  // As if a later page had no such class.
  const { store } = world;
  const [key, entry] = [...(await store.read("of/"))].findLast(([name]) => name.includes("/entry/"))!;
  const gone = { ...(entry as object), messages: [{ type: "added", text: { $: "Gone", v: 1 } }] };
  await store.commit({ expect: new Map(), clear: [], values: new Map([[key, gone]]) });
  await world.clock.advance(60_000);
  expect([await waiting(world), world.texts(), second.flushes]).toEqual([0, ["before", "a"], 1]);
  expect(world.errors).toMatchObject([{ code: "storage", details: { reason: "corrupt" } }]);
});

test("[TB4] S19 where outcomes cannot be stored a tab does not send the same over and over", async () => {
  const world = new World();
  const first = await unsent(world, "a");
  const { store } = world;
  const commit = store.commit.bind(store);
  let isBroken = false;
  Object.assign(store, {
    commit: (one: StoreCommit) =>
      isBroken && !isTakenToSend(one) ? Promise.reject(new Error("the disk")) : commit(one),
  });
  const second = world.open(user, { topics: [] });
  await world.clock.advance(500);
  isBroken = true;
  first.crash();
  await world.clock.advance(50_000);
  expect([second.flushes, world.texts()]).toEqual([1, ["before", "a"]]);
  isBroken = false;
  await world.clock.advance(30_000);
  expect([second.flushes, await waiting(world)]).toEqual([2, 0]);
});
