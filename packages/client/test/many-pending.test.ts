// What much that is pending costs: in updates, in models held, and in steps for one more dispatch (RB10).
import { automatic, defineTopic, defineWiring, json } from "@calla/shared";
import { afterEach, expect, test } from "vitest";
import * as z from "zod";
import { createClient } from "../src/client.ts";
import { memoryPageStorage as memoryStorage } from "../src/storage/memory-storage.ts";
import { keepModels } from "../src/storage/kept-models.ts";
import {
  FakeServer,
  giveSnapshot,
  handshake,
  items,
  list,
  messagesIn,
  setUp,
  turn,
  updateFrame,
  VirtualClock,
} from "./kit.ts";
import { added, live } from "./live.ts";

// ---------------------------------------------------------------------------------------------- counting what is walked

let undo: (() => void)[] = [];
afterEach(() => {
  for (const put of undo) put();
  undo = [];
});

/** How many items of arrays, Maps and Sets are visited or copied meanwhile, by whatever method walks them. */
function walked(run: () => void): number {
  let items = 0;
  const patch = (on: object, name: PropertyKey, of: (self: never) => number): void => {
    const was = Reflect.getOwnPropertyDescriptor(on, name) as PropertyDescriptor;
    const method = was.value as (...given: unknown[]) => unknown;
    Reflect.defineProperty(on, name, {
      ...was,
      value(this: never, ...given: unknown[]) {
        const result = method.apply(this, given);
        items += of(name === "slice" ? (result as never) : this);
        return result;
      },
    });
    undo.push(() => void Reflect.defineProperty(on, name, was));
  };
  const length = (self: readonly unknown[]): number => self.length;
  // Not `shift`: an engine takes the first of an array away without moving the others.
  const names =
    "map filter forEach some every find findIndex reduce flatMap slice concat indexOf includes toSorted";
  for (const name of [...names.split(" "), "toReversed", "with", "splice", "sort", "unshift"])
    patch(Array.prototype, name, length);
  patch(Array.prototype, Symbol.iterator, length);
  patch(Map.prototype, "forEach", ({ size }: Map<unknown, unknown>) => size);
  patch(Set.prototype, "forEach", ({ size }: Set<unknown>) => size);
  run();
  for (const put of undo) put();
  undo = [];
  return items;
}

test("[RB10] [RB14] S20 a dispatch walks through no more with 9,000 pending than with 9, shown and told included", async () => {
  const setup = setUp();
  const topic = setup.client.topic(list, "1");
  let told = 0;
  topic.onChange(() => told++);
  const connection = await handshake(setup);
  await giveSnapshot(connection, "list:1", 0, items());
  connection.drop();
  let count = 0;
  const dispatch = () => void topic.dispatch({ type: "stamped" });
  const cost = async (pending: number): Promise<number> => {
    for (; count < pending; count++) dispatch();
    await turn();
    told = 0;
    // What the end of the turn does (stored, told) is counted with it.
    const deferred: (() => void)[] = [];
    const { defer } = setup.clock;
    setup.clock.defer = (run) => void deferred.push(run);
    const items = walked(() => {
      dispatch();
      for (const run of deferred) run();
      void topic.state.model;
    });
    setup.clock.defer = defer;
    count++;
    await turn();
    expect(told).toBe(1);
    return items;
  };
  const few = await cost(9);
  expect(few).toBeGreaterThan(0);
  expect(await cost(9_000)).toBeLessThanOrEqual(few);
  expect(topic.state.pending.length).toBe(9_001);
});

// --------------------------------------------------------------------------------------------------- updates and models

let updates = 0;
const text = defineTopic("text:*", {
  model: z.object({ text: z.string() }),
  initial: () => ({ text: "" }),
  messages: { typed: z.object({ at: z.number(), insert: z.string() }) },
  update: {
    typed: (model, { at, insert }) => {
      updates++;
      spend();
      return { text: model.text.slice(0, at) + insert + model.text.slice(at) };
    },
  },
});
/** Called by each update. */
let spend = (): unknown => undefined;
const texts = defineWiring({ topics: [text] });

test("[RB3] [RB10] S20 the records of 600 keystrokes in a long text, one a frame, cost two updates each, and what is shown stays the same object", async () => {
  const server = new FakeServer();
  const client = createClient({
    wiring: texts,
    serialiser: automatic(json()),
    transport: server.transport,
    clock: new VirtualClock(),
    strict: false,
  });
  const topic = client.topic(text, "1");
  const model = topic.select((state) => state.model);
  let told = 0;
  model.onChange(() => told++);
  const connection = await handshake({ server });
  const length = 100_000;
  await giveSnapshot(connection, "text:1", 0, { text: "x".repeat(length) });
  const typed = { type: "typed", at: 50_000, insert: "a" } as const;
  const writes = Array.from({ length: 600 }, () => topic.dispatch(typed));
  await turn();
  const shown = topic.state.model;
  told = updates = 0;
  for (const [i, { id }] of writes.entries())
    connection.say(updateFrame("text:1", i, [["c1", i + 1, id, typed]]));
  await turn();
  expect(topic.state).toMatchObject({ status: "live", pending: [] });
  expect(topic.state.model).toBe(shown);
  expect(shown?.text.length).toBe(length + 600);
  expect(told).toBe(0);
  expect(updates).toBeGreaterThanOrEqual(600);
  expect(updates).toBeLessThanOrEqual(2 * 600 + 64);
  for (const write of writes) expect(write.state).toBe("applied");
});

