// Each word of the tables is provoked, as docs/channels-errors.md says that it comes about.
import { describe, expect, it } from "vitest";
import * as z from "zod";
import { handClock } from "../../../test/wired.ts";
import { settled, talk } from "../../../test/phoenix-talk.ts";
import { createChannels, defineChannel, deny, joined, refused, reply, stop } from "../index.ts";
import type { ChannelRefusal, ChannelsOptions, Json } from "../index.ts";
import { channelCodes } from "./channel-codes.ts";

const { channelReasons, closeReasons, refusalCodes } = channelCodes;

type Talker = ReturnType<typeof talk>;
type Limits = NonNullable<ChannelsOptions<object>["limits"]>;

const number = z.object({ n: z.number() });
const room = defineChannel("room:*")
  .join(z.object({ full: z.boolean().optional() }), ({ payload: { full }, params: [name] }) => {
    if (name === "broken") throw new Error("as asked");
    if (name === "slow") return new Promise<never>(() => undefined);
    return full === true ? refused("full") : joined();
  })
  .handleIn("number", number, () => reply())
  .handleIn("crash", () => stop(new Error("as asked")))
  .handleIn("for ever", () => new Promise<never>(() => undefined));

function app(limits: Limits = {}) {
  const refusals: ChannelRefusal[] = [];
  const { clock, advance } = handClock();
  const channels = createChannels({
    clock,
    limits,
    connect: ({ params }) =>
      params["no"] === undefined ? { type: "accepted", assigns: {}, id: "users:1" } : deny(401),
    onError: () => undefined,
    onRefused: (refusal) => void refusals.push(refusal),
  }).register(room);
  return { channels, refusals, advance, codes: () => refusals.map(({ code }) => code) };
}
type App = ReturnType<typeof app>;

/** The reasons of what was told. */
const reasonsIn = (heard: readonly unknown[]): unknown[] =>
  heard.map((frame) => {
    const payload = (frame as readonly { readonly reason?: string; readonly response?: unknown }[])[4]!;
    return payload.reason ?? (payload.response as { readonly reason?: string }).reason;
  });

describe("[CF5] the client is told", () => {
  const say = (event: string, payload: Json = {}, ref: Json = "2") => ["1", ref, "room:1", event, payload];
  const provoked: Record<
    keyof typeof channelReasons,
    { limits?: Limits; by(client: Talker, app: App): readonly unknown[] | Promise<readonly unknown[]> }
  > = {
    channel_crash: { by: (client) => client.join("room:1") && client.say(say("crash")) },
    "invalid params": { by: (client) => client.join("room:1", "1", { full: 7 }) },
    "invalid payload": { by: (client) => client.join("room:1") && client.say(say("number", { n: "1" })) },
    "join crashed": { by: (client) => client.join("room:broken") },
    rate_limited: {
      limits: { messageRate: 1, messageBurst: 1 },
      by: (client) => client.join("room:1") && client.say(say("number", { n: 1 })),
    },
    timeout: {
      by: async (client, { advance }) => {
        client.join("room:slow");
        await advance(10_000);
        return client.take();
      },
    },
    "too long": { by: (client) => client.join("room:1", "x".repeat(2_000)) },
    "too many channels joined": {
      limits: { maxChannelsPerSocket: 1 },
      by: (client) => client.join("room:1") && client.join("room:2"),
    },
    "unmatched event": { by: (client) => client.join("room:1") && client.say(say("none such")) },
    "unmatched topic": { by: (client) => client.say(say("number", { n: 1 })) },
  };
  it.each(Object.keys(channelReasons) as (keyof typeof channelReasons)[])("%s", async (reason) => {
    const { limits, by } = provoked[reason];
    const one = app(limits);
    expect(reasonsIn(await by(talk(one.channels), one))).toEqual([reason]);
  });
});

