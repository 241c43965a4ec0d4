// The second occurrence: topics that are joined again at once, tables and tokens that outlive those who made them.
import { CallaError, defineTopic, defineWiring } from "@calla/shared";
import type { AnyTopicSlice } from "@calla/shared";
import { describe, expect, test } from "vitest";
import * as z from "zod";
import { bridged } from "../../test/bridged.ts";
import type { BareClient } from "../../test/bridged.ts";
import { board, wiring as listing } from "../../test/rosters.ts";
import { cursors, handClock, inHand, list, other, session } from "../../test/wired.ts";
import type { AnyUser } from "../app/handlers.ts";
import type { Server } from "../server-api.ts";
import { BridgedTopic } from "./bridged-topic.ts";
import { Dispatches } from "./dispatches.ts";
import { PlainFrame } from "./plain-frames.ts";
import { plainParts } from "./plain-parts.ts";
import { plainSteps } from "./plain-steps.ts";
import { TopicView } from "./topic-view.ts";

const open = (options?: object) => {
  const world = bridged(options as never);
  for (const slice of [list, other, cursors]) world.server.handle(slice, { public: true });
  return world;
};
/** Several frames in one read: nothing else happens between them. */
function atOnce({ talker }: BareClient, ...frames: readonly (readonly unknown[])[]): void {
  for (const frame of frames) talker.heard.push(...talker.say(frame as never));
}
/** Of a client that has sent nothing: answered at once, where the topic is in memory. */
const join = (ref: string) => [ref, ref, "list:1", "phx_join", { settled: 0, sent: 0 }] as const;
const leave = (ref: string) => [ref, `${ref}l`, "list:1", "phx_leave", {}] as const;

describe("a topic that is joined, left and joined at once", () => {
  test.each(["list:2", undefined])(
    "[BR14] [BR18] is joined, with another topic there (%s) or not, and its dispatches are answered",
    async (there) => {
      const { phoenix, errors } = open();
      await phoenix().join();
      const bare = phoenix();
      if (there !== undefined) await bare.join({}, there);
      for (let times = 0; times < 3; times++) {
        const [one, two] = [`a${times}`, `b${times}`];
        atOnce(bare, join(one), leave(one), join(two));
        const heard = await bare.heard();
        expect(heard.map(([event]) => event)).toContain(`ok ${two}`);
        expect(heard.map(([event]) => event)).not.toContain(`error ${two}`);
        const ref = `d${times}`;
        const said = { mid: times + 1, id: ref, settled: 0, messages: [{ type: "added", item: ref }] };
        atOnce(bare, [two, ref, "list:1", "dispatch", said]);
        expect((await bare.heard())[0]).toEqual([`ok ${ref}`, { mid: times + 1, sequence: times + 1 }]);
        atOnce(bare, leave(two));
        await bare.heard();
      }
      expect(errors).toEqual([]);
    },
  );

  test("[BR18] is joined by a client whom the server subscribes as it connects", async () => {
    const world: ReturnType<typeof open> = open({
      onConnect: ({ clientId }: { readonly clientId: string }) =>
        void world.server.subscribe(clientId, list, "1"),
    });
    const bare = world.phoenix();
    for (let times = 0; times < 2; times++) {
      expect((await bare.join())[0]).toMatchObject(["ok list:1", { model: { items: [] } }]);
      bare.say("phx_leave");
      await bare.heard();
    }
    expect(world.errors).toEqual([]);
  });
});

test("[BR18] joins of one read whose answers are large are answered one after the other, as by a slow client", async () => {
  const { phoenix, server, advance, done } = bridged(
    { limits: { collapseBytes: 1_000, maxBufferedBytes: 100_000 } } as never,
    {},
    handClock(0),
  );
  server.handle(list, { public: true });
  const topics = ["list:1", "list:2", "list:3"];
  const items = Array.from(
    { length: 100 },
    (_, n) => ({ type: "added", item: `an item of it, ${n}` }) as const,
  );
  for (const at of ["1", "2", "3"]) await done(server.topic(list, at).dispatch(items));
  const [keeper, bare] = [phoenix(), phoenix()];
  for (const topic of topics) await keeper.join({}, topic);
  await bare.join({}, "list:4");
  atOnce(bare, ...topics.map((topic) => [topic, topic, topic, "phx_join", { settled: 0, sent: 0 }]));
  const answered = async (): Promise<number> => {
    const heard = await Promise.all(topics.map((topic) => bare.heard(topic)));
    return heard.flat().filter(([event]) => event.startsWith("ok")).length;
  };
  expect(await answered()).toBe(1);
  let all = 1;
  for (let seconds = 0; seconds < 5; seconds++) {
    await advance(1_000);
    all += await answered();
  }
  expect(all).toBe(3);
});

