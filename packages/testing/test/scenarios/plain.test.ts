// Server and clients that carry plain JSON only: what JSON has not is refused where it comes up, and whatever is accepted
// is the same everywhere: in the log, in storage, in a page that the server rendered.
import { createClient, keepModels, memoryStorage } from "@calla/client";
import type { Storage } from "@calla/client";
import { hydrated } from "@calla/client/hydration";
import { createServer, memoryLog } from "@calla/server";
import { automatic, defineEphemeral, defineTopic, defineWiring, json, plain } from "@calla/shared";
import type { Serialiser } from "@calla/shared";
import { expect, test } from "vitest";
import * as z from "zod";
import { connectionPair, seededRandom, virtualClock } from "../../src/index.ts";
import { testedLog } from "../tested-log.ts";
import { POLL_INTERVAL, VIA } from "../tested-via.ts";

/** Keeps whatever it is given, and makes in its update what a message cannot bring. */
const shelf = defineTopic("shelf:*", {
  model: z.object({ things: z.record(z.string(), z.unknown()) }),
  initial: () => ({ things: {} }),
  messages: {
    put: z.object({ name: z.string(), thing: z.unknown() }),
    made: z.object({ name: z.string(), what: z.string(), deep: z.boolean() }),
  },
  rejections: { never: z.object({ thing: z.unknown() }) },
  update: {
    put: ({ things }, { name, thing }) => ({ things: { ...things, [name]: thing } }),
    made({ things }, { name, what, deep }, context) {
      const thing = MADE[what];
      if (name === "rejected") return context.reject("never", { thing });
      return { things: { ...things, [name]: deep ? { list: [{ thing }] } : thing } };
    },
  },
});
const cursors = defineEphemeral("cursors:*", {
  messages: { moved: z.object({ at: z.unknown() }) },
  keep: "latest",
});
const wiring = defineWiring({ topics: [shelf, cursors] });

/** What JSON has not. */
const MADE: { readonly [what: string]: unknown } = {
  map: new Map([["a", 1]]),
  set: new Set([1]),
  date: new Date(0),
  bigint: 7n,
  bytes: Uint8Array.of(1),
  nan: Number.NaN,
  infinity: Infinity,
  minusZero: -0,
  hole: [undefined],
  instance: new (class Shelf {
    readonly n = 1;
  })(),
  proto: JSON.parse('{ "__proto__": 1 }'),
};
/** What JSON has, and automatic's tags look like. */
const TAGGED = [
  { $: "date", v: 0 },
  { $: "undefined" },
  { $: "object", v: [["a", 1]] },
  { $: [], toJSON: 1 },
];

function library({ serialiser = plain(json()) as Serialiser, strict = true } = {}) {
  const clock = virtualClock();
  const random = seededRandom(3);
  const log = (testedLog ?? memoryLog)({ shared: false, retention: 1_000, random: random.fork("log") });
  const errors: unknown[] = [];
  const start = () => {
    const life = clock.process();
    const server = createServer({
      wiring,
      serialiser,
      log,
      clock: life,
      random: random.fork("server"),
      secret: "a secret that every server of the library knows",
      strict,
      onError: (error) => errors.push(error),
    });
    server.handle(shelf, { public: true });
    server.handle(cursors, { public: true });
    return { server, life };
  };
  let { server, life } = start();
  let pages = 0;
  const page = (storage: Storage = memoryStorage(), text?: string, read = serialiser) => {
    const pair = connectionPair(server, {
      serialiser,
      clock,
      via: () => VIA,
      latency: () => 1,
      pollInterval: POLL_INTERVAL,
    });
    const client = createClient({
      wiring,
      serialiser,
      transport: pair.transport,
      storage:
        text === undefined
          ? storage
          : hydrated(storage, { serialiser: read, text, onError: (error) => errors.push(error) }),
      user: null,
      strict,
      clock,
      random: random.fork(`page ${pages++}`),
      wakeUps: () => () => {},
      onError: (error) => errors.push(error),
    });
    const topic = client.topic(shelf, "1");
    topic.retain();
    return { client, topic, pair, first: topic.state };
  };
  const done = async <T>(promise: Promise<T>): Promise<T> => {
    promise.catch(() => undefined);
    await clock.advance(100);
    return promise;
  };
  return {
    errors,
    page,
    done,
    clock,
    get server() {
      return server;
    },
    restart() {
      life.kill();
      ({ server, life } = start());
    },
  };
}

