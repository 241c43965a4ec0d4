// Presence of supabase's clients, frame by frame over real sockets. The real client is in test/supabase.
import { describe, expect, onTestFinished, test } from "vitest";
import { until } from "../../test/phoenix-clients/phoenix-js.ts";
import { VSNS } from "../../test/supabase/realtime-js.ts";
import { Raw } from "../../test/supabase/raw.ts";
import { rooms, serve } from "../../test/supabase/realtime-server.ts";
import type { ServerOptions } from "../../test/supabase/realtime-server.ts";
import { handClock } from "../../test/wired.ts";
import { localPubSub } from "../cluster/pubsub.ts";

const ROOM = "realtime:room";
const DONE = { status: "ok", response: {} };
const REF = expect.any(String);
const start = (options?: ServerOptions) => serve(onTestFinished, options);
const open = (...[server, options]: [{ url: string }, Parameters<typeof Raw.open>[2]?]) =>
  Raw.open(onTestFinished, server, options);
const as = (key: string, more: object = {}) => ({ presence: { enabled: true, key }, ...more });
const track = (client: Raw, payload?: unknown, topic = ROOM) =>
  client.push(topic, "presence", {
    type: "presence",
    event: "track",
    ...(payload === undefined ? {} : { payload }),
  });
const says = (client: Raw, said: unknown, topic = ROOM) => client.push(topic, "presence", said);
const metas = (...all: object[]) => ({ metas: all.map((meta) => ({ phx_ref: REF, ...meta })) });
const joins = (key: string, ...all: object[]) => ({ joins: { [key]: metas(...all) }, leaves: {} });
const leaves = (key: string, ...all: object[]) => ({ joins: {}, leaves: { [key]: metas(...all) } });
const diffs = (client: Raw) => client.heard("presence_diff");
const states = (client: Raw) => client.heard("presence_state");

describe("who is told", () => {
  test.for(VSNS)(
    "[SB39] vsn %s: who enables presence hears the state, then diffs; others hear neither",
    async (vsn) => {
      const server = await start();
      const [ann, bo, eve] = [await open(server, { vsn }), await open(server), await open(server, { vsn })];
      await ann.join(ROOM, as("ann"));
      await eve.join(ROOM);
      await ann.beat();
      expect(states(ann)).toEqual([{}]);
      expect(await track(ann, { n: 1 })).toEqual(DONE);
      await until(() => diffs(ann).length === 1);
      await bo.join(ROOM, as("bo"));
      await bo.beat();
      expect(states(bo)).toEqual([{ ann: metas({ n: 1 }) }]);
      await track(bo, { n: 2 });
      await until(() => diffs(ann).length === 2 && diffs(bo).length === 1);
      expect(diffs(ann)).toEqual([joins("ann", { n: 1 }), joins("bo", { n: 2 })]);
      await eve.beat();
      expect([states(eve), diffs(eve)]).toEqual([[], []]);
      // "TRUE" counts as elsewhere.
      const texts = await open(server, { vsn });
      await texts.join(ROOM, { presence: { enabled: "TRUE" } });
      await texts.beat();
      expect(states(texts)).toHaveLength(1);
      expect([server.errors, server.refusals]).toEqual([[], []]);
    },
  );

  test("[SB60] to track turns it on: the state of those who were, then diffs", async () => {
    const server = await start();
    const [ann, bo] = [await open(server), await open(server)];
    await ann.join(ROOM, as("ann"));
    await track(ann, { n: 1 });
    await bo.join(ROOM, { presence: { key: "bo" } });
    expect(await track(bo, { n: 2 })).toEqual(DONE);
    await until(() => diffs(bo).length === 1);
    expect(states(bo)).toEqual([{ ann: metas({ n: 1 }) }]);
    expect(diffs(bo)).toEqual([joins("bo", { n: 2 })]);
    const order = bo.frames.flatMap((one) => (Buffer.isBuffer(one) ? [] : [one.event]));
    expect(order.indexOf("presence_state")).toBeLessThan(order.indexOf("presence_diff"));
    await says(bo, { event: "untrack" });
    await track(bo, { n: 3 });
    await until(() => diffs(bo).length >= 3);
    expect(states(bo)).toHaveLength(1);
  });

  test("[SB59] without a key, or with an empty one, the server makes one; it takes none that is too long", async () => {
    const server = await start();
    const keys = new Set<string>();
    for (const key of [undefined, "", null, "x".repeat(1_001)]) {
      const one = await open(server);
      await one.join(ROOM, { presence: { enabled: true, key } });
      await track(one, {});
      await until(() => diffs(one).length === 1);
      const [{ joins }] = diffs(one) as [{ joins: object }];
      for (const made of Object.keys(joins)) keys.add(made);
    }
    expect(keys.size).toBe(4);
    expect([...keys].every((key) => key.length > 10 && key.length < 100)).toBe(true);
    expect(server.refusals).toMatchObject([
      { code: "invalid", details: { unread: ["config.presence.key"] } },
    ]);
    const ann = await open(server);
    await ann.join(ROOM, as("x".repeat(1_000)));
    await track(ann, {});
    await until(() => diffs(ann).length === 1);
    expect(diffs(ann)).toEqual([joins("x".repeat(1_000), {})]);
  });

  test("[SB63] public and private channels of one topic do not see each other", async () => {
    const server = await start({ supabase: rooms });
    const [ann, bo] = [await open(server), await open(server)];
    await ann.join(ROOM, as("ann"));
    await bo.join(ROOM, as("bo", { private: true }), { access_token: "bo" });
    await track(ann, { n: 1 });
    expect(await track(bo, { n: 2 })).toEqual(DONE);
    await until(() => diffs(ann).length === 1 && diffs(bo).length === 1);
    for (const one of [ann, bo]) await one.beat();
    expect([diffs(ann), diffs(bo)]).toEqual([[joins("ann", { n: 1 })], [joins("bo", { n: 2 })]]);
    const eve = await open(server);
    await eve.join(ROOM, as("eve", { private: true }), { access_token: "reader" });
    await eve.beat();
    expect(states(eve)).toEqual([{ bo: metas({ n: 2 }) }]);
  });

  test("[SB67] clients of another node, and of the other version, are seen", async () => {
    const pubsub = localPubSub();
    const [one, two] = [await start({ channels: { pubsub } }), await start({ channels: { pubsub } })];
    const [ann, bo] = [await open(one, { vsn: "1.0.0" }), await open(two)];
    await ann.join(ROOM, as("ann"));
    await bo.join(ROOM, as("bo"));
    await track(ann, { n: 1 });
    await until(() => diffs(bo).length === 1);
    expect(diffs(bo)).toEqual([joins("ann", { n: 1 })]);
  });
});

