// The HTTP link over a carrier in the hand: the test reads every request and writes every answer.
import { json } from "@calla/shared";
import { messagePack } from "@calla/shared/messagepack";
import { expect, test } from "vitest";
import { turn, VirtualClock } from "../../../test/kit.ts";
import { httpLink } from "./link.ts";
import type { HttpLinkOptions, PostAnswer, StreamHandlers } from "./link.ts";
import type { CloseReason } from "../transport.ts";

type Frame = { readonly type: string } & Readonly<Record<string, unknown>>;
const NEW = { type: "Hello", protocol: 1, slices: {}, token: "t", targets: [{ target: "a", ref: 1 }] };
const HELLO = { ...NEW, identity: { clientId: "c1", secret: "s0" } };
const CONNECTED = { type: "Connected", clientId: "c1", secret: "s1" };
const message = (mid: number, more: object = {}): Frame => ({
  type: "TopicMessage",
  target: "a",
  mid,
  id: `id${mid}`,
  settled: 0,
  messages: [{ type: "added" }],
  ...more,
});
const rejected = (mid: number, code = "cancelled"): Frame => ({
  type: "Rejected",
  target: "a",
  mid,
  id: `id${mid}`,
  from: "calla",
  code,
  details: {},
});

function setUp(more: Partial<HttpLinkOptions> = {}) {
  const clock = new VirtualClock();
  const { format = json() } = more;
  const events: unknown[] = [];
  const streams: { body: Frame; on: StreamHandlers; aborted: boolean }[] = [];
  const posts: {
    frames: Frame[];
    last: boolean | undefined;
    answer(answer: PostAnswer): Promise<void>;
    aborted: boolean;
  }[] = [];
  const free = { slots: 1, known: true };
  const decoded = (data: string | Uint8Array): unknown => format.decode(data);
  const memory = { pollUntil: 0, unsendable: new Map<string, string>(), tracks: new Map() };
  const link = httpLink({
    carrier: {
      stream(body, on) {
        const stream = { body: decoded(body) as Frame, on, aborted: false };
        streams.push(stream);
        return () => void (stream.aborted = true);
      },
      post(body, last) {
        let settle!: (answer: PostAnswer) => void;
        const answer = new Promise<PostAnswer>((resolve) => (settle = resolve));
        const post = {
          frames: decoded(body) as Frame[],
          last,
          aborted: false,
          async answer(given: PostAnswer) {
            settle(given);
            await turn();
          },
        };
        posts.push(post);
        return { answer, abort: () => void (post.aborted = true) };
      },
    },
    slots: {
      take: () => {
        if (free.slots === 0) return Promise.resolve(undefined);
        free.slots--;
        return Promise.resolve(() => void free.slots++);
      },
    },
    clock,
    handlers: {
      open() {
        events.push("open");
        link.send(format.encode(free.known ? HELLO : NEW));
      },
      receive: (data) => events.push(...[decoded(data)].flat()),
      close: (reason: CloseReason) => events.push(reason),
    },
    format,
    flushBatchSize: 10,
    pollInterval: 3_000,
    postTimeout: 15_000,
    silence: 3_000,
    memory,
    ...more,
  });
  const text = (...frames: object[]): string => {
    const data = format.encode(frames.length === 1 ? frames[0] : frames);
    return typeof data === "string" ? data : Buffer.from(data).toString("base64");
  };
  return {
    link,
    clock,
    events,
    streams,
    posts,
    free,
    memory,
    text,
    say: (...frames: Frame[]) => link.send(format.encode(frames.length === 1 ? frames[0] : frames)),
    /** Whom the first stream's Hello has made of us. */
    async connected() {
      await turn();
      streams[0]?.on.data(text(CONNECTED));
      events.length = 0;
    },
    ok: (...frames: object[]): PostAnswer => ({ status: 200, events: frames.map((frame) => text(frame)) }),
  };
}
const mids = (post: { frames: Frame[] } | undefined) => post?.frames.slice(1).map(({ mid }) => mid);

