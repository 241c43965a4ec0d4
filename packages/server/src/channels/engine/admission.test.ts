// Who is let in: the app's hook, its time, and how many of its calls are under way.
import { describe, expect, it } from "vitest";
import { handClock, inHand } from "../../../test/wired.ts";
import { accept, createChannels, deny } from "../index.ts";
import type { ChannelsOptions } from "../index.ts";
import { hostOf } from "./hosts.ts";

const ask = (options: ChannelsOptions<object>, params = {}) => {
  const channels = createChannels({ onError: () => undefined, ...options });
  const request = { url: "/", headers: {}, remoteAddress: "10.0.0.1", params, vsn: "2.0.0", authToken: "t" };
  return hostOf(channels).admit({ ...request, transport: "websocket" }, new AbortController());
};

describe("connect", () => {
  it("[DC13] lets in, or refuses with a status and a text", async () => {
    expect(ask({})).toMatchObject({ accepted: true, assigns: {} });
    expect(ask({ connect: () => accept({ user: 1 }, "u:1") })).toMatchObject({
      accepted: true,
      assigns: { user: 1 },
      id: "u:1",
    });
    expect(ask({ connect: () => deny() })).toEqual({ accepted: false, status: 403, body: "" });
    expect(await ask({ connect: async () => deny(429, "later") })).toEqual({
      accepted: false,
      status: 429,
      body: "later",
    });
  });
  it("[DC13] gives 500 where it throws, rejects or returns something else", async () => {
    const errors: unknown[] = [];
    const onError = (error: unknown) => void errors.push(error);
    const boom = (): never => {
      throw new Error("boom");
    };
    const failed = { accepted: false, status: 500, body: "" };
    expect(ask({ onError, connect: boom })).toEqual(failed);
    expect(await ask({ onError, connect: async () => boom() })).toEqual(failed);
    expect(ask({ onError, connect: () => ({}) as never })).toEqual(failed);
    expect(await ask({ onError, connect: async () => ({}) as never })).toEqual(failed);
    expect(ask({ onError, connect: () => deny(200) })).toEqual(failed);
    // It would throw where it is written, outside of all that catches.
    expect(ask({ onError, connect: () => deny(401, { reason: "no" } as never) })).toEqual(failed);
    expect(errors).toHaveLength(6);
  });
  it("[DC12] has its time, and a number of calls for one address", async () => {
    const hand = handClock();
    const errors: unknown[] = [];
    let aborted = 0;
    const channels = createChannels({
      clock: hand.clock,
      onError: (error) => void errors.push(error),
      limits: { connectTimeout: 2_000, maxConnectsPerAddress: 2 },
      connect: ({ signal }) => {
        signal.addEventListener("abort", () => aborted++);
        return new Promise<never>(() => undefined);
      },
    });
    const request = {
      url: "/",
      headers: {},
      params: {},
      vsn: "2.0.0",
      authToken: undefined,
      transport: "websocket",
    } as const;
    const from = (remoteAddress: string) =>
      hostOf(channels).admit({ ...request, remoteAddress }, new AbortController());
    const waiting = [from("10.0.0.1"), from("10.0.0.1")];
    expect(from("10.0.0.1")).toEqual({
      accepted: false,
      status: 429,
      body: "",
      why: expect.stringContaining("trustedProxies") as unknown,
    });
    expect(from("10.0.0.2")).toBeInstanceOf(Promise);
    await hand.advance(2_000);
    expect(await Promise.all(waiting)).toEqual([
      { accepted: false, status: 503, body: "" },
      { accepted: false, status: 503, body: "" },
    ]);
    expect(aborted).toBe(3);
    expect(errors).toHaveLength(3);
    expect(from("10.0.0.1")).toBeInstanceOf(Promise);
  });
  it("[DC12] its signal aborts when the peer has gone", async () => {
    let aborted = false;
    const answer = inHand<void>();
    const channels = createChannels({
      connect: async ({ signal }) => {
        signal.addEventListener("abort", () => (aborted = true));
        await answer.promise;
        return accept({});
      },
    });
    const peer = new AbortController();
    const request = {
      url: "/",
      headers: {},
      remoteAddress: undefined,
      params: {},
      vsn: "2.0.0",
      authToken: undefined,
    };
    const admission = hostOf(channels).admit({ ...request, transport: "websocket" }, peer);
    peer.abort();
    expect(aborted).toBe(true);
    answer.keep();
    expect(await admission).toMatchObject({ accepted: true });
  });
});
