import { describe, expect, test } from "vitest";
import { Budget } from "../base/budget.ts";
import type { Conversation } from "./conversation.ts";
import { Intake } from "./intake.ts";
import { Party } from "./parties.ts";
import { hello, list, other, say, session, subscribe, types, unsubscribe, wire } from "../../test/wired.ts";

/** A server that takes and decides a few messages in a step, and the order in which it took them. */
function slow(limits: object = {}) {
  const taken: string[] = [];
  const it = wire({
    limits: { maxTurnMessages: 4, turnTime: Infinity, ...limits },
    onTopicMessage: (message) => void taken.push((message as { item?: string }).item ?? "?"),
  });
  for (const slice of [list, other, session]) it.server.handle(slice as typeof list, { public: true });
  const from = (last: number) => ({ remoteAddress: `192.0.2.${last}` });
  /** Somebody at an address, whose topics are open already. */
  const at = async (last: number, ...topics: string[]) => {
    const one = await it.client(undefined, undefined, from(last));
    for (const topic of topics) one.say(subscribe(topic));
    await one.heard();
    return one;
  };
  return { ...it, taken, at };
}
const many = (name: string, topic: string, count: number, first = 1) =>
  Array.from({ length: count }, (_, i) =>
    say(topic, first + i, { type: "added", item: `${name}${first + i}` }),
  );
const numbered = (name: string, count: number): string[] =>
  Array.from({ length: count }, (_, i) => `${name}${i + 1}`);