test("[BR14] a topic that the server has not made may be joined later, and nobody waits for it", async () => {
  const made = defineTopic("made:*", {
    created: "server",
    model: z.object({ n: z.number() }),
    initial: () => ({ n: 0 }),
    messages: { bumped: z.object({}) },
    update: { bumped: ({ n }) => ({ n: n + 1 }) },
  });
  const wiring = defineWiring({ session, topics: [list, other, made] });
  const { phoenix, server, done } = bridged({ wiring } as never, {}, handClock(), [made]);
  server.handle(made as never, { public: true } as never);
  const bare = phoenix();
  expect(await bare.join({}, "made:1")).toMatchObject([
    ["error made:1", { code: "missing", retryable: true, retry_after: 30_000 }],
  ]);
  await done(
    (server as unknown as Server<typeof wiring, AnyUser>).topic(made, "1").dispatch({ type: "bumped" }),
  );
  expect(await bare.join({}, "made:1")).toMatchObject([["ok made:1", { model: { n: 1 } }]]);
});

test("[BR21] the app hears of a client before it is asked what that one may have", async () => {
  const asked = inHand<{ id: string }>();
  const said: string[] = [];
  const world = bridged({
    authenticate: () => asked.promise,
    onConnect: () => void said.push("onConnect"),
  } as never);
  world.server.handle(list, {
    canSubscribe: () => said.push("canSubscribe") > 0,
    canDispatch: () => true,
  } as never);
  const bare = world.phoenix();
  await bare.join();
  asked.keep({ id: "ann" });
  expect((await bare.heard())[0]![0]).toBe("ok list:1");
  expect(said).toEqual(["onConnect", "canSubscribe"]);
});

test("[BR21] a token that its client has given since counts for the next conversation, too", async () => {
  const tokens: unknown[] = [];
  const { phoenix } = open({
    authenticate: ({ token }: { readonly token: unknown }) => (tokens.push(token), { id: "ann" }),
  });
  const bare = phoenix({ params: { token: "one" } });
  await bare.join();
  bare.say("authenticate", { token: "two" });
  expect(await bare.heard()).toEqual([["ok r1", {}]]);
  bare.say("authenticate", { token: "x".repeat(100_000) });
  expect((await bare.heard())[0]).toMatchObject(["error r2", { code: "too-large" }]);
  bare.say("phx_leave");
  await bare.heard();
  expect((await bare.join())[0]![0]).toBe("ok list:1");
  expect([tokens[0], tokens.at(-1)]).toEqual(["one", "two"]);
});

describe("who is here", () => {
  const here = () => {
    const world = bridged({ wiring: listing, pubsub: undefined } as never, {}, handClock(1_700_000_000_000), [
      board,
    ] as unknown as readonly AnyTopicSlice[]);
    world.server.handle(board as never, { public: true } as never);
    return world;
  };

  test("[BR20] is told whole and right to who comes back, when all who watched had gone meanwhile", async () => {
    const { phoenix, client, advance } = here();
    // Two of Calla's own clients are listed, and nobody of Phoenix watches for a while.
    const listed = [await client(), await client()];
    for (const [at, one] of listed.entries()) {
      one.say({ type: "Subscribe", target: "board:1", ref: 1, settled: 0, sent: 0 });
      one.say({ type: "Track", target: "board:1", meta: { name: `c${at}` }, watch: true });
    }
    await advance(100);
    const bare = phoenix();
    const names = (payload: object): unknown[] =>
      Object.values(payload).flatMap(({ metas }: { metas: { name: string }[] }) =>
        metas.map(({ name }) => name),
      );
    for (let times = 0; times < 2; times++) {
      const heard = await bare.join({}, "board:1");
      const [, state] = heard.findLast(([event]) => event === "presence_state")!;
      expect(names(state).toSorted()).toEqual(["c0", "c1"]);
      if (times === 0) bare.say("phx_leave", {}, "board:1");
      await bare.heard("board:1");
    }
    listed[0]!.say({ type: "Track", target: "board:1", watch: true });
    await advance(100);
    const [, diff] = (await bare.heard("board:1")).find(([event]) => event.startsWith("presence"))!;
    expect([names(diff["joins"] as object), names(diff["leaves"] as object)]).toEqual([[], ["c0"]]);
  });

  test("[BR14] a line that breaks while another topic is being joined is no farewell", async () => {
    const { phoenix, client, advance, server } = here();
    const asked = inHand<boolean>();
    server.handle(list, { canSubscribe: () => asked.promise, canDispatch: () => true } as never);
    const watcher = await client();
    watcher.say({ type: "Subscribe", target: "board:1", ref: 1, settled: 0, sent: 0 });
    watcher.say({ type: "Track", target: "board:1", watch: true });
    const bare = phoenix();
    await bare.join({ meta: { name: "ann" } }, "board:1");
    await advance(100);
    await watcher.heard();
    atOnce(bare, ["l", "l", "board:2", "phx_join", {}]);
    bare.talker.gone();
    await advance(1_000);
    expect((await watcher.heard()).filter((frame) => frame.type === "Presence")).toEqual([]);
    asked.keep(true);
  });
});