describe("calls", () => {
  test("[SB60] the same again is nothing, another payload is an update, none is {}", async () => {
    const server = await start({ supabase: { limits: { presenceBurst: 20 } } });
    const ann = await open(server);
    await ann.join(ROOM, as("ann"));
    expect(await track(ann)).toEqual(DONE);
    expect(await track(ann, {})).toEqual(DONE);
    expect(await track(ann, { a: 1, b: { c: [2] } })).toEqual(DONE);
    expect(await track(ann, { b: { c: [2] }, a: 1 })).toEqual(DONE);
    await until(() => diffs(ann).length === 2);
    await ann.beat();
    expect(diffs(ann)).toEqual([
      joins("ann", {}),
      {
        joins: { ann: { metas: [{ phx_ref: REF, phx_ref_prev: REF, a: 1, b: { c: [2] } }] } },
        leaves: { ann: metas({}) },
      },
    ]);
    // What a client says of refs is not taken.
    await track(ann, { phx_ref: "mine", a: 2 });
    await until(() => diffs(ann).length === 3);
    const [{ phx_ref }] = (diffs(ann)[2] as { joins: { ann: { metas: { phx_ref: string }[] } } }).joins.ann
      .metas as [{ phx_ref: string }];
    expect(phx_ref).not.toBe("mine");
  });

  test("[SB61] what is no payload, no event and no known event", async () => {
    const server = await start({ supabase: { limits: { presenceBurst: 20 } } });
    const ann = await open(server);
    await ann.join(ROOM, as("ann"));
    for (const payload of [7, "text", null, [1]])
      expect(await says(ann, { event: "track", payload })).toEqual({
        status: "error",
        response: { reason: "Presence track payload must be a map" },
      });
    for (const event of ["other", "", 7, null])
      expect(await says(ann, { event })).toEqual({ status: "error", response: {} });
    for (const said of [{}, { payload: {} }, null, [], 7]) expect(await says(ann, said)).toEqual(DONE);
    expect(diffs(ann)).toEqual([]);
    expect(await says(ann, { event: "TRACK", payload: { n: 1 } })).toEqual(DONE);
    expect(await says(ann, { event: "Untrack" })).toEqual(DONE);
    await until(() => diffs(ann).length === 2);
    expect(diffs(ann)[1]).toEqual(leaves("ann", { n: 1 }));
  });

  test("[SB62] untrack is ok, tracked or not; whatever ends a channel is a leave, once", async () => {
    const server = await start();
    const watcher = await open(server);
    await watcher.join(ROOM, as("watcher"));
    const present = async (key: string): Promise<Raw> => {
      const one = await open(server);
      await one.join(ROOM, as(key));
      await track(one, {});
      return one;
    };
    const left = (key: string) => diffs(watcher).filter((diff) => key in (diff as { leaves: object }).leaves);
    const ann = await present("ann");
    expect(await says(ann, { event: "untrack" })).toEqual(DONE);
    expect(await says(ann, { event: "untrack" })).toEqual(DONE);
    const bo = await present("bo");
    bo.tell({ joinRef: "1", ref: "9", topic: ROOM, event: "phx_leave", payload: {} });
    const eve = await present("eve");
    eve.cut();
    await until(() => ["ann", "bo", "eve"].every((key) => left(key).length === 1));
    await watcher.beat();
    expect(["ann", "bo", "eve"].map((key) => left(key).length)).toEqual([1, 1, 1]);
  });

  test("[SB66] a payload over maxPresenceBytes is refused, and the one before stays", async () => {
    const server = await start({ channels: { limits: { maxPresenceBytes: 100 } } });
    const ann = await open(server);
    await ann.join(ROOM, as("ann"));
    await track(ann, { n: 1 });
    expect(await track(ann, { n: "x".repeat(100) })).toEqual({
      status: "error",
      response: { reason: expect.stringContaining("PresencePayloadTooLarge: ") },
    });
    expect(server.refusals).toMatchObject([{ code: "invalid", details: { limit: "maxPresenceBytes" } }]);
    const bo = await open(server);
    await bo.join(ROOM, as("bo"));
    await bo.beat();
    expect(states(bo)).toEqual([{ ann: metas({ n: 1 }) }]);
    // The one that is there is still known.
    expect(await track(ann, { n: 1 })).toEqual(DONE);
    await ann.beat();
    expect(diffs(ann)).toHaveLength(1);
  });
});