describe("what comes in", () => {
  test("[LM22] nobody's one message waits behind another's many", async () => {
    const { at, taken, settle } = slow();
    const greedy = await at(1, "list:1");
    const ada = await at(2, "list:2");
    greedy.say(...many("g", "list:1", 40));
    ada.say(...many("a", "list:2", 2));
    await settle();
    expect(taken.filter((one) => one.startsWith("g"))).toEqual(numbered("g", 40));
    expect(taken).toHaveLength(42);
    // What a step takes of its own accord, and then one each.
    expect(taken.indexOf("a1")).toBeLessThan(8);
    expect(taken.indexOf("a2")).toBeLessThan(10);
  });

  test("[LM22] however short a turn is to be, something is taken in each", async () => {
    const { at, taken, settle } = slow({ turnTime: 0 });
    const ada = await at(1, "list:1");
    ada.say(...many("a", "list:1", 9));
    await settle();
    expect(taken).toEqual(numbered("a", 9));
  });

  test("[LM22] also into one topic, whose batch is bounded likewise", async () => {
    const { at, taken, settle } = slow();
    const greedy = await at(1, "list:1");
    const ada = await at(2, "list:1");
    greedy.say(...many("g", "list:1", 40));
    ada.say(...many("a", "list:1", 1));
    await settle();
    expect(taken).toHaveLength(41);
    expect(taken.indexOf("a1")).toBeLessThan(12);
  });

  test("[LM22] many connections of an address are one before another one's", async () => {
    const { at, taken, settle } = slow();
    const crowd = await Promise.all([0, 1, 2, 3, 4, 5, 6, 7].map((i) => at(1, `list:${i}`)));
    const ada = await at(2, "list:ada");
    for (const [i, one] of crowd.entries()) one.say(...many(`${i}-`, `list:${i}`, 5));
    ada.say(...many("a", "list:ada", 3));
    await settle();
    expect(taken).toHaveLength(43);
    for (const [i] of crowd.entries())
      expect(taken.filter((one) => one.startsWith(`${i}-`))).toEqual(numbered(`${i}-`, 5));
    expect(taken.indexOf("a3")).toBeLessThan(16);
  });

  test("[LM22] is neither lost nor reordered by its connection, whatever it is", async () => {
    const { at, settle, done, server } = slow();
    const one = await at(1);
    // Each behind the one before: a subscribe, messages, its end, and once more.
    for (let round = 0; round < 5; round++)
      one.say(
        subscribe("list:1", 2 * round + 1),
        ...many("m", "list:1", 7, 1 + 7 * round),
        unsubscribe("list:1", 2 * round + 1),
        { type: "Ping", cursors: [] },
      );
    const said = await one.heard();
    expect(said.filter(({ type }) => type === "Paused" || type === "Rejected")).toEqual([]);
    expect(said.filter(({ type }) => type === "Pong")).toHaveLength(5);
    await settle();
    const { model } = await done(server.topic(list, "1").read());
    expect(model.items).toEqual(numbered("m", 35));
    expect(server.inspect().targets.subscribed).toBe(0);
  });

  test("[LM22] [LM14] before a socket closed is taken all the same, and then its end", async () => {
    const { at, taken, server, settle } = slow();
    const one = await at(1, "list:1");
    one.say(...many("m", "list:1", 30));
    one.drop();
    await settle();
    expect(taken).toEqual(numbered("m", 30));
    expect(server.inspect()).toMatchObject({ connections: { all: 0 }, targets: { subscribed: 0 } });
  });

  test("[LM22] is nobody's any more once the server has ended the connection", async () => {
    const { at, taken, client, server, settle } = slow();
    const one = await at(1, "list:1");
    one.say(...many("m", "list:1", 30));
    const again = await client(one.identity);
    await settle();
    expect(one.closed).toEqual([{ code: 4002, reason: "superseded" }]);
    again.say(...many("m", "list:1", 30));
    await settle();
    expect(taken).toEqual(numbered("m", 30));
    expect(server.inspect().connections.all).toBe(1);
  });

  test("[LM22] over maxWaitingBytes is not read, and is read again once some is taken", async () => {
    const { at, taken, settle } = slow({ maxWaitingBytes: 2_000 });
    const one = await at(1, "list:1");
    expect(one.paused()).toBe(false);
    for (const message of many("m", "list:1", 40)) one.say(message);
    expect(one.paused()).toBe(true);
    await settle();
    expect(one.paused()).toBe(false);
    expect(taken).toEqual(numbered("m", 40));
  });

  test("[LM22] [LM13] a Hello with many topics is taken in rounds, and each is answered", async () => {
    const { at, socket, taken, settle } = slow({ maxTurnMessages: 64 });
    const ada = await at(2, "list:ada");
    const greedy = socket({ remoteAddress: "192.0.2.1" });
    greedy.say(hello({ targets: Array.from({ length: 100 }, (_, i) => subscribe(`list:${i}`, i + 1)) }));
    ada.say(...many("a", "list:ada", 1));
    greedy.say(...many("g", "list:99", 1));
    const said = await greedy.heard();
    await settle();
    expect(said.filter(({ type }) => type === "Settled")).toHaveLength(100);
    // Its own message stands behind its subscribes, the other's does not.
    expect(taken).toEqual(["a1", "g1"]);
  });

  test("[LM22] what stands behind many subscribes in their packet is taken behind them", async () => {
    const { at, server } = slow();
    const one = await at(1);
    const targets = [1, 2, 3].map((ref) => subscribe(`list:${ref}`, ref)) as never;
    one.say({ type: "Resync", targets }, ...[1, 2, 3].map((ref) => unsubscribe(`list:${ref}`, ref)));
    expect(types(await one.heard()).filter((type) => type === "Unsubscribed")).toEqual([]);
    expect(server.inspect().targets.subscribed).toBe(0);
  });

  test("[LM22] [LM13] a packet that speaks for itself is taken in rounds, and answered whole", async () => {
    const { at, client, post, taken, settle } = slow();
    const ada = await at(2, "list:ada");
    const one = await client();
    one.drop();
    const answer = post(hello({ identity: one.identity }), ...many("p", "list:p", 20));
    await Promise.resolve();
    ada.say(...many("a", "list:ada", 1));
    await settle();
    expect(types(answer.heard)).toEqual(Array.from({ length: 20 }, () => "Acknowledge"));
    expect(answer.closed).toEqual([{ code: 1000, reason: "" }]);
    expect(taken.filter((one) => one.startsWith("p"))).toEqual(numbered("p", 20));
    expect(taken.indexOf("a1")).toBeLessThan(12);
  });

  test("[LM22] what a client says while a packet of its own is being taken comes behind the rest of it", async () => {
    const { client, taken, settle } = slow();
    let answers = 0;
    // A transport in the same process: the answer is there before the step that gave it is over.
    const send = ({ type }: { type: string }): void => {
      if (type === "Pong" && answers++ === 0) one.say(...many("m", "list:1", 3, 9));
    };
    const one = await client(undefined, undefined, { send });
    one.say(subscribe("list:1"));
    await one.heard();
    one.say({ type: "Ping", cursors: [] }, ...many("m", "list:1", 8));
    await settle();
    expect(taken).toEqual(numbered("m", 11));
    expect(types(await one.heard())).not.toContain("Paused");
  });

  test("[LM22] a packet whose sender has gone leaves nothing that waits", async () => {
    const { client, post, taken, settle, server } = slow();
    const one = await client();
    one.drop();
    const gone = post(hello({ identity: one.identity }), ...many("p", "list:p", 20));
    for (let i = 0; i < 5; i++) await Promise.resolve();
    gone.leave();
    await settle();
    const answer = post(hello({ identity: one.identity }), ...many("p", "list:p", 20));
    await settle();
    expect(types(answer.heard)).toEqual(Array.from({ length: 20 }, () => "Acknowledge"));
    expect(taken).toEqual(numbered("p", 20));
    expect(server.inspect().targets.queued).toBe(0);
  });
});