test("[RB10] S20 a later page shows what an earlier one left behind, hundreds of them, by one update each", async () => {
  const storage = memoryStorage({ models: keepModels() });
  const first = await live({ storage, user: null });
  await first.clock.advance(2_000);
  first.connection.drop();
  for (let i = 0; i < 500; i++) first.topic.dispatch(added(`${i}`));
  await turn();
  await first.client.close();
  const page = setUp({ storage, user: null });
  const topic = page.client.topic(list, "1");
  topic.onChange(() => {});
  await turn();
  expect(topic.state.model?.items.length).toBe(500);
  expect(topic.state.pending.length).toBe(500);
});

// ------------------------------------------------------------------------------------------------------------ listings

test("[CL9] [RB10] [RB14] a state goes on saying what was pending when it was made, whenever somebody looks", async () => {
  const { topic, connection } = await live({}, 0, "x");
  const writes = [topic.dispatch(added("1")), topic.dispatch({ type: "removed", text: "y" })];
  const before = topic.state;
  writes.push(topic.dispatch(added("3")));
  const { state } = topic;
  await turn();
  connection.say(updateFrame("list:1", 0, [["c1", 1, writes[0]!.id, added("1")]]));
  connection.say(updateFrame("list:1", 1, [["c2", 1, "theirs", added("y")]]));
  const ids = (of: typeof state) => of.pending.map(({ id }) => writes.findIndex((write) => write.id === id));
  expect([ids(topic.state), ids(state), ids(before)]).toEqual([
    [1, 2],
    [0, 1, 2],
    [0, 1],
  ]);
  // What was not shown then is said not to have been; what is shown now is said to be.
  expect([before.pending[1]?.skipped?.code, topic.state.pending[0]?.skipped]).toEqual(["missing", undefined]);
  expect([state.pending, before.pending]).toEqual([state.pending, before.pending]);
  expect(state.pending).toBe(state.pending);
});

test("[OB11] client.pending is the same array until it changes, and so is each of its parts", async () => {
  const { client, topic, connection } = await live();
  expect(client.pending).toBe(client.pending);
  const write = topic.dispatch(added("a"));
  const first = client.pending;
  expect(client.pending).toBe(first);
  await turn();
  // Stored and sent since.
  const sent = client.pending;
  expect([sent === first, sent[0]?.state]).toEqual([false, "sent"]);
  topic.dispatch(added("b"));
  const both = client.pending;
  expect([both.length, both[0] === sent[0], client.pending === both]).toEqual([2, true, true]);
  connection.say(updateFrame("list:1", 0, [["c1", 1, write.id, added("a")]]));
  expect(client.pending.flatMap(({ messages }) => messages)).toEqual([added("b")]);
  expect(sent[0]?.state).toBe("sent");
});

function texting() {
  const server = new FakeServer();
  const clock = new VirtualClock();
  const client = createClient({
    wiring: texts,
    serialiser: automatic(json()),
    transport: server.transport,
    clock,
    strict: false,
  });
  return { server, clock, client, topic: client.topic(text, "1") };
}

test("[RB15] after a replay that took long the next one rests as long; frames and dispatches go on, and a look shows all", async () => {
  const { server, clock, topic } = texting();
  const told: (string | undefined)[] = [];
  topic.onChange(({ model }) => told.push(model?.text));
  const connection = await handshake({ server });
  await giveSnapshot(connection, "text:1", 0, { text: "" });
  const typed = (insert: string) => ({ type: "typed", at: 0, insert }) as const;
  const foreign = async (n: number): Promise<void> => {
    connection.say(updateFrame("text:1", n, [["c2", n + 1, `f${n}`, typed(`${n}`)]]));
    await clock.advance(0);
  };
  topic.dispatch(typed("m"));
  await turn();
  // A record and what is pending take 20 ms each.
  const slowly = (work: () => Promise<void>): Promise<void> => {
    let spent = 0;
    spend = () => (spent += 20);
    const { monotonic } = clock;
    clock.monotonic = () => monotonic.call(clock) + spent;
    return work().finally(() => {
      spend = () => {};
      clock.monotonic = monotonic;
    });
  };
  await slowly(() => foreign(0));
  expect(told).toEqual(["", "m", "m0"]);
  await foreign(1);
  await foreign(2);
  await clock.advance(60);
  expect(told.slice(3)).toEqual([]);
  await clock.advance(1);
  expect(told.slice(3)).toEqual(["m210"]);
  // It took no time: the next is told when its turn ends.
  await clock.advance(100);
  await foreign(3);
  expect(told.slice(4)).toEqual(["m3210"]);
  await slowly(() => foreign(4));
  await foreign(5);
  expect(told.slice(5)).toEqual(["m43210"]);
  expect(topic.state.model?.text).toBe("m543210");
  topic.dispatch(typed("n"));
  await turn();
  expect(told.slice(6)).toEqual(["nm543210"]);
  expect(messagesIn(connection.sent).map(({ messages }) => messages)).toEqual([[typed("m")], [typed("n")]]);
  // Told once, though the rest is over only now.
  await clock.advance(1_000);
  expect(told).toHaveLength(7);
});