test("[BR18] messages that wait are kept up to a megabyte, and answered with themselves beyond", () => {
  const dispatches = new Dispatches();
  const ref = (n: number) => ({ n }) as never;
  dispatches.add(1, "a", ["small"], ref(1), 1_000_000);
  dispatches.add(2, "b", ["large"], ref(2), 1_000_000);
  expect([dispatches.isAsSent(1, "a", ["small"]), dispatches.isAsSent(2, "b", ["large"])]).toEqual([
    true,
    false,
  ]);
  expect(dispatches.take(2, "b")).toEqual({ n: 2 });
  expect(dispatches.take(1, "a")).toEqual({ n: 1 });
  dispatches.add(3, "c", ["again"], ref(3), 1_000_000);
  expect(dispatches.isAsSent(3, "c", ["again"])).toBe(true);
});

test("[BR16] a state that was folded anew at the same place is told whole", () => {
  let model: unknown = { n: 1 };
  const view = new TopicView({ state: () => ({ sequence: 1, mark: 7, model }), plainOf: (given) => given });
  const before = view.now();
  expect(view.now()).toBe(before);
  model = { n: 2 };
  expect(view.now()!.plain).toEqual({ n: 2 });
  expect(view.from({ sequence: 1, mark: 7 })!.event).toBe("snapshot");
});

test("[BR15] a zero that has become another one is another one", () => {
  const encode = (value: unknown): unknown => (Object.is(value, -0) ? { $: "-0" } : value);
  const plainOf = plainSteps(plainParts(encode));
  expect(plainOf({ list: [0, 1] })).toEqual({ list: [0, 1] });
  expect(JSON.stringify(plainOf({ list: [-0, 1] }))).not.toBe(JSON.stringify({ list: [0, 1] }));
});

describe("a topic by itself", () => {
  /** One that has asked for its subscription, by ref 2. */
  function asked(plainOf: (model: unknown) => unknown = (given) => given) {
    const said: unknown[] = [];
    const line = {
      nextRef: () => 2,
      say: (frame: { readonly type: string }) => said.push(frame.type),
      leave: () => said.push("left"),
      unsaid: () => undefined,
    };
    const topic = new BridgedTopic({
      line: line as never,
      target: "list:1",
      version: 1,
      view: new TopicView({ state: () => ({ sequence: 3, mark: 7, model: ["new"] }), plainOf }),
      presence: undefined,
      words: { form: "patch", version: undefined, cursor: undefined, settled: 0, sent: 0, meta: undefined },
      clock: handClock().clock,
      maxFrameBytes: 1_000,
      maxTokenBytes: 1_000,
      ended: () => undefined,
    });
    topic.welcome({ clientId: "c", secret: "s", userId: null, maxInFlight: 8, refused: undefined });
    const hear = (frame: object): void => topic.hear(new PlainFrame(frame as never));
    const settled = {
      type: "Settled",
      target: "list:1",
      sequence: 3,
      next: 1,
      outcomes: [],
      reason: "first",
    };
    const snapshot = { type: "Snapshot", target: "list:1", sequence: 3, mark: 7, version: 1, model: ["new"] };
    return { topic, said, hear, settled: { ...settled, resync: "snapshot" }, snapshot };
  }

  test("[BR18] takes no model and no records of an older subscription for its own", async () => {
    const { topic, hear, settled, snapshot } = asked();
    hear({ ...settled, ref: 1 });
    hear({ ...snapshot, sequence: 2, model: ["old"] });
    hear({
      type: "TopicUpdate",
      target: "list:1",
      after: 2,
      from: 2,
      at: 0,
      authors: [],
      records: [],
      mark: 7,
    });
    hear({ ...settled, ref: 2 });
    hear(snapshot);
    expect(JSON.parse(JSON.stringify(await topic.answer))).toMatchObject({
      type: "joined",
      response: { sequence: 3, mark: 7, model: ["new"] },
    });
  });

  test("[BR18] whose model JSON cannot carry is refused, and unsubscribed, and no other one is ended", async () => {
    const { topic, said, hear, settled, snapshot } = asked(() => {
      throw new CallaError("invalid-value", {});
    });
    hear({ ...settled, ref: 2 });
    hear(snapshot);
    expect(await topic.answer).toMatchObject({ response: { code: "invalid-value", retryable: false } });
    expect(said).toEqual(["Subscribe", "Unsubscribe", "left"]);
  });
});
