// The real realtime-js against Calla: private channels, tokens, replays.
import { describe, expect, onTestFinished, test } from "vitest";
import { memoryReplay } from "../../src/supabase/replay.ts";
import { aWhile, until } from "../phoenix-clients/phoenix-js.ts";
import { VSNS } from "./realtime-js.ts";
import type { ClientOptions, Vsn } from "./realtime-js.ts";
import { arrive, rooms, serve } from "./realtime-server.ts";
import type { RealtimeServer } from "./realtime-server.ts";

const PRIVATE = { private: true, broadcast: { ack: true } };
const as = async (server: RealtimeServer, vsn: Vsn, token: string, options?: ClientOptions) => {
  const one = await arrive(onTestFinished, server, vsn, options);
  await one.client.setAuth(token);
  return one;
};

describe.for(VSNS)("vsn %s", (vsn) => {
  test("[SB22] [SB24] a private channel: who may read hears, who may write is heard", async () => {
    const server = await serve(onTestFinished, { supabase: rooms });
    const ann = await (await as(server, vsn, "ann")).joined("room", PRIVATE);
    const reader = await (await as(server, vsn, "reader")).joined("room", PRIVATE);
    expect(await ann.send("said", { n: 1 })).toBe("ok");
    await until(() => reader.heard.length === 1);
    expect(await reader.send("said", { n: 2 })).toBe("error");
    expect(ann.heard).toEqual([]);
  });

  test("[SB19] [SB22] [SB23] who may not read is refused with a sentence, and hears nothing in public either", async () => {
    const server = await serve(onTestFinished, { supabase: rooms });
    const ann = await (await as(server, vsn, "ann")).joined("room", PRIVATE);
    const nobody = await arrive(onTestFinished, server, vsn);
    expect(await nobody.topic("room", PRIVATE).subscribe()).toEqual([
      "CHANNEL_ERROR",
      "Unauthorized: You do not have permissions to read from this Channel topic: room",
    ]);
    const outside = await (
      await arrive(onTestFinished, server, vsn)
    ).joined("room", { broadcast: { ack: true } });
    await ann.send("said", { n: 1 });
    expect(await outside.send("said", { n: 2 })).toBe("ok");
    expect([ann.heard, outside.heard]).toEqual([[], []]);
    const open = await serve(onTestFinished);
    const [, sentence] = await (await arrive(onTestFinished, open, vsn)).topic("room", PRIVATE).subscribe();
    expect(sentence).toContain("supabase(channels, { mayRead })");
  });

  test("[SB28] a client that gives its key as its token is nobody", async () => {
    const server = await serve(onTestFinished, { supabase: rooms });
    const key = "eyJ.anon.key";
    const client = await arrive(onTestFinished, server, vsn, { apikey: key, accessToken: async () => key });
    await client.client.setAuth();
    await client.joined("public");
    expect(await client.topic("room", PRIVATE).subscribe()).toMatchObject([
      "CHANNEL_ERROR",
      expect.stringContaining("Unauthorized"),
    ]);
  });

  test("[SB30] setAuth changes who one is, on the channels that are joined", async () => {
    const server = await serve(onTestFinished, { supabase: rooms });
    const client = await as(server, vsn, "reader");
    const room = await client.joined("room", PRIVATE);
    expect(await room.send("said", {})).toBe("error");
    await client.client.setAuth("ann");
    expect(await room.send("said", {})).toBe("ok");
    expect(room.system).toEqual([]);
    expect(room.statuses).toHaveLength(1);
  });

  test("[SB31] [SB32] a token that is refused closes the channel for good; a good one may join again", async () => {
    const server = await serve(onTestFinished, { supabase: rooms });
    const client = await as(server, vsn, "ann");
    const room = await client.joined("room", PRIVATE);
    await client.client.setAuth("bad");
    await until(() => room.status === "CLOSED");
    await aWhile();
    expect(room.statuses.map(([status]) => status)).toEqual(["SUBSCRIBED", "CLOSED"]);
    expect(room.system).toMatchObject([{ status: "error", channel: "room" }]);
    await client.client.setAuth("ann");
    const again = await client.joined("room", PRIVATE);
    expect(await again.send("said", {})).toBe("ok");
  });

  test("[SB29] a refused token refuses a subscription, and setAuth mends it", async () => {
    const server = await serve(onTestFinished, { supabase: rooms });
    const client = await as(server, vsn, "bad");
    const room = client.topic("room", PRIVATE);
    expect(await room.subscribe()).toEqual([
      "CHANNEL_ERROR",
      "InvalidJWTToken: The access token was refused",
    ]);
    await client.client.setAuth("ann");
    await until(() => room.status === "SUBSCRIBED");
  });

  test("[SB50] over HTTP, too", async () => {
    const server = await serve(onTestFinished, { supabase: rooms });
    const bo = await (await as(server, vsn, "bo")).joined("room", PRIVATE);
    const ann = (await as(server, vsn, "ann")).topic("room", PRIVATE);
    expect(await ann.channel.httpSend("said", { n: 1 })).toEqual({ success: true });
    const reader = (await as(server, vsn, "reader")).topic("room", PRIVATE);
    await expect(reader.channel.httpSend("said", { n: 2 })).rejects.toThrow("Unauthorized: ");
    await until(() => bo.heard.length === 1);
    expect(bo.heard).toEqual([["said", { n: 1 }]]);
  });

  test("[SB40] who comes late is told what was said, marked as replayed", async () => {
    const server = await serve(onTestFinished, { supabase: { ...rooms, replay: memoryReplay() } });
    const ann = await (await as(server, vsn, "ann")).joined("room", PRIVATE);
    for (let n = 1; n <= 3; n++) await ann.send("said", { n });
    const replay = { since: Date.now() - 60_000, limit: 2 };
    const bo = await (await as(server, vsn, "bo")).joined("room", { private: true, broadcast: { replay } });
    await ann.send("said", { n: 4 });
    await until(() => bo.heard.length === 3);
    expect(bo.broadcasts.map(({ payload, meta }) => [payload, meta?.replayed])).toEqual([
      [{ n: 2 }, true],
      [{ n: 3 }, true],
      [{ n: 4 }, undefined],
    ]);
    expect(new Set(bo.broadcasts.map(({ meta }) => meta?.id)).size).toBe(3);
  });
});
