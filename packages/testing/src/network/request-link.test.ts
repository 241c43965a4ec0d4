// One attempt over HTTP by itself: the client's own link, and a network of requests between it and two servers.
import { json } from "@calla/shared";
import type { ClientFrame, ServerFrame } from "@calla/shared";
import { messagePack } from "@calla/shared/messagepack";
import type { Connection } from "@calla/server";
import { describe, expect, test } from "vitest";
import { virtualClock } from "../doubles/clock.ts";
import type { Reachable } from "./link.ts";
import { stopsBeforeClient, stopsBeforeServer } from "./points.ts";
import type { CutPoint } from "./points.ts";
import { RequestLink } from "./request-link.ts";
import type { RequestLinkOptions } from "./request-link.ts";

type AnyFrame = { readonly type: string; readonly [field: string]: unknown };
const hello = { type: "Hello", protocol: 1, slices: {}, targets: [] };
const message = (mid: number) => ({
  type: "TopicMessage",
  target: "t",
  mid,
  id: `id${mid}`,
  settled: 0,
  messages: [{ type: "m" }],
});
const connected = { type: "Connected", clientId: "c", secret: "s", userId: null, now: 0, maxInFlight: 9 };
const acknowledge = (mid: number) => ({
  type: "Acknowledge",
  target: "t",
  mid,
  id: `id${mid}`,
  sequence: mid,
});

function asked(more: Partial<RequestLinkOptions> = {}) {
  const clock = virtualClock();
  const { format = json() } = more;
  const heard: string[] = [];
  const streams: Connection[] = [];
  const posts: Connection[] = [];
  const read = <Frame>(data: string | Uint8Array): readonly Frame[] =>
    [format.decode(data)].flat() as Frame[];
  const names = (data: string | Uint8Array): string =>
    read<AnyFrame>(data)
      .map(({ type, mid }) => `${type}${mid === undefined ? "" : ` ${String(mid)}`}`)
      .join(", ");
  const server = (name: string): Reachable => ({
    connect({ connection, format }) {
      heard.push(`${name}: stream (${format})`);
      streams.push(connection);
      return {
        incoming: (data) => void heard.push(`${name}: ${names(data)}`),
        disconnect: (code) => void heard.push(`${name}: gone ${code}`),
        drained: () => void heard.push(`${name}: drained`),
        received() {},
      };
    },
    speak({ data, connection }) {
      heard.push(`${name}: POST ${names(data)}`);
      posts.push(connection);
      return () => void heard.push(`${name}: POST left`);
    },
  });
  const reached = server("first");
  const link = new RequestLink({
    server: reached,
    speaksTo: () => server("second"),
    clock,
    latency: undefined,
    format,
    polls: false,
    memory: { pollUntil: 0, unsendable: new Map(), tracks: new Map() },
    pollInterval: undefined,
    request: { url: "/", headers: {}, remoteAddress: undefined },
    decodeClient: (data) => read<ClientFrame>(data),
    decodeServer: (data) => read<ServerFrame>(data),
    cutHere: () => false,
    handlers: {
      open() {
        heard.push("client: open");
        link.send(format.encode(hello));
      },
      receive: (data) => heard.push(`client: ${names(data)}`),
      close: ({ code, reason }) => heard.push(`client: closed ${code} ${reason}`),
    },
    ...more,
  });
  const said = (frame: object) => {
    const data = format.encode(frame);
    return { bytes: typeof data === "string" ? Buffer.from(data) : data, text: typeof data === "string" };
  };
  /** Everything both ways, until nothing is under way. */
  const flush = async (): Promise<void> => {
    for (let i = 0; i < 5; i++) {
      for (const lane of [link.toServer, link.toClient, link.answers]) lane.deliver();
      await clock.settle();
    }
  };
  const since = (): string[] => heard.splice(0);
  return {
    clock,
    link,
    since,
    flush,
    said,
    streams,
    posts,
    server: reached,
    send: (...frames: object[]) => frames.forEach((frame) => link.send(format.encode(frame))),
  };
}
/** One that is let in. */
async function letIn(more: Partial<RequestLinkOptions> = {}) {
  const made = asked(more);
  made.link.open();
  await made.clock.settle();
  await made.flush();
  made.streams[0]!.send(made.said(connected));
  await made.flush();
  made.since();
  return made;
}

