// A page that a real server rendered, taken up by a real client: from `server.hydrate` through HTML to what listeners
// hear and what crosses the wire.
import { createClient, memoryStorage } from "@calla/client";
import type { Storage } from "@calla/client";
import { hydrated } from "@calla/client/hydration";
import { createServer, memoryLog } from "@calla/server";
import { automatic, defineSession, defineTopic, defineWiring, json, serverOnly } from "@calla/shared";
import type { ServerFrame } from "@calla/shared";
import { expect, test } from "vitest";
import * as z from "zod";
import { connectionPair, lossyPubSub, seededRandom, virtualClock } from "../../src/index.ts";
import { testedLog } from "../tested-log.ts";

const shelf = defineTopic("shelf:*", {
  model: z.object({ books: z.array(z.string()), opened: z.date(), counts: z.map(z.string(), z.bigint()) }),
  initial: () => ({ books: [], opened: new Date(0), counts: new Map() }),
  messages: { put: z.object({ book: z.string() }) },
  update: {
    put: ({ books, counts }, { book }, { at }) => ({
      books: [...books, book],
      opened: new Date(at),
      counts: new Map(counts).set(book, (counts.get(book) ?? 0n) + 1n),
    }),
  },
});
const session = defineSession({
  model: z.object({ name: z.string() }),
  initial: () => ({ name: "" }),
  messages: { named: serverOnly(z.object({ name: z.string() })) },
  update: { named: (_, { name }) => ({ name }) },
});
const wiring = defineWiring({ session, topics: [shelf] });
const serialiser = automatic(json());

/** Servers over one log, and pages of them. */
function bookshop({ nodes = 1 } = {}) {
  const clock = virtualClock();
  const random = seededRandom(3);
  const log = (testedLog ?? memoryLog)({ shared: nodes > 1, retention: 1_000, random: random.fork("log") });
  const pubsub = lossyPubSub({ clock, random: random.fork("rings"), rates: { drop: 1 } });
  const errors: unknown[] = [];
  const servers = Array.from({ length: nodes }, (_, i) => {
    const server = createServer({
      wiring,
      serialiser,
      log,
      pubsub,
      clock,
      random: random.fork(i),
      secret: "a secret that every node of the shop knows",
      strict: true,
      onError: (error) => errors.push(error),
    });
    server.handle(shelf, { public: true });
    server.handle(session, { public: true });
    return server;
  });
  const [server] = servers as [(typeof servers)[0]];
  let pages = 0;
  /** A page over what the browser has stored, with what came in it; what it shows from its first line on. */
  const page = (storage: Storage, html?: string) => {
    const answered: ServerFrame[] = [];
    const pair = connectionPair(server, { serialiser, clock, onAnswered: (frame) => answered.push(frame) });
    const text = html === undefined ? undefined : scriptOf(html);
    const client = createClient({
      wiring,
      serialiser,
      transport: pair.transport,
      storage:
        text === undefined
          ? storage
          : hydrated(storage, { serialiser, text, onError: (error) => errors.push(error) }),
      user: null,
      strict: true,
      clock,
      random: random.fork(`page ${pages++}`),
      wakeUps: () => () => {},
      onError: (error) => errors.push(error),
    });
    const topic = client.topic(shelf, "1");
    const shown: { readonly status: string; readonly model: unknown }[] = [];
    topic.onChange(({ status, model }) => shown.push({ status, model }));
    return { client, topic, pair, answered, shown, first: topic.state };
  };
  /** What a promise of a server comes to, with the turns it needs. */
  const done = async <T>(promise: Promise<T>): Promise<T> => {
    promise.catch(() => undefined);
    await clock.advance(10);
    return promise;
  };
  const put = (...books: readonly string[]) =>
    Promise.all(books.map((book) => done(server.topic(shelf, "1").dispatch({ type: "put", book }))));
  return { server, servers, clock, errors, page, done, put };
}

const htmlOf = (text: string): string =>
  `<!doctype html><body><script type="application/json" id="calla">${text}</script><p>after</p></body>`;

/** What a browser takes for the element's text: everything up to the first thing that ends a script. */
function scriptOf(html: string): string {
  const begin = html.indexOf(">", html.indexOf("<script")) + 1;
  const length = html.slice(begin).search(/<\/script[\s/>]/i);
  // After "<!--" and "<script" an end tag ends nothing: neither may stand in it.
  expect(html.slice(begin, begin + length)).not.toMatch(/<!--|<script/i);
  expect(html.slice(begin + length)).toBe("</script><p>after</p></body>");
  return html.slice(begin, begin + length);
}

const about = (frames: readonly ServerFrame[], target: string): readonly ServerFrame[] =>
  frames.filter((frame) => "target" in frame && frame.target === target);