test.each([json(), messagePack()])(
  "[HT2] [HT3] the Hello opens a stream, its events are frames ($name)",
  async (format) => {
    const { streams, events, text } = setUp({ format });
    expect(streams).toEqual([]);
    await turn();
    expect(streams[0]?.body).toEqual(HELLO);
    streams[0]?.on.data(text(CONNECTED));
    streams[0]?.on.data(text({ type: "Settled" }));
    expect(events).toEqual(["open", CONNECTED, { type: "Settled" }]);
  },
);

test("[HT8] one POST at a time, in order; its Hello carries identity and token, its answers are heard", async () => {
  const { say, posts, connected, ok, events } = setUp();
  await turn();
  say(message(1));
  expect(posts).toEqual([]); // not before it is known who speaks
  await connected();
  say(message(2), { type: "Subscribe", target: "b", ref: 2 });
  expect(posts).toHaveLength(1);
  expect(posts[0]?.frames).toEqual([
    {
      type: "Hello",
      protocol: 1,
      identity: { clientId: "c1", secret: "s1" },
      token: "t",
      slices: {},
      targets: [],
    },
    message(1),
  ]);
  await posts[0]?.answer(ok({ type: "Acknowledge", mid: 1 }));
  expect(events).toEqual([{ type: "Acknowledge", mid: 1 }]);
  expect(posts[1]?.frames.slice(1)).toEqual([message(2), { type: "Subscribe", target: "b", ref: 2 }]);
});

test("[HT8] a batch is flushBatchSize messages, or as many as are 64 KB, and no more than the server takes", async () => {
  const { say, posts, connected, ok } = setUp({ flushBatchSize: 3 });
  await connected();
  say(message(1));
  say(...Array.from({ length: 400 }, (_, i) => message(i + 2)));
  await posts[0]?.answer(ok());
  const small = posts[1]?.frames.length ?? 0;
  expect(small).toBe(401);
  const large = "x".repeat(40_000);
  await posts[1]?.answer(ok());
  say(message(500));
  say(...[501, 502, 503, 504].map((mid) => message(mid, { messages: [large] })));
  await posts[2]?.answer(ok());
  expect(mids(posts[3])).toEqual([501, 502, 503]);
  // The server says how much it takes.
  await posts[3]?.answer({ status: 413, events: [], maxBytes: 100_000 });
  await posts[4]?.answer(ok());
  expect(mids(posts[4])).toEqual([501, 502]);
  expect(mids(posts[5])).toEqual([503, 504]);
});

test("[HT8] [HT19] S26 what is too large is found by halves and goes out as void; its author hears why, the others are not held up", async () => {
  const { say, posts, connected, ok, events } = setUp();
  await connected();
  say(message(1), message(2), message(3), message(4));
  await posts[0]?.answer({ status: 413, events: [], code: "too-large" });
  expect(mids(posts[1])).toEqual([1, 2]);
  await posts[1]?.answer(ok());
  expect(mids(posts[2])).toEqual([3, 4]);
  await posts[2]?.answer({ status: 413, events: [], code: "too-large" });
  expect(mids(posts[3])).toEqual([3]);
  await posts[3]?.answer({ status: 413, events: [], code: "too-large" });
  expect(posts[4]?.frames.slice(1)).toEqual([message(3, { messages: [] }), message(4)]);
  await posts[4]?.answer(ok(rejected(3), { type: "Acknowledge", mid: 4 }));
  expect(events).toEqual([rejected(3, "too-large"), { type: "Acknowledge", mid: 4 }]);
});

test("[HT8] S26 the answer to a void mid is lost: it is void in the next attempt too, and named however its outcome comes", async () => {
  const first = setUp();
  await first.connected();
  first.say(message(1));
  await first.posts[0]?.answer({ status: 400, events: [], code: "undecodable" });
  expect(first.posts[1]?.frames[1]).toEqual(message(1, { messages: [] }));
  await first.posts[1]?.answer({ status: 0, events: [] });
  expect(first.events).toEqual([{ code: 1006, reason: "HTTP 0" }]);
  const second = setUp({ memory: first.memory });
  await second.connected();
  second.say(message(1));
  expect(second.posts[0]?.frames[1]).toEqual(message(1, { messages: [] }));
  const settled = (code: string) => ({
    type: "Settled",
    outcomes: [
      [1, "id1", "rejected", 0, "calla", code, {}],
      [2, "id2", "rejected", 0, "calla", "cancelled", {}],
    ],
  });
  second.streams[0]?.on.data(second.text(settled("cancelled")));
  expect(second.events).toEqual([settled("undecodable")]);
  // What the server had taken before is told as it is.
  second.events.length = 0;
  await second.posts[0]?.answer(second.ok({ ...rejected(1), code: "never" }));
  expect(second.events).toEqual([rejected(1, "never")]);
  expect(second.memory.unsendable.size).toBe(0);
});