describe("rates and rights", () => {
  test("[SB65] over 5 calls in 30 s a channel ends, and who joins again has no new burst", async () => {
    const { clock, advance } = handClock();
    const server = await start({ channels: { clock } });
    const [ann, bo] = [await open(server), await open(server)];
    for (const one of [ann, bo]) await one.join(ROOM, as("key"));
    await ann.join("realtime:other", as("key"));
    for (let n = 0; n < 5; n += 1) expect(await says(ann, {})).toEqual(DONE);
    expect(await says(ann, {})).toBeUndefined();
    expect(ann.heard("system")).toEqual([
      { extension: "system", status: "error", message: "Too many calls of presence", channel: "room" },
    ]);
    expect(ann.heard("phx_close")).toHaveLength(1);
    expect(server.refusals).toMatchObject([{ code: "rate", details: { limit: "presenceRate" } }]);
    // Others, and its other channels, have their own.
    expect(await says(bo, {})).toEqual(DONE);
    expect(await says(ann, {}, "realtime:other")).toEqual(DONE);
    ann.frames.length = 0;
    await ann.join(ROOM, as("key"));
    expect(await says(ann, {})).toBeUndefined();
    ann.frames.length = 0;
    await advance(6_000);
    await ann.join(ROOM, as("key"));
    expect(await says(ann, {})).toEqual(DONE);
  });

  test("[SB64] on a private channel only who may write is listed", async () => {
    const server = await start({ supabase: rooms });
    const reader = await open(server);
    await reader.join(ROOM, as("reader", { private: true }), { access_token: "reader" });
    expect(await track(reader, {})).toEqual({
      status: "error",
      response: { reason: expect.stringContaining("Unauthorized: ") },
    });
    expect(server.refusals).toMatchObject([{ code: "write-refused", details: { hook: "mayWrite" } }]);
    await reader.beat();
    expect([states(reader), diffs(reader)]).toEqual([[{}], []]);
    expect(await says(reader, { event: "untrack" })).toEqual(DONE);
  });

  test.for(["reauthorise", "another token"] as const)(
    "[SB64] who loses the right to write is not listed any more: %s",
    async (how) => {
      let mayWrite = true;
      const server = await start({
        supabase: { ...rooms, mayWrite: ({ user }) => mayWrite && user?.name !== "reader" },
      });
      const [ann, bo] = [await open(server), await open(server)];
      await ann.join(ROOM, as("ann", { private: true }), { access_token: "ann" });
      await bo.join(ROOM, as("bo", { private: true }), { access_token: "bo" });
      await track(ann, { n: 1 });
      await until(() => diffs(bo).length === 1);
      if (how === "reauthorise") {
        mayWrite = false;
        server.channels.reauthorise();
      } else await ann.push(ROOM, "access_token", { access_token: "reader" });
      await until(() => diffs(bo).length === 2);
      expect(diffs(bo)[1]).toEqual(leaves("ann", { n: 1 }));
      await ann.beat();
      expect(ann.heard("phx_close")).toEqual([]);
      expect(await track(ann, { n: 1 })).toMatchObject({ status: "error" });
    },
  );

  test("[SB64] what was asked before rights changed lists nobody", async () => {
    const asked: (() => void)[] = [];
    let may = true;
    const server = await start({
      supabase: {
        ...rooms,
        mayWrite: () => {
          const answer = may;
          return new Promise((resolve) => void asked.push(() => resolve(answer)));
        },
      },
    });
    const ann = await open(server);
    await ann.join(ROOM, as("ann", { private: true }), { access_token: "ann" });
    const tracking = track(ann, { n: 1 });
    await until(() => asked.length === 1);
    may = false;
    server.channels.reauthorise();
    asked[0]!();
    await until(() => asked.length === 2);
    asked[1]!();
    await tracking;
    await until(() => server.refusals.length === 1);
    await ann.beat();
    expect(diffs(ann)).toEqual([]);
  });
});