test("[CO32] what JSON has is the same for its author, a subscriber, who comes later, over a restart, and in storage", async () => {
  const it = library();
  const storage = memoryStorage({ models: keepModels({ delay: 1, pause: 1 }) });
  const [ann, bo] = [it.page(storage), it.page()];
  await it.clock.advance(100);
  const things = [null, true, "", "\ud800 lone", "\u2028", 1e300, 5e-324, [], {}, [[null]], ...TAGGED];
  const writes = things.map((thing, i) => ann.topic.dispatch({ type: "put", name: `${i}`, thing }));
  // Left out by its author as by every reader.
  const lacking = { a: undefined, b: [{ c: undefined }] };
  writes.push(ann.topic.dispatch({ type: "put", name: "lacking", thing: lacking }));
  const predicted = ann.topic.state.model;
  await it.done(Promise.all(writes.map(({ applied }) => applied)));
  const kept: Record<string, unknown> = { ...things, lacking: { b: [{}] } };
  expect(predicted?.things).toStrictEqual(kept);
  for (const { topic } of [ann, bo]) expect(topic.state.model?.things).toStrictEqual(kept);
  it.restart();
  const carl = it.page();
  await it.clock.advance(1_000);
  expect(carl.topic.state).toMatchObject({ status: "live" });
  expect(carl.topic.state.model?.things).toStrictEqual(kept);
  expect((await it.done(it.server.topic(shelf, "1").read())).model.things).toStrictEqual(kept);
  // A page that finds it stored, before anything came.
  await it.done(ann.client.close());
  const again = it.page(storage);
  await it.clock.advance(1);
  expect(again.topic.state.model?.things).toStrictEqual(kept);
  expect(it.errors).toEqual([]);
});

test.each(Object.keys(MADE))(
  "[CO36] a message with what JSON has not (%s) is refused by dispatch with its path, on a page and on the server",
  async (what) => {
    const it = library();
    const { client, topic } = it.page();
    await it.clock.advance(100);
    const message = { type: "put", name: "a", thing: { list: [MADE[what]] } } as const;
    const path = { hole: "[0]", proto: ".__proto__" }[what] ?? "";
    const refused = { code: "invalid-value", details: { path: `.thing.list[0]${path}` } };
    expect(() => topic.dispatch(message)).toThrow(expect.objectContaining({ code: refused.code }));
    try {
      topic.dispatch(message);
    } catch (error) {
      expect(error).toMatchObject(refused);
    }
    await expect(it.done(it.server.topic(shelf, "1").dispatch(message))).rejects.toThrow(
      /\.thing\.list\[0\]/,
    );
    const cursor = client.topic(cursors, "1");
    cursor.retain();
    await it.clock.advance(100);
    expect(() => cursor.dispatch({ type: "moved", at: MADE[what] })).toThrow(
      expect.objectContaining({ code: "invalid-value" }),
    );
    await it.clock.advance(100);
    expect(topic.state).toMatchObject({ status: "live", model: { things: {} } });
  },
);

test.each(Object.keys(MADE).flatMap((what) => [true, false].map((strict) => [what, strict] as const)))(
  "[CO34] an update that makes what JSON has not (%s, strict: %s) is refused; nobody is sent such a model, and the next is taken",
  async (what, strict) => {
    const it = library({ strict });
    const [ann, bo] = [it.page(), it.page()];
    await it.clock.advance(100);
    for (const deep of [false, true]) {
      const write = ann.topic.dispatch({ type: "made", name: "a", what, deep });
      await expect(it.done(write.applied)).rejects.toMatchObject({ code: "update-threw" });
    }
    // Nor do a rejection's details bring it to anybody.
    const rejected = ann.topic.dispatch({ type: "made", name: "rejected", what, deep: false });
    await expect(it.done(rejected.applied)).rejects.toMatchObject({
      code: strict ? "update-threw" : "never",
      ...(strict ? {} : { details: {} }),
    });
    await it.done(bo.topic.dispatch({ type: "put", name: "b", thing: 1 }).applied);
    for (const { topic } of [ann, bo, it.page()]) {
      await it.clock.advance(100);
      expect(topic.state).toMatchObject({ status: "live" });
      expect(topic.state.model).toStrictEqual({ things: { b: 1 } });
    }
    const told = it.errors.map(String).filter((text) => /cannot be carried/.test(text));
    expect(told.length).toBeGreaterThanOrEqual(3);
    expect(told[0]).toMatch(
      /"shelf:\*".*"made".*model that cannot be carried: .*\.things\.a.*(JSON|__proto__)/,
    );
  },
);

test.each([
  ["automatic", "plain", automatic(json()), plain(json())],
  ["plain", "automatic", plain(json()), automatic(json())],
])(
  "[HY7] what a server with %s has rendered, a client with %s does not read: it says so, and the model is fetched",
  async (_, __, written, read) => {
    const it = library({ serialiser: written });
    await it.done(it.server.topic(shelf, "1").dispatch({ type: "put", name: "a", thing: TAGGED }));
    const text = await it.done(it.server.hydrate([it.server.topic(shelf, "1")]));
    const model = { things: { a: TAGGED } };
    const same = it.page(memoryStorage(), text);
    expect(same.first).toMatchObject({ status: "stale", model });
    await it.clock.advance(100);
    expect(same.topic.state).toMatchObject({ status: "live", model });
    expect(it.errors).toEqual([]);

    const other = it.page(memoryStorage(), text, read);
    expect(other.first.model).toBeUndefined();
    await it.clock.advance(100);
    expect(other.topic.state).toMatchObject({ status: "live", model });
    const [wrote, reads] = [written, read].map(({ formats }) => formats[0]!.name);
    expect(it.errors).toMatchObject([
      {
        code: "undecodable",
        details: { written: wrote, read: reads },
        message: `The server wrote this page's snapshots in the format "${wrote}", and this client reads "${reads}". Give client and server the same serialiser.`,
      },
    ]);
  },
);