test.each([400, 413, 422])(
  "[HT8] [OB20] [HT19] a %i that is not the server's own word gives nothing up: found by halves, it ends the attempt alone",
  async (status) => {
    const { say, posts, connected, ok, events } = setUp();
    await connected();
    say(message(1), message(2));
    await posts[0]?.answer({ status, events: [] });
    await posts[1]?.answer(ok());
    expect(mids(posts[2])).toEqual([2]);
    await posts[2]?.answer({ status, events: [] });
    expect([events, posts.length]).toEqual([[{ code: 1006, reason: `HTTP ${status}` }], 3]);
  },
);

test.each([0, 401, 403, 404, 429, 500, 502, 503])(
  "[HT8] S26 a POST that comes to %i ends the attempt, and no other one is sent",
  async (status) => {
    const { say, posts, connected, events, streams } = setUp();
    await connected();
    say(message(1));
    say(message(2));
    await posts[0]?.answer({ status, events: [] });
    expect(events).toEqual([{ code: 1006, reason: `HTTP ${status}` }]);
    expect([posts.length, streams[0]?.aborted]).toEqual([1, true]);
  },
);

test("[HT8] what is no message and not taken ends the attempt, and so does a void mid: nothing is tried for ever", async () => {
  const { say, posts, connected, events } = setUp();
  await connected();
  say({ type: "Subscribe", target: "b", ref: 2 });
  await posts[0]?.answer({ status: 400, events: [] });
  expect(events).toEqual([{ code: 1006, reason: "HTTP 400" }]);
  const second = setUp();
  await second.connected();
  second.say(message(1, { messages: [] }));
  await second.posts[0]?.answer({ status: 413, events: [] });
  expect(second.events).toEqual([{ code: 1006, reason: "HTTP 413" }]);
});

test("[HT8] S23 a POST without an answer ends the attempt", async () => {
  const { say, posts, connected, events, clock } = setUp();
  await connected();
  say(message(1));
  await clock.advance(15_000);
  expect([posts[0]?.aborted, events]).toEqual([true, [{ code: 4001, reason: "silent" }]]);
});

test("[HT8] S22 after close() nothing is heard or sent, and the answers that are still to come touch nothing", async () => {
  const { link, say, posts, connected, events, streams, ok, clock, free } = setUp();
  await connected();
  say(message(1));
  link.close();
  say(message(2));
  streams[0]?.on.data("{}");
  streams[0]?.on.alive();
  streams[0]?.on.end(0, "late");
  await posts[0]?.answer(ok({ type: "Acknowledge" }));
  await clock.advance(60_000);
  expect(events).toEqual([]);
  expect([posts.length, streams.length, free.slots, clock.waiting]).toEqual([1, 1, 1, 0]);
});

test("[HT8] an answer that ends the attempt is the last that is heard", async () => {
  const { link, say, posts, connected, events, ok } = setUp({});
  await connected();
  say(message(1));
  const heard = posts[0]?.answer(ok({ type: "Closing", code: "not-here" }, { type: "Acknowledge", mid: 1 }));
  link.close();
  await heard;
  expect(events).toEqual([]);
});

test("[HT11] comments are life, as a Pong that nobody asked for", async () => {
  const { connected, streams, events } = setUp();
  await connected();
  streams[0]?.on.alive();
  expect(events).toEqual([{ type: "Pong" }]);
});

