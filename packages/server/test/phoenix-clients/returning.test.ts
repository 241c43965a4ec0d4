// What real clients do when a channel or a connection ends: which ends bring them back, and which do not.
import { describe, expect, test } from "vitest";
import { arrive, lineTo, serve } from "./parties.ts";
import { aWhile, cells, until } from "./phoenix-js.ts";
import type { Client, Topic } from "./phoenix-js.ts";
import type { RoomServer } from "./room-server.ts";

/** Back and joined: it is answered, and hears what is said once. */
async function works(topic: Topic, server: RoomServer): Promise<void> {
  await until(() => topic.channel.state === "joined");
  topic.heard.length = 0;
  expect(await topic.push("echo", { back: true })).toEqual(["ok", { back: true }]);
  server.channels.broadcast("room:lobby", "said", { n: 1 });
  await until(() => topic.of("said").length > 0);
  expect(await topic.push("echo", {})).toEqual(["ok", {}]);
  expect(topic.heard).toEqual([["said", { n: 1 }]]);
}

async function isBack({ ends }: Client, end: string): Promise<void> {
  await until(() => ends.lastIndexOf("open") > 0);
  expect(ends).toEqual(["open", end, "open"]);
}

describe.for(cells("websocket", "longpoll"))(
  "phoenix.js $version over $over",
  { concurrent: true },
  (cell) => {
    const isLongPoll = cell.over === "longpoll";

    test("[DC8] joins again after a crash; its other topics hear nothing of it", async ({
      onTestFinished: finished,
    }) => {
      const server = await serve(finished);
      const ann = await arrive(finished, cell, server);
      const [topic, other] = [await ann.joined("room:lobby"), await ann.joined("room:other")];
      topic.channel.push("crash", {});
      await until(() => topic.heard.length > 0);
      expect(topic.heard).toEqual([["phx_error"]]);
      await works(topic, server);
      expect(server.joins).toEqual(
        new Map([
          ["room:lobby", 2],
          ["room:other", 1],
        ]),
      );
      expect(other.heard).toEqual([]);
      expect(ann.ends).toEqual(["open"]);
      expect(server.errors).toEqual(["Error: as asked"]);
    });

    test("[DC8] [LV22] does not join again where it was sent away, nor where its rights were taken", async ({
      onTestFinished: finished,
    }) => {
      const server = await serve(finished);
      const [ann, bo] = await Promise.all([
        arrive(finished, cell, server, { params: { user: "Ann" } }),
        arrive(finished, cell, server),
      ]);
      const [kicked, watched] = [await ann.joined("room:lobby"), await ann.joined("room:watched")];
      const stays = await bo.joined("room:watched");
      kicked.channel.push("kick", {});
      server.channels.reauthorise("user:Ann");
      await until(() => kicked.heard.length > 0 && watched.heard.length > 0);
      await aWhile();
      for (const topic of [kicked, watched]) {
        expect(topic.heard).toEqual([["phx_close"]]);
        expect(topic.channel.state).toBe("closed");
      }
      expect(server.joins).toEqual(
        new Map([
          ["room:lobby", 1],
          ["room:watched", 2],
        ]),
      );
      expect(stays.channel.state).toBe("joined");
      expect(ann.ends).toEqual(["open"]);
    });

    test("[DC1] [DC6] comes back after a disconnect, and joins again", async ({
      onTestFinished: finished,
    }) => {
      const server = await serve(finished);
      const ann = await arrive(finished, cell, server, { params: { user: "Ann" } });
      const bo = await arrive(finished, cell, server, { params: { user: "Bo" } });
      const topic = await ann.joined("room:lobby");
      await bo.joined("room:other");
      server.channels.disconnect("user:Ann");
      await isBack(ann, isLongPoll ? "close 1011" : "close 1001");
      await works(topic, server);
      expect(server.ends).toEqual([
        { topic: "room:lobby", reason: { type: "shutdown", why: "disconnected" } },
      ]);
      expect(bo.ends).toEqual(["open"]);
    });

    test("[DC3] [DC4] [DC6] comes back after a drain, and joins again at the server that follows", async ({
      onTestFinished: finished,
    }) => {
      const server = await serve(finished);
      const ann = await arrive(finished, cell, server);
      const topic = await ann.joined("room:lobby");
      const { port } = server;
      await server.drained();
      await until(() => ann.ends.length > 1);
      expect(ann.ends[1]).toBe(isLongPoll ? "close 1011" : "close 1012");
      expect(server.ends).toEqual([{ topic: "room:lobby", reason: { type: "shutdown", why: "draining" } }]);
      await works(topic, await serve(finished, { port }));
    });

    test("[DC6] comes back to a server that broke down, and joins again", async ({
      onTestFinished: finished,
    }) => {
      const server = await serve(finished);
      const ann = await arrive(finished, cell, server);
      const topic = await ann.joined("room:lobby");
      const { port } = server;
      await server.stop();
      await until(() => ann.ends.length > 1);
      expect(ann.ends[1]).toBe(isLongPoll ? "close 1011" : "close 1006");
      // Said while nobody is there; whether it is answered after the return is the client's.
      topic.channel.push("silence", {});
      await works(topic, await serve(finished, { port }));
    });

    test("[DC6] comes back after a frame that is none, and joins again", async ({
      onTestFinished: finished,
    }) => {
      const server = await serve(finished);
      const ann = await arrive(finished, cell, server);
      const topic = await ann.joined("room:lobby");
      ann.socket.conn!.send("[1,");
      await isBack(ann, "close 1011");
      await works(topic, server);
      expect(server.errors).toEqual([]);
    });

    test("[DC6] [DC9] [LP47] comes back after a line that was too slow, and joins again", async ({
      onTestFinished: finished,
    }) => {
      const server = await serve(finished, { channels: { limits: { maxBufferedBytes: 1_000_000 } } });
      const line = await lineTo(finished, server);
      const [ann, bo] = [await arrive(finished, cell, line), await arrive(finished, cell, server)];
      const topic = await ann.joined("room:lobby");
      await bo.joined("room:other");
      await topic.push("echo", {});
      line.hold();
      // What the system between them holds is a few megabytes, and all of that must be full.
      const payload = { text: "x".repeat(100_000) };
      while (server.ends.length === 0) {
        server.channels.broadcast("room:lobby", "silent", payload);
        await new Promise((resolve) => void setTimeout(resolve, 1));
      }
      line.release();
      await isBack(ann, isLongPoll ? "close 1011" : "close 1013");
      await works(topic, server);
      expect(bo.ends).toEqual(["open"]);
    });

    test("[DC7] does not come back after its own disconnect, until it connects", async ({
      onTestFinished: finished,
    }) => {
      const server = await serve(finished);
      const ann = await arrive(finished, cell, server);
      const topic = await ann.joined("room:lobby");
      await new Promise<void>((resolve) => ann.socket.disconnect(resolve));
      // Over LongPoll the client tells nobody: its session ends when its polls have ceased for long enough.
      if (!isLongPoll) await until(() => server.ends.length === 1);
      await aWhile();
      expect(server.asked).toHaveLength(1);
      expect(ann.socket.isConnected()).toBe(false);
      ann.socket.connect();
      await works(topic, server);
      expect(server.asked).toHaveLength(2);
    });

    test("[CN13] tries again after it was turned away", async ({ onTestFinished: finished }) => {
      const server = await serve(finished, { deny: 2 });
      const ann = await arrive(finished, cell, server);
      const topic = ann.topic("room:lobby");
      void topic.join();
      await works(topic, server);
      expect(server.asked.length).toBeGreaterThan(2);
    });
  },
);

