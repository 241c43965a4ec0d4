// What the HTTP transport does around its link: options, urls, which page it is, and how an attempt that cannot begin ends.
import { json } from "@calla/shared";
import { afterEach, expect, test, vi } from "vitest";
import { turn, VirtualClock } from "../../../test/kit.ts";
import { http } from "./http.ts";
import type { HttpOptions } from "./http.ts";

afterEach(() => vi.unstubAllGlobals());

function setUp(more: Partial<HttpOptions> = {}) {
  const asked: string[] = [];
  const events: unknown[] = [];
  const clock = new VirtualClock();
  const transport = http({
    url: "https://app.example/calla",
    clock,
    fetch: (url) => {
      asked.push(String(url));
      return new Promise(() => {});
    },
    ...more,
  });
  const connect = () => {
    const link = transport.connect(
      {
        open: () => {
          events.push("open");
          link.send(json().encode({ type: "Hello", protocol: 1, slices: {}, targets: [] }));
        },
        receive: (data) => events.push(data),
        close: ({ code, reason, cause }) => events.push([code, reason, cause instanceof Error]),
      },
      json(),
    );
    return link;
  };
  return { transport, connect, asked, events, clock };
}

test.each([
  { flushBatchSize: 0 },
  { pollInterval: 0 },
  { maxStreams: -1 },
  { postTimeout: Number.NaN },
  { silence: 0 },
  { url: "" },
  { url: "wss://app.example/calla" },
  { reconnectMultiplier: 0 },
])("[CL25] an impossible option is refused when the transport is made: %j", (option) => {
  expect(() => setUp(option)).toThrow(expect.objectContaining({ code: "transport" }) as Error);
});

test("[CL34] the url is asked for before every attempt, and nothing happens before `connect` has returned", async () => {
  const urls = ["https://a.example/calla", "https://b.example/calla"];
  const { connect, asked, events } = setUp({ url: () => Promise.resolve(urls.shift()!) });
  const first = connect();
  expect(events).toEqual([]);
  await turn();
  first.close();
  connect();
  await turn();
  expect([asked, events]).toEqual([
    ["https://a.example/calla", "https://b.example/calla"],
    ["open", "open"],
  ]);
});

test("[CL24] [CL34] a url function that throws, rejects or gives no url ends its attempt, with the cause; one that was left says nothing", async () => {
  for (const url of [
    () => {
      throw new Error("none");
    },
    () => Promise.reject(new Error("none")),
    () => "ftp://a",
    () => "/calla", // there is no page
  ]) {
    const { connect, events } = setUp({ url });
    connect();
    await turn();
    expect(events).toMatchObject([[1006, expect.any(String), true]]);
    const left = setUp({ url });
    left.connect().close();
    await turn();
    expect([left.events, left.asked]).toEqual([[], []]);
  }
});

test("[CL25] a relative url is of this page, one of a blob's worker of its origin", async () => {
  for (const [href, absolute] of [
    ["https://app.example/board/1", "https://app.example/calla"],
    ["blob:https://app.example/0-1", "https://app.example/calla"],
  ] as const) {
    vi.stubGlobal("location", { href, origin: "https://app.example" });
    const { connect, asked } = setUp({ url: "/calla" });
    connect();
    await turn();
    expect(asked).toEqual([absolute]);
  }
});

test("[HT10] with maxStreams 0 every page polls; in a browser the others take turns by Web Locks, elsewhere none has to", async () => {
  const bodies: string[] = [];
  const fetch: HttpOptions["fetch"] = (_, { body }) => {
    bodies.push(body as string);
    return new Promise(() => {});
  };
  const polls = async (more: Partial<HttpOptions> = {}): Promise<boolean> => {
    const { connect } = setUp({ fetch, ...more });
    const link = connect();
    await turn();
    link.close();
    return bodies.at(-1)!.includes(`"poll":true`);
  };
  expect([await polls(), await polls({ maxStreams: 0 })]).toEqual([false, true]);
  const held = new Set<string>();
  vi.stubGlobal("document", {});
  vi.stubGlobal("navigator", {
    locks: {
      request(name: string, _: unknown, hold: (lock: unknown) => unknown) {
        if (held.has(name)) return Promise.resolve(hold(null));
        held.add(name);
        return Promise.resolve(hold({})).then(() => held.delete(name));
      },
    },
  });
  expect(await polls({ maxStreams: 1 })).toBe(false);
  held.add("calla-stream https://app.example 0");
  expect(await polls({ maxStreams: 1 })).toBe(true);
});