test("[HT11] S23 a stream that is silent while POSTs are answered is asked, and given up if it does not answer", async () => {
  for (const sign of ["none", "event", "comment"] as const) {
    const { say, posts, connected, streams, events, clock, ok, text } = setUp();
    await connected();
    for (let mid = 1; mid <= 4; mid++) {
      await clock.advance(5_000);
      say(message(mid));
      await posts.at(-1)?.answer(ok({ type: "Acknowledge", mid }));
    }
    await clock.advance(5_000);
    expect(posts.map((post) => post.frames[1]?.type)).toEqual([...Array(4).fill("TopicMessage"), "Ping"]);
    await posts[4]?.answer(ok());
    await clock.advance(9_000);
    if (sign === "event") streams[0]?.on.data(text({ type: "Pong" }));
    else if (sign === "comment") streams[0]?.on.alive();
    events.length = 0;
    await clock.advance(5_000);
    expect(events).toEqual(sign === "none" ? [{ code: 4001, reason: "silent" }] : []);
    expect(posts).toHaveLength(5);
  }
});

test("[HT10] S23 a poll that does not get on is given up, whatever POSTs are answered", async () => {
  const { say, posts, connected, streams, events, clock, ok, text } = setUp({
    slots: { take: async () => undefined },
  });
  await connected();
  for (let i = 1; i <= 3; i++) {
    await clock.advance(10_000);
    expect(events).toEqual([]);
    streams[0]?.on.data(text({ type: "Settled" })); // it is slow, and gets on
    events.length = 0;
  }
  say(message(1));
  await clock.advance(14_000);
  await posts[0]?.answer(ok({ type: "Acknowledge", mid: 1 }));
  events.length = 0;
  await clock.advance(1_000);
  expect(events).toEqual([{ code: 4001, reason: "silent" }]);
});

test("[HT2] S26 an event stream that is answered by 4xx, or ends, is the attempt's end", async () => {
  for (const [status, reason] of [
    [404, "Non-200 status code (404)"],
    [0, "ended"],
  ] as const) {
    const { streams, events, free } = setUp();
    await turn();
    streams[0]?.on.end(status, reason);
    expect(events).toEqual(["open", { code: 1006, reason }]);
    expect(free.slots).toBe(1);
  }
});

test("[HT9] a stream that does not answer: polls take its place, in this attempt and for a while", async () => {
  const { streams, clock, events, text, memory, free } = setUp();
  await turn();
  await clock.advance(3_000);
  expect(streams.map(({ body, aborted }) => [body["poll"], aborted])).toEqual([
    [undefined, true],
    [true, false],
  ]);
  expect([events, free.slots]).toEqual([["open", "open"], 1]);
  streams[1]?.on.data(text(CONNECTED));
  streams[1]?.on.end(0, "");
  const next = setUp({ memory, clock });
  await turn();
  expect(next.streams[0]?.body["poll"]).toBe(true);
  memory.pollUntil = 0;
  await clock.advance(3_000);
  expect(streams[2]?.body["poll"]).toBeUndefined();
});

test("[HT10] without a slot: polls, every 3 s, with a fresh Hello each; a stream as soon as one is free", async () => {
  const { streams, clock, events, text, free } = setUp({
    slots: { take: () => Promise.resolve(places.pop()) },
  });
  const places: (() => void)[] = [];
  expect(free.slots).toBe(1);
  await turn();
  for (let i = 0; i < 3; i++) {
    expect(streams[i]?.body["poll"]).toBe(true);
    streams[i]?.on.data(text(CONNECTED));
    streams[i]?.on.end(0, "");
    await clock.advance(2_999);
    expect(streams).toHaveLength(i + 1);
    if (i === 2) places.push(() => undefined);
    await clock.advance(1);
  }
  expect(streams[3]?.body["poll"]).toBeUndefined();
  expect(events.filter((event) => event === "open")).toHaveLength(4);
});