test("[CL60] what came in one go is taken for 16 ms at a stretch, in order, and the end of its connection comes last", async () => {
  const { server, clock, client, topic } = texting();
  topic.retain();
  const connection = await handshake({ server });
  await giveSnapshot(connection, "text:1", 0, { text: "" });
  const ended: unknown[] = [];
  client.onStatus(({ connection }) => ended.push(connection, topic.state.model?.text));
  const { monotonic, setTimeout } = clock;
  let spent = 0;
  let turns = 0;
  spend = () => (spent += 10);
  clock.monotonic = () => monotonic.call(clock) + spent;
  clock.setTimeout = (run, milliseconds) => {
    if (milliseconds === 0) turns++;
    return setTimeout.call(clock, run, milliseconds);
  };
  const lengths: (number | undefined)[] = [];
  for (let n = 0; n < 6; n++) {
    const typed = { type: "typed", at: 0, insert: `${n}` } as const;
    connection.say(updateFrame("text:1", n, [["c2", n + 1, `f${n}`, typed]]));
    lengths.push(topic.state.model?.text.length);
  }
  connection.drop();
  await turn();
  expect([lengths, ended, turns]).toEqual([[1, 2, 2, 2, 2, 2], [], 1]);
  await clock.advance(0);
  expect([ended, turns]).toEqual([["waiting", "543210"], 3]);
  // What waits of a connection that the app ends is dropped: the next one asks for it.
  await clock.advance(2_000);
  const next = await handshake({ server });
  await giveSnapshot(next, "text:1", 0, { text: "" });
  spend = () => (spent += 20);
  for (let n = 0; n < 2; n++)
    next.say(updateFrame("text:1", n, [["c2", n + 1, `g${n}`, { type: "typed", at: 0, insert: `${n}` }]]));
  client.disconnect();
  await clock.advance(0);
  expect([topic.state.model?.text, topic.state.status]).toEqual(["0", "stale"]);
  spend = () => {};
});

test("[RB15] [CL60] while more has come than has been taken listeners hear little: a replay in eight of its times", async () => {
  const { server, clock, topic } = texting();
  const told: (number | undefined)[] = [];
  topic.onChange(({ model }) => told.push(model?.text.length));
  const connection = await handshake({ server });
  await giveSnapshot(connection, "text:1", 0, { text: "" });
  topic.dispatch({ type: "typed", at: 0, insert: "m" });
  await turn();
  told.length = updates = 0;
  const { monotonic } = clock;
  let spent = 0;
  spend = () => (spent += 10);
  clock.monotonic = () => monotonic.call(clock) + spent;
  // Two records fit into a stretch, and what is pending takes 10 ms, so a replay waits for four of them. The last that has
  // come changes nothing.
  for (let n = 0; n < 24; n++)
    connection.say(updateFrame("text:1", n, [["c2", n + 1, `f${n}`, { type: "typed", at: 0, insert: "f" }]]));
  connection.say({ type: "Pong" });
  await turn();
  await clock.advance(0);
  spend = () => {};
  expect(told).toEqual([3, 11, 19, 25]);
  expect(updates).toBe(24 + 4);
});

test("[RB14] [RB3] a record that is as predicted walks through no more with 2,000 pending than with 9", async () => {
  const records = async (count: number): Promise<number> => {
    const { topic, connection } = await live();
    const ids = Array.from({ length: count }, (_, i) => topic.dispatch(added(`${i}`)).id);
    await turn();
    const own = (n: number): void =>
      connection.say(updateFrame("list:1", n, [["c1", n + 1, ids[n] ?? "", added(`${n}`)]]));
    // Of the first one thing or another is computed once.
    own(0);
    await turn();
    const steps = walked(() => own(1));
    expect(topic.state.pending).toHaveLength(count - 2);
    return steps;
  };
  expect(await records(2_000)).toBeLessThanOrEqual(2 * (await records(9)));
});