test("[HY1] [HY4] a rendered topic is there from the first line on, never away, and is not sent again", async () => {
  const { server, page, done, put, errors } = bookshop();
  await put("Emma", "Ulysses");
  const html = htmlOf(await done(server.hydrate([server.topic(shelf, "1")])));
  const { model } = await done(server.topic(shelf, "1").read());

  const { first, pair, topic, shown, answered } = page(memoryStorage(), html);
  expect(first).toMatchObject({ status: "stale", model });
  await pair.flush();
  expect(topic.state).toMatchObject({ status: "live", model });
  // No flash: whoever listened never heard of no model, nor of another one.
  expect(shown).toEqual(["stale", "live"].map((status) => ({ status, model })));
  expect(about(answered, "shelf:1")).toMatchObject([{ type: "Settled", sequence: 2, resync: "current" }]);
  expect(errors).toEqual([]);

  // The same page without the element fetches it, so the test can tell.
  const bare = page(memoryStorage());
  expect(bare.first.model).toBeUndefined();
  await bare.pair.flush();
  expect(about(bare.answered, "shelf:1").map(({ type }) => type)).toEqual(["Settled", "Snapshot"]);
});

test("[HY4] what came after the rendering follows as records, under what was dispatched meanwhile", async () => {
  const { server, page, done, put, errors } = bookshop();
  await put("Emma");
  const html = htmlOf(await done(server.hydrate([server.topic(shelf, "1")])));
  await put("Ulysses");
  const { pair, topic, shown, answered } = page(memoryStorage(), html);
  const write = topic.dispatch({ type: "put", book: "Dune" });
  expect(topic.state.model?.books).toEqual(["Emma", "Dune"]);
  await pair.flush();
  await expect(write.applied).resolves.toMatchObject({ sequence: 3 });
  expect(topic.state).toMatchObject({ status: "live", pending: [] });
  expect(topic.state.model).toEqual((await done(server.topic(shelf, "1").read())).model);
  for (const { model } of shown) expect(model).toBeDefined();
  expect(about(answered, "shelf:1")).toMatchObject([
    { type: "Settled", resync: "records", reason: "missed" },
    { type: "TopicUpdate", after: 1 },
    { type: "TopicUpdate", after: 2 },
  ]);
  expect(errors).toEqual([]);
});

test("[HY2] S29 hostile books end no element, and every value arrives as it was", async () => {
  const { server, page, done, put, errors } = bookshop();
  const hostile = [
    "</script><script>alert(1)</script>",
    "</SCRIPT\n>",
    "<!-- <script>",
    "-->]]>&lt;",
    "\u2028\u2029",
    "\ud800",
    "__proto__",
    '"\\u003c',
    "$&$1",
  ];
  await put(...hostile);
  const html = htmlOf(await done(server.hydrate([server.topic(shelf, "1")])));
  const { model } = await done(server.topic(shelf, "1").read());
  expect(model.books).toEqual(hostile);
  const { first, pair, answered, topic } = page(memoryStorage(), html);
  expect(first.model).toEqual(model);
  expect(first.model?.opened).toBeInstanceOf(Date);
  expect(first.model?.counts).toEqual(new Map(hostile.map((book) => [book, 1n])));
  await pair.flush();
  expect(topic.state.model).toEqual(model);
  expect(about(answered, "shelf:1").map(({ type }) => type)).toEqual(["Settled"]);
  expect(errors).toEqual([]);
});

test("[HY1] a node that lags renders what the log has, and no client goes back behind it", async () => {
  const { servers, page, done, put } = bookshop({ nodes: 2 });
  const [, lagging] = servers;
  const topic = lagging!.topic(shelf, "1");
  expect((await done(topic.read())).sequence).toBe(0);
  await put("Emma"); // by the other node, and no bell is heard
  const html = htmlOf(await done(lagging!.hydrate([topic])));
  const { first, pair, shown } = page(memoryStorage(), html);
  expect(first.model?.books).toEqual(["Emma"]);
  await pair.flush();
  for (const { model } of shown) expect(model).toMatchObject({ books: ["Emma"] });
});

test("[HY3] [HY6] S41 a session is rendered only into a response that nobody stores, and taken up by its client only", async () => {
  const { server, page, done, errors } = bookshop();
  const storage = memoryStorage();
  const before = page(storage);
  await before.pair.flush();
  const clientId = before.client.clientId!;
  await done(server.dispatchTo(clientId, { type: "named", name: "Ada </script>" }));
  await before.pair.flush();
  await done(before.client.close());

  // Not as a topic among topics, and not where it is too late to forbid storing it.
  await expect(done(server.hydrate([server.session(clientId)]))).rejects.toMatchObject({ code: "forbidden" });
  const sent = { headersSent: true, setHeader: () => expect.unreachable() };
  await expect(done(server.hydrate([], { session: { clientId, response: sent } }))).rejects.toMatchObject({
    code: "forbidden",
  });
  const response = new Headers({ "cache-control": "public, max-age=600" });
  const html = htmlOf(await done(server.hydrate([], { session: { clientId, response } })));
  expect(response.get("cache-control")).toBe("no-store");

  const heard: unknown[] = [];
  const { client, pair, answered } = page(storage, html);
  client.session.onChange(({ model }) => heard.push(model));
  await pair.flush();
  expect(client.clientId).toBe(clientId);
  expect(client.session.state).toMatchObject({ status: "live", model: { name: "Ada </script>" } });
  expect(about(answered, "@")).toMatchObject([{ type: "Settled", resync: "current" }]);
  for (const model of heard) expect(model).toEqual({ name: "Ada </script>" });

  const stranger = page(memoryStorage(), html);
  expect(stranger.client.session.state.model).toBeUndefined();
  await stranger.pair.flush();
  expect(stranger.client.session.state.model).toEqual({ name: "" });
  expect(errors).toEqual([]);
});