test("[HT10] polling: a subscribe is a poll at once, and so is what comes after a POST; never two at a time", async () => {
  const { streams, posts, say, text, clock, ok, events } = setUp({
    slots: { take: () => Promise.resolve(undefined) },
  });
  await turn();
  say({ type: "Subscribe", target: "b", ref: 2 }); // while the first poll is under way
  streams[0]?.on.data(text(CONNECTED));
  expect(streams).toHaveLength(1);
  streams[0]?.on.end(0, "");
  await turn();
  expect(streams).toHaveLength(2);
  streams[1]?.on.data(text(CONNECTED));
  streams[1]?.on.end(0, "");
  say({ type: "Ping", cursors: [] }, { type: "Unsubscribe", target: "b", ref: 2 });
  await turn();
  expect(streams).toHaveLength(3);
  streams[2]?.on.data(text(CONNECTED));
  streams[2]?.on.end(0, "");
  say(message(1));
  await posts[0]?.answer(ok({ type: "Acknowledge", mid: 1 }));
  expect([streams.length, posts.length]).toEqual([4, 1]);
  // One that is not answered is the end.
  streams[3]?.on.end(502, "bad");
  expect(events.at(-1)).toEqual({ code: 1006, reason: "bad" });
  await clock.advance(60_000);
  expect(streams).toHaveLength(4);
});

test("[HT10] [CV16] a poll that finds itself to be another client ends the attempt", async () => {
  const { streams, text, clock, events } = setUp({ slots: { take: () => Promise.resolve(undefined) } });
  await turn();
  streams[0]?.on.data(text(CONNECTED));
  streams[0]?.on.end(0, "");
  await clock.advance(3_000);
  events.length = 0;
  streams[1]?.on.data(text({ ...CONNECTED, clientId: "c2", refused: "expired" }));
  expect(events).toEqual([{ code: 4001, reason: "identity" }]);
});

test("[HT10] a new client asks once more at once: what the server gives it (onConnect) is decided behind the first answer", async () => {
  const { streams, events, clock, free, text } = setUp();
  free.slots = 0;
  free.known = false;
  await turn();
  for (const [i, after] of [0, 0, 3_000].entries()) {
    await clock.advance(after);
    expect(streams).toHaveLength(i + 1);
    streams[i]?.on.data(text(CONNECTED));
    streams[i]?.on.end(200, "ended");
    await turn();
  }
  expect(events.filter((event) => event === "open")).toHaveLength(3);
});

test("[HT10] slots that cannot be had end the attempt", async () => {
  const { events } = setUp({ slots: { take: () => Promise.reject(new Error("no locks")) } });
  await turn();
  expect(events).toEqual([{ code: 4001, reason: "slots" }]);
});

test("[CV17] a flusher's POSTs say that they flush", async () => {
  const { link, posts, streams, text } = setUp();
  link.send(json().encode({ ...HELLO, flushOnly: true }));
  streams[0]?.on.data(text(CONNECTED));
  link.send(json().encode(message(1)));
  expect(posts[0]?.frames[0]).toMatchObject({ flushOnly: true });
  await turn();
});

test("[HT10] [HT4] [HT20] S25 a later poll's token that has run out ends the attempt, not the client: the next one asks for another", async () => {
  const { streams, text, clock, events } = setUp({ slots: { take: () => Promise.resolve(undefined) } });
  await turn();
  const refused = { type: "Closing", code: "unauthenticated", retryable: false, within: 0 };
  streams[0]?.on.data(text(CONNECTED));
  streams[0]?.on.end(0, "");
  await clock.advance(3_000);
  events.length = 0;
  streams[1]?.on.data(text(refused));
  expect(events).toEqual([{ code: 4001, reason: "unauthenticated" }]);
  // The first one's is the server's word.
  const fresh = setUp();
  await turn();
  fresh.streams[0]?.on.data(text(refused));
  expect(fresh.events).toEqual(["open", refused]);
});

test("[HT8] [AU14] [HT20] S25 a token that was renewed in place goes with what is said from then on, by POSTs and polls", async () => {
  const { say, posts, connected, ok, streams, link } = setUp();
  await connected();
  say({ type: "Authenticate", token: "t2" });
  expect(posts[0]?.frames).toMatchObject([{ type: "Hello", token: "t2" }, { type: "Authenticate" }]);
  await posts[0]?.answer(ok());
  say(message(1));
  expect(posts[1]?.frames[0]).toMatchObject({ token: "t2" });
  link.send(json().encode(HELLO)); // as a poll is begun, with the attempt's token
  expect(streams[1]?.body).toEqual({ ...HELLO, token: "t2" });
});