test.each([json(), messagePack()])(
  "the Hello is a request of its own, answered by a stream of frames ($name)",
  async (format) => {
    const { clock, link, since, flush, streams, said, server } = asked({ format });
    expect([link.whole, link.held, link.server === server]).toEqual([false, true, true]);
    link.open();
    expect([link.whole, since()]).toEqual([true, []]);
    await clock.settle();
    expect(since()).toEqual(["client: open"]);
    expect(link.toServer.frames).toEqual([hello]);
    await flush();
    expect(since()).toEqual([`first: stream (${format.name})`, "first: Hello"]);
    for (const frame of [connected, { type: "Pong" }]) streams[0]!.send(said(frame));
    expect(link.toClient.frames.map(({ type }) => type)).toEqual(["Connected", "Pong"]);
    expect(streams[0]!.bufferedAmount()).toBe(0);
    await flush();
    expect(since()).toEqual(["client: Connected", "client: Pong"]);
  },
);

describe("a POST", () => {
  test("goes to whom it lands at, and its answers come by themselves, all at once", async () => {
    const { link, since, flush, send, posts, said } = await letIn();
    send(message(1));
    await flush();
    expect(since()).toEqual(["second: POST Hello, TopicMessage 1"]);
    posts[0]!.send(said(acknowledge(1)));
    posts[0]!.send(said({ type: "Pong" }));
    await flush();
    expect([since(), posts[0]!.bufferedAmount()]).toEqual([[], 0]);
    posts[0]!.close(1000, "");
    expect(link.answers.frames.map(({ type }) => type)).toEqual(["Acknowledge", "Pong"]);
    await flush();
    expect(since()).toEqual(["client: Acknowledge 1", "client: Pong"]);
    // The next one goes by itself.
    send(message(2));
    await flush();
    expect(since()).toEqual(["second: POST Hello, TopicMessage 2"]);
  });

  test("is lost with its answer by a cut in front of either; the stream lives", async () => {
    for (const [point, reachedServer] of [
      ["before-receive", false],
      ["before-outcome", true],
    ] as const) {
      let armed: CutPoint | undefined = point;
      const { link, since, flush, send, posts, said } = await letIn({
        cutHere(at) {
          if (armed === undefined || !at(armed)) return false;
          armed = undefined;
          return true;
        },
      });
      send(message(1));
      await flush();
      expect(posts).toHaveLength(reachedServer ? 1 : 0);
      posts[0]?.send(said(acknowledge(1)));
      posts[0]?.close(1000, "");
      await flush();
      // The client gives the attempt up, and closes its stream.
      expect(since().filter((what) => !what.startsWith("second"))).toEqual([
        "client: closed 1006 HTTP 0",
        "first: gone 1006",
      ]);
      expect(link.held).toBe(false);
    }
  });

  test("may arrive twice; the request for a stream does not", async () => {
    const { link, clock, since, flush } = asked();
    link.open();
    await clock.settle();
    expect(link.toServer.duplicate(0)).toBe(false);
    await flush();
    since();
    const other = await letIn();
    other.send(message(1));
    expect(other.link.toServer.duplicate(0)).toBe(true);
    await other.flush();
    expect(other.since()).toEqual([
      "second: POST Hello, TopicMessage 1",
      "second: POST Hello, TopicMessage 1",
    ]);
  });

  test("of a client whose network has failed is lost at once, and so is what it asks for", async () => {
    const { clock, link, since, flush, send } = await letIn();
    link.breakForClient();
    await clock.settle();
    expect(since()).toEqual(["client: closed 1006 cut"]);
    send(message(1));
    await flush();
    expect(since()).toEqual(["first: gone 1006"]);
    expect([link.whole, link.held]).toEqual([false, false]);
  });
});