describe.for(cells("websocket"))("phoenix.js $version over $over", { concurrent: true }, (cell) => {
  test("[DC6] comes back where it was silent for too long", async ({ onTestFinished: finished }) => {
    const server = await serve(finished, { mount: { websocket: { timeout: 200 } } });
    const ann = await arrive(finished, cell, server);
    const topic = await ann.joined("room:lobby");
    await until(() => ann.ends.length > 2);
    expect(ann.ends.slice(0, 3)).toEqual(["open", "close 1001", "open"]);
    expect(server.ends[0]).toEqual({ topic: "room:lobby", reason: { type: "heartbeatTimeout" } });
    await until(() => topic.channel.state === "joined");
  });

  test("[DC6] gives up a line that died, and comes back", async ({ onTestFinished: finished }) => {
    const server = await serve(finished);
    const line = await lineTo(finished, server);
    const ann = await arrive(finished, cell, line, { heartbeatIntervalMs: 250 });
    const topic = await ann.joined("room:lobby");
    line.hold();
    await until(() => ann.ends.includes("open", 1) && topic.channel.state === "joined");
    // Its new line is a good one.
    expect(await topic.push("echo", { back: true })).toEqual(["ok", { back: true }]);
  });
});

describe.for(cells("longpoll"))("phoenix.js $version over $over", { concurrent: true }, (cell) => {
  test("[LP17] [LP25] comes back after a pause that was too long, and joins again", async ({
    onTestFinished: finished,
  }) => {
    const server = await serve(finished, { mount: { longpoll: { window: 300 } } });
    const line = await lineTo(finished, server);
    const ann = await arrive(finished, cell, line);
    const topic = await ann.joined("room:lobby");
    line.hold();
    await until(() => server.ends.length === 1);
    expect(server.ends).toEqual([{ topic: "room:lobby", reason: { type: "shutdown", why: "inactive" } }]);
    line.release();
    await isBack(ann, "close 1011");
    await works(topic, server);
  });
});