test("[CL48] S29 what no sense can be made of is given to the core as it came, in a stream and in the answer to a POST, and nothing stops", async () => {
  const bad = [
    "{",
    "[null]",
    "[5]",
    `{"type":"Settled","outcomes":5}`,
    `{"type":"Settled","outcomes":[null]}`,
  ];
  for (const [format, words] of [
    [json(), bad],
    [messagePack(), ["no base64!", "wQ=="]],
  ] as const) {
    const heard: unknown[] = [];
    const receive = (data: string | Uint8Array): void =>
      void heard.push(typeof data === "string" ? data : Buffer.from(data).toString("base64"));
    // A message that no server takes has to be explained in what comes next.
    const memory = { pollUntil: 0, unsendable: new Map([["id9", "too-large"]]), tracks: new Map() };
    const first = setUp({
      format,
      memory,
      handlers: {
        open: () => first.link.send(format.encode(HELLO)),
        receive,
        close: (reason) => heard.push(reason),
      },
    });
    await turn();
    for (const word of words) first.streams[0]?.on.data(word);
    expect(heard.splice(0)).toEqual(words);
    first.streams[0]?.on.data(first.text(CONNECTED));
    heard.length = 0;
    first.say(message(1));
    await first.posts[0]?.answer({ status: 200, events: words });
    expect(heard).toEqual(words);
    first.say(message(2));
    expect(first.posts.map(mids)).toEqual([[1], [2]]);
  }
});

const track = (target: string, meta?: unknown, watch = true): Frame => ({
  type: "Track",
  target,
  ...(meta === undefined ? {} : { meta }),
  watch,
});

test("[PC18] a stream begins with what its page wants, which is not said once more; what is other is, and the next one begins with it", async () => {
  const memory = { pollUntil: 0, unsendable: new Map<string, string>(), tracks: new Map() };
  const first = setUp({ memory });
  await first.connected();
  first.say(track("list:1", { n: 1 }), track("elsewhere", { n: 2 }));
  expect(first.posts[0]?.frames.slice(1)).toEqual([track("list:1", { n: 1 }), track("elsewhere", { n: 2 })]);
  first.link.close();
  const targets = [{ target: "list:1", ref: 2, settled: 0, sent: 0 }];
  const identity = { clientId: "c1", secret: "s1" };
  for (const [client, carries] of [
    [identity, [track("list:1", { n: 1 })]],
    // Another client's words are none of this one's.
    [{ clientId: "c2", secret: "s2" }, []],
  ] as const) {
    const next = setUp({ memory: { ...memory, speaker: "c1", tracks: new Map(memory.tracks) } });
    next.say({ ...HELLO, identity: client, targets });
    const [body] = next.streams.map(({ body }) => [body].flat().slice(1));
    expect(body).toEqual(carries);
    next.link.close();
  }
});

test("[PC15] polls carry what is tracked, each time and for three intervals; only what is new asks at once", async () => {
  const { say, clock, streams, posts, free, text, link, connected } = setUp();
  free.slots = 0;
  await connected();
  const carried = () => [streams.at(-1)?.body].flat().slice(1);
  const answered = async () => {
    streams.at(-1)!.on.end(200, "ended");
    await turn();
  };
  expect(streams[0]?.body).toEqual({ ...HELLO, poll: true });
  say(track("a", { n: 1 }), track("b", { n: 2 }));
  await answered();
  expect([streams.length, posts.length]).toEqual([2, 0]);
  expect(carried()).toEqual([
    { ...track("a", { n: 1 }), within: 9_000 },
    { ...track("b", { n: 2 }), within: 9_000 },
  ]);
  streams[1]!.on.data(text(CONNECTED));
  // The core says it with every ref.
  say(track("a", { n: 1 }), track("b", { n: 2 }));
  await answered();
  expect(streams).toHaveLength(2);
  await clock.advance(3_000);
  expect(streams).toHaveLength(3);
  expect(carried()).toHaveLength(2);
  streams[2]!.on.data(text(CONNECTED));
  say(track("a", undefined, false));
  await answered();
  expect(streams).toHaveLength(4);
  expect(carried()).toEqual([
    { ...track("a", undefined, false), within: 9_000 },
    { ...track("b", { n: 2 }), within: 9_000 },
  ]);
  streams[3]!.on.data(text(CONNECTED));
  await answered();
  await clock.advance(3_000);
  expect(carried()).toEqual([{ ...track("b", { n: 2 }), within: 9_000 }]);
  link.close();
});