describe("[CF5] a connection is closed", () => {
  /** By the transports, whose tests have them. */
  const ofTransports = ["closing", "failed", "heartbeat", "too-slow"] as const;
  const socket = (one: App, query: string, send: () => void = () => undefined) => {
    const closed: { readonly code: number; readonly reason: string }[] = [];
    const wired = one.channels.connect({
      send,
      close: (code, reason) => void closed.push({ code, reason }),
      request: { url: `/socket?${query}`, headers: {}, remoteAddress: undefined },
    });
    return { closed, wired };
  };
  const provoked: Record<
    Exclude<keyof typeof closeReasons, (typeof ofTransports)[number]>,
    {
      limits?: Limits;
      by(app: App): { readonly closed: readonly unknown[] } | Promise<{ closed: unknown[] }>;
    }
  > = {
    busy: {
      limits: { maxWaitingMessages: 0 },
      by({ channels }) {
        const client = talk(channels);
        client.join("room:1");
        for (const ref of ["2", "3"]) client.say(["1", ref, "room:1", "for ever", {}]);
        return client;
      },
    },
    disconnected: {
      by({ channels }) {
        const client = talk(channels);
        channels.disconnect("users:1");
        return client;
      },
    },
    draining: {
      by({ channels }) {
        const client = talk(channels);
        void channels.stop();
        return client;
      },
    },
    malformed: {
      by({ channels }) {
        const client = talk(channels);
        client.say("[1,");
        return client;
      },
    },
    refused: { by: (one) => socket(one, "vsn=2.0.0&no=1") },
    slow: {
      limits: { maxBufferedBytes: 1_000 },
      by({ channels }) {
        const client = talk(channels);
        client.unwritten = 1_001;
        client.join("room:1");
        return client;
      },
    },
    "too-large": {
      async by() {
        const channels = createChannels({ connect: () => new Promise<never>(() => undefined) });
        const { closed, wired } = socket({ channels } as App, "vsn=2.0.0");
        wired.incoming("x".repeat(65_537));
        return { closed };
      },
    },
    "too-many-connections": {
      limits: { maxConnectionsPerAddress: 1 },
      by({ channels }) {
        talk(channels, { remoteAddress: "192.0.2.1" });
        return talk(channels, { remoteAddress: "192.0.2.1" });
      },
    },
    transport: {
      by(one) {
        const { closed, wired } = socket(one, "vsn=2.0.0", () => {
          throw new Error("its library");
        });
        wired.incoming('["1","1","room:1","phx_join",{}]');
        return { closed };
      },
    },
  };
  it("each reason is provoked here or is a transport's", () => {
    expect([...Object.keys(provoked), ...ofTransports].toSorted()).toEqual(Object.keys(closeReasons));
  });
  it.each(Object.keys(provoked) as (keyof typeof provoked)[])("%s", async (reason) => {
    const { limits, by } = provoked[reason];
    const { closed } = await by(app(limits));
    await settled();
    expect(closed).toEqual([{ code: expect.any(Number), reason }]);
    const [{ code }] = closed as [{ code: number }];
    expect(closeReasons[reason].codes).toContain(code);
  });
});

describe("[CF5] the operator hears", () => {
  /** By the channel of supabase's topics, whose tests have it ([SB24]). */
  const ofSupabase = ["write-refused"] as const;
  const provoked: Record<
    Exclude<keyof typeof refusalCodes, (typeof ofSupabase)[number]>,
    { limits?: Limits; by(client: Talker, app: App): unknown }
  > = {
    busy: {
      limits: { maxWaitingMessages: 0 },
      by(client) {
        client.join("room:1");
        for (const ref of ["2", "3"]) client.say(["1", ref, "room:1", "for ever", {}]);
      },
    },
    connection: {
      by: (_, { channels }) =>
        channels.connect({
          send: () => undefined,
          close: () => undefined,
          request: { url: "/socket?vsn=7", headers: {}, remoteAddress: undefined },
        }),
    },
    invalid: { by: (client) => client.join("room:1", "1", { full: 7 }) },
    "join-refused": { by: (client) => client.join("room:1", "1", { full: true }) },
    malformed: { by: (client) => client.say("[1,") },
    rate: {
      limits: { joinRate: 1, joinBurst: 1 },
      by: (client) => client.join("room:1") && client.join("room:2"),
    },
    slow: {
      limits: { maxBufferedBytes: 1 },
      by(client) {
        client.unwritten = 2;
        client.join("room:1");
      },
    },
    "too-many-channels": {
      limits: { maxChannelsPerSocket: 0 },
      by: (client) => client.join("room:1"),
    },
    "unmatched-event": {
      by: (client) => client.join("room:1") && client.say(["1", "2", "room:1", "none such", {}]),
    },
    "unmatched-topic": { by: (client) => client.join("other:1") },
  };
  it("each code is provoked here or is supabase's", () => {
    expect([...Object.keys(provoked), ...ofSupabase].toSorted()).toEqual(Object.keys(refusalCodes));
  });
  it.each(Object.keys(provoked) as (keyof typeof provoked)[])("%s", (code) => {
    const { limits, by } = provoked[code];
    const one = app(limits);
    by(talk(one.channels), one);
    expect(one.codes()).toEqual([code]);
  });
});