describe("an end", () => {
  test("of the stream by the server is heard behind what it said, and told to the server at once", async () => {
    const { since, flush, streams, said } = await letIn();
    streams[0]!.send(said({ type: "Pong" }));
    streams[0]!.close(4001, "superseded");
    expect(since()).toEqual(["first: gone 4001"]);
    await flush();
    // The client aborts its request, too.
    expect(since()).toEqual(["client: Pong", "client: closed 1006 ended", "first: gone 1006"]);
  });

  test("by the client reaches the server, and nothing comes any more", async () => {
    const { link, since, flush, streams, said } = await letIn();
    link.close();
    expect([link.whole, link.held]).toEqual([false, false]);
    streams[0]!.send(said({ type: "Pong" }));
    await flush();
    expect(since()).toEqual(["first: gone 1006"]);
  });

  test("for the server alone takes its streams and POSTs; the client has noticed nothing", async () => {
    const { link, since, flush, send } = await letIn();
    send(message(1));
    await flush();
    since();
    link.breakForServer();
    expect(since()).toEqual(["first: gone 1006", "second: POST left"]);
    expect(link.held).toBe(true);
    send(message(2));
    await flush();
    expect(since()).toEqual([]);
  });

  test("before it was opened is told, once; one that has ended is not opened", async () => {
    const { clock, link, since } = asked();
    link.breakForClient();
    link.breakForClient();
    link.open();
    await clock.settle();
    expect(since()).toEqual(["client: closed 1006 "]);
    const closed = asked();
    closed.link.close();
    closed.link.open();
    await closed.clock.settle();
    expect(closed.since()).toEqual([]);
  });

  test("by a cut in front of the stream's packets is everybody's", async () => {
    let armed: CutPoint | undefined = "before-connected";
    const { link, clock, since, flush, streams, said } = asked({
      cutHere(at) {
        if (armed === undefined || !at(armed)) return false;
        armed = undefined;
        return true;
      },
    });
    link.open();
    await clock.settle();
    await flush();
    since();
    streams[0]!.send(said(connected));
    await flush();
    expect(since()).toEqual(["first: gone 1006", "client: closed 1006 cut"]);
    expect(stopsBeforeClient("before-connected", [connected as ServerFrame], undefined)).toBe(true);
    expect(stopsBeforeServer("before-hello", [hello as ClientFrame])).toBe(true);
  });
});

describe("a page that is gone", () => {
  test("hears nothing; its POSTs still arrive, and its stream is not said goodbye to", async () => {
    const { link, since, flush, send, streams, said } = await letIn();
    send(message(1));
    link.abandon();
    streams[0]!.send(said({ type: "Pong" }));
    await flush();
    expect(since()).toEqual(["second: POST Hello, TopicMessage 1"]);
    expect(link.held).toBe(false);
  });

  test("[CV6] whose request for a stream is under way is not let in", async () => {
    const { link, clock, since, flush } = asked();
    link.open();
    await clock.settle();
    since();
    link.abandon();
    await flush();
    expect(since()).toEqual([]);
  });
});

describe("polls", () => {
  test("ask where there is no place for a stream, and again after a while: each ends with its answers", async () => {
    const { clock, link, since, flush, streams, said } = asked({ polls: true, pollInterval: 500 });
    link.open();
    await clock.settle();
    await flush();
    const poll = ["client: open", "first: stream (json)", "first: Hello"];
    expect(since()).toEqual(poll);
    for (let polls = 0; polls < 3; polls++) {
      streams[polls]!.send(said(connected));
      streams[polls]!.finish!();
      await flush();
      expect(since().slice(0, 2)).toEqual(["first: gone 1000", "client: Connected"]);
      // What a new client is given comes behind the first answer, so it asks again at once.
      if (polls > 0) expect(link.toServer.frames).toEqual([]);
      await clock.advance(polls > 0 ? 500 : 0);
      await flush();
      if (polls > 0) expect(since()).toEqual(poll);
    }
    expect(link.held).toBe(true);
  });
});

test("a slow line counts what its streams have not said yet, and tells each of them when it has left", async () => {
  const { clock, link, since, streams, said } = await letIn({ latency: () => 1 });
  const frame = said({ type: "Pong" });
  link.throttle.slow(1, 10_000);
  streams[0]!.send(frame);
  streams[0]!.send(frame);
  expect(streams[0]!.bufferedAmount()).toBe(2 * frame.bytes.length);
  await clock.advance(2 * frame.bytes.length + 1);
  expect(streams[0]!.bufferedAmount()).toBe(0);
  expect(since()).toEqual(["client: Pong", "first: drained", "client: Pong"]);
});