test("[PC15] what the core says again under another number is no news: no poll follows at once for it", async () => {
  const { say, clock, streams, free, text, connected } = setUp();
  free.slots = 0;
  await connected();
  const answered = async () => {
    streams.at(-1)!.on.end(200, "ended");
    await turn();
  };
  say({ ...track("a", { n: 1 }), number: 1 });
  await answered();
  for (let poll = 2; poll < 6; poll++) {
    expect(streams).toHaveLength(poll);
    expect([streams.at(-1)!.body].flat()[1]).toMatchObject({
      number: poll - 1,
    });
    streams.at(-1)!.on.data(text(CONNECTED));
    say({ ...track("a", { n: 1 }), number: poll });
    await answered();
    expect(streams).toHaveLength(poll);
    await clock.advance(3_000);
  }
});

test("[PC15] what has no room in a poll is in the next one, and everything in turn", async () => {
  const { say, clock, streams, free, text, connected } = setUp();
  free.slots = 0;
  await connected();
  const large = "x".repeat(7_000);
  for (const target of ["a", "b", "c", "d", "e"]) say(track(target, large));
  const polls: unknown[] = [];
  for (let i = 0; i < 6; i++) {
    streams.at(-1)!.on.end(200, "ended");
    await turn();
    if (i > 2) await clock.advance(3_000);
    streams.at(-1)!.on.data(text(CONNECTED));
    polls.push(
      [streams.at(-1)!.body]
        .flat()
        .slice(1)
        .map((frame) => (frame as Frame)["target"])
        .join(""),
    );
  }
  expect(polls).toEqual(["ab", "cd", "ea", "bc", "de", "ab"]);
});

test("[PC16] a page that goes for good says of each topic that it is listed no more, by a request that outlives it", async () => {
  const setup = setUp();
  const { say, link, posts, connected, ok } = setup;
  await connected();
  say(track("a", { n: 1 }), track("b"), track("c", { n: 3 }));
  await posts[0]!.answer(ok());
  say(track("c", undefined, false));
  expect(posts[1]?.frames.slice(1)).toEqual([track("c", undefined, false)]);
  link.close(true);
  link.close(true);
  expect(posts).toHaveLength(3);
  expect(posts[2]?.last).toBe(true);
  expect(posts[2]?.frames).toEqual([
    { ...HELLO, identity: { clientId: "c1", secret: "s1" }, targets: [] },
    track("a", undefined, false),
  ]);
  for (const [gone, tracked] of [
    [false, true],
    [true, false],
  ] as const) {
    const other = setUp();
    await other.connected();
    if (tracked) other.say(track("a", { n: 1 }));
    const before = other.posts.length;
    other.link.close(gone);
    expect(other.posts).toHaveLength(before);
  }
});

test("[PC16] each request says of which attempt it is", async () => {
  const { say, link, posts, connected } = setUp();
  await connected();
  say({ ...HELLO, attempt: [7, 9] });
  say(track("a", { n: 1 }));
  link.close(true);
  expect(posts.map(({ frames }) => frames[0]?.["attempt"])).toEqual([
    [7, 9],
    [7, 9],
  ]);
});

test("[PC4] a meta that no server takes for its size is refused, and the attempt goes on", async () => {
  const { say, posts, events, connected } = setUp();
  await connected();
  say(track("a", { n: 1 }));
  await posts[0]!.answer({ status: 413, events: [], code: "too-large", maxBytes: 10 });
  expect(events).toEqual([{ type: "Untracked", target: "a", code: "too-large" }]);
  say(message(1));
  expect(mids(posts[1])).toEqual([1]);
});