/** An intake of which the test runs each turn, where a frame takes so many milliseconds and a turn may take two. */
function turns(inARow: number, cost = 1) {
  let now = 0;
  let next: (() => void) | undefined;
  const taken: string[] = [];
  const intake = new Intake({
    clock: { defer: (run) => void (next = run) },
    budget: new Budget(() => now, 2, 1_000),
    inARow,
    most: Infinity,
    busy: () => false,
    opened: () => 0,
  });
  const parties = new Map<string, Party>();
  return {
    taken,
    /** Somebody of a party says so many frames in a packet. */
    say(name: string, of: string, frames: number): void {
      if (!parties.has(of)) parties.set(of, new Party(of));
      const conversation = {
        phase: "open",
        membership: { party: parties.get(of) },
        connection: {},
        fail: (error: unknown) => {
          throw error;
        },
      } as unknown as Conversation;
      let left = frames;
      intake.take(conversation, {
        bytes: 1,
        step: () => {
          now += cost;
          taken.push(name);
          return --left > 0;
        },
      });
    },
    /** What one turn takes. */
    turn(): string[] {
      const before = taken.length;
      const run = next;
      next = undefined;
      run?.();
      return taken.slice(before);
    },
  };
}

describe("a turn of the intake", () => {
  const crowd = (count: number): string[] => Array.from({ length: count }, (_, i) => `u${i}`);

  test("[LM33] goes on past its budget while somebody waits who has had nothing, so that a crowd is decided together", () => {
    const { say, turn, taken } = turns(1);
    for (const one of crowd(10)) say(one, one, 1);
    expect(taken).toEqual(["u0", "u1"]);
    expect(turn()).toEqual(crowd(10).slice(2));
    expect(turn()).toEqual([]);
  });

  test("[LM33] is no longer for those of one party, however many they are", () => {
    const { say, turn } = turns(1);
    for (const one of crowd(10)) say(one, "one user", 1);
    expect(turn()).toEqual(["u2", "u3"]);
    expect(turn()).toEqual(["u4", "u5"]);
  });

  test("[LM33] ends at eight times its budget, and each next one likewise", () => {
    const { say, turn } = turns(1);
    for (const one of crowd(60)) say(one, one, 1);
    expect(turn()).toHaveLength(16);
    expect(turn()).toHaveLength(16);
    expect(turn()).toEqual(crowd(60).slice(34, 50));
  });

  test("[LM33] ends when everybody has had something, though more of them wait", () => {
    const { say, turn } = turns(1);
    say("first", "first", 9);
    for (const one of crowd(4)) say(one, one, 3);
    // What the first may take at once, and then each one thing.
    expect(turn()).toEqual(["first", "u0", "u1", "u2", "u3"]);
    expect(turn()).toEqual(["first", "u0", "u1", "u2", "u3"]);
  });

  test("[LM22] takes several of one in a row, so that a packet is not torn apart", () => {
    const { say, turn } = turns(4);
    say("first", "first", 2);
    say("a", "a", 6);
    say("b", "b", 3);
    expect(turn()).toEqual(["a", "a", "b", "b", "b"]);
    expect(turn()).toEqual(["a", "a"]);
    expect(turn()).toEqual(["a", "a"]);
  });

  test("[LM33] is no longer than its budget and one frame for whoever is alone, however dear the frames are", () => {
    const { say, turn } = turns(16, 5);
    say("a", "a", 33);
    expect(turn()).toEqual(["a"]);
    expect(turn()).toEqual(["a"]);
  });

  test("[LM33] is no longer than eight times that and one frame for a crowd, however dear the frames are", () => {
    const { say, turn } = turns(16, 5);
    for (const one of crowd(10)) say(one, one, 17);
    expect(turn().length).toBeLessThanOrEqual((8 * 2 + 5) / 5);
  });
});
