// The real realtime-js against Calla, over either version of the wire: channels, broadcasts, ends, HTTP.
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { aWhile, until } from "../phoenix-clients/phoenix-js.ts";
import { VSNS } from "./realtime-js.ts";
import { arrive, RealtimeServer, serve } from "./realtime-server.ts";

const ACK = { broadcast: { ack: true } };

describe.for(VSNS)("vsn %s", (vsn) => {
  test("[SB2] [SB8] a channel is subscribed, and a broadcast reaches the others, not its sender", async () => {
    const server = await serve(onTestFinished);
    const ann = await (await arrive(onTestFinished, server, vsn)).joined("room:1");
    const bo = await (await arrive(onTestFinished, server, vsn)).joined("room:1");
    const said = { text: "ä€😀", nested: [{ a: null }] };
    expect(await ann.send("said", said)).toBe("ok");
    await until(() => bo.heard.length === 1);
    expect(bo.broadcasts).toEqual([{ type: "broadcast", event: "said", payload: said }]);
    expect(await bo.send("said", { n: 2 })).toBe("ok");
    await until(() => ann.heard.length === 1);
    expect(bo.heard).toHaveLength(1);
    expect(server.errors).toEqual([]);
    expect(server.refusals).toEqual([]);
  });

  test("[SB9] [SB10] self and ack", async () => {
    const server = await serve(onTestFinished, { supabase: { limits: { maxBroadcastBytes: 1_000 } } });
    const client = await arrive(onTestFinished, server, vsn);
    const self = await client.joined("self", { broadcast: { self: true, ack: true } });
    expect(await self.send("said", { n: 1 })).toBe("ok");
    expect(self.heard).toEqual([["said", { n: 1 }]]);
    const ack = await client.joined("ack", ACK);
    expect(await ack.send("said", { n: 1 })).toBe("ok");
    expect(await ack.send("said", { n: "x".repeat(1_000) })).toBe("error");
    expect(ack.heard).toEqual([]);
  });

  test("[SB11] [SB12] clients of both versions hear each other", async () => {
    const server = await serve(onTestFinished);
    const other = vsn === "1.0.0" ? "2.0.0" : "1.0.0";
    const ann = await (await arrive(onTestFinished, server, vsn)).joined("room", ACK);
    const bo = await (await arrive(onTestFinished, server, other)).joined("room");
    for (const payload of [{ n: 1 }, [2], "three", 4, true, { ids: [5] }]) await ann.send("said", payload);
    await until(() => bo.heard.length === 6);
    expect(bo.heard.map(([, payload]) => payload)).toEqual([{ n: 1 }, [2], "three", 4, true, { ids: [5] }]);
    server.realtime.broadcast("room", "served", { n: 7 });
    for (const one of [ann, bo]) await until(() => one.heard.at(-1)?.[0] === "served");
  });

  test("[SB1] [SB5] what is refused comes as CHANNEL_ERROR with its sentence", async () => {
    const server = await serve(onTestFinished);
    const client = await arrive(onTestFinished, server, vsn);
    expect(await client.topic("").subscribe()).toEqual([
      "CHANNEL_ERROR",
      expect.stringContaining("TopicNameRequired"),
    ]);
    const watching = client.topic("room");
    watching.channel.on("postgres_changes", { event: "*" }, () => undefined);
    expect(await watching.subscribe()).toEqual([
      "CHANNEL_ERROR",
      expect.stringContaining("PostgresChangesNotServed"),
    ]);
  });

  test("[SB57] [SB37] a server that is drained, or dies, is there again: channels are joined again, and hear", async () => {
    let server = await RealtimeServer.start();
    onTestFinished(() => server.stop());
    const { port } = server;
    const ann = await (await arrive(onTestFinished, server, vsn)).joined("room", ACK);
    const bo = await (await arrive(onTestFinished, server, vsn)).joined("room");
    for (const end of ["drained", "stop"] as const) {
      const before = [ann, bo].map(({ statuses }) => statuses.length);
      bo.broadcasts.length = 0;
      await server[end]();
      server = await RealtimeServer.start({ port });
      await until(() =>
        [ann, bo].every((one, at) => one.statuses.length > before[at]! && one.status === "SUBSCRIBED"),
      );
      expect(await ann.send("said", { end })).toBe("ok");
      await until(() => bo.heard.length > 0);
      expect(bo.heard).toEqual([["said", { end }]]);
    }
    expect(ann.system).toMatchObject([
      { status: "ok", message: "Server requested disconnect", channel: "room" },
    ]);
    expect(server.errors).toEqual([]);
  });

  test("[SB8] a channel that is removed hears nothing more, and may be joined again", async () => {
    const server = await serve(onTestFinished);
    const bo = await arrive(onTestFinished, server, vsn);
    const ann = await (await arrive(onTestFinished, server, vsn)).joined("room", ACK);
    const other = await bo.joined("other");
    const room = await bo.joined("room");
    expect(await bo.client.removeChannel(room.channel)).toBe("ok");
    expect(bo.client.getChannels()).toEqual([other.channel]);
    await ann.send("said", { n: 1 });
    const again = await bo.joined("room");
    await ann.send("said", { n: 2 });
    await until(() => again.heard.length === 1);
    expect(again.heard).toEqual([["said", { n: 2 }]]);
    expect(room.heard).toEqual([]);
    expect(await bo.client.removeAllChannels()).toEqual(["ok", "ok"]);
  });

  test("[SB45] [SB46] who has not joined says it over HTTP", async () => {
    const warned = vi.spyOn(console, "warn").mockImplementation(() => undefined);
    const server = await serve(onTestFinished);
    const bo = await (await arrive(onTestFinished, server, vsn)).joined("room");
    const ann = (await arrive(onTestFinished, server, vsn)).topic("room");
    expect(await ann.send("said", { n: 1 })).toBe("ok");
    expect(warned).toHaveBeenCalledOnce();
    expect(await ann.channel.httpSend("said", { n: 2 })).toEqual({ success: true });
    await ann.channel.httpSend("bytes", Uint8Array.from([1, 2]));
    await until(() => bo.heard.length === (vsn === "2.0.0" ? 3 : 2));
    expect(bo.heard.slice(0, 2)).toEqual([
      ["said", { n: 1 }],
      ["said", { n: 2 }],
    ]);
    if (vsn === "2.0.0") expect(bo.heard[2]).toEqual(["bytes", [1, 2]]);
  });

  test("[SB35] who is too fast is told, and its channel is closed for good", async () => {
    const server = await serve(onTestFinished, {
      supabase: { limits: { broadcastRate: 0.001, broadcastBurst: 3 } },
    });
    const ann = await (await arrive(onTestFinished, server, vsn)).joined("room");
    for (let n = 0; n < 5; n++) void ann.send("said", { n });
    await until(() => ann.status === "CLOSED");
    await aWhile();
    expect(ann.statuses.map(([status]) => status)).toEqual(["SUBSCRIBED", "CLOSED"]);
    expect(ann.system).toMatchObject([{ status: "error", message: "Too many messages per second" }]);
  });
});

test("[SB13] [SB14] bytes, between clients of version 2; to one of version 1 they say nothing", async () => {
  const server = await serve(onTestFinished);
  const ann = await (await arrive(onTestFinished, server, "2.0.0")).joined("room", ACK);
  const bo = await (await arrive(onTestFinished, server, "2.0.0")).joined("room");
  const old = await (await arrive(onTestFinished, server, "1.0.0")).joined("room");
  expect(await ann.send("bytes", Uint8Array.from([0, 7, 255]).buffer)).toBe("ok");
  await ann.send("said", { n: 1 });
  server.realtime.broadcast("room", "bytes", Uint8Array.from([9]));
  await until(() => bo.heard.length === 3 && old.heard.length === 1);
  expect(bo.heard).toEqual([
    ["bytes", [0, 7, 255]],
    ["said", { n: 1 }],
    ["bytes", [9]],
  ]);
  expect(old.heard).toEqual([["said", { n: 1 }]]);
});
