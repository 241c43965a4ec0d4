// Real clients whose WebSocket does not get through, with `longPollFallbackMs`.
import { describe, expect, test } from "vitest";
import { arrive, serve } from "./parties.ts";
import { cells, Memory, until } from "./phoenix-js.ts";

const MEMORY = "phx:fallback:LongPoll";

describe.for(cells("fallback"))("phoenix.js $version with a fallback", { concurrent: true }, (cell) => {
  test("[HB1] stays with WebSocket where its first heartbeat is answered", async ({
    onTestFinished: finished,
  }) => {
    const server = await serve(finished);
    const sessionStorage = new Memory();
    const ann = await arrive(finished, cell, server, { sessionStorage, longPollFallbackMs: 300 });
    const topic = await ann.joined("room:lobby");
    await until(() => ann.beats > 0);
    await new Promise((resolve) => void setTimeout(resolve, 500));
    expect(await topic.push("echo", { a: 1 })).toEqual(["ok", { a: 1 }]);
    expect(ann.ends).toEqual(["open"]);
    expect(sessionStorage.items.size).toBe(0);
  });

  test("[LP1] [CN19] falls back where WebSockets are refused, remembers it, and comes back by LongPoll", async ({
    onTestFinished: finished,
  }) => {
    const server = await serve(finished, { mount: { websocket: false } });
    const sessionStorage = new Memory();
    const ann = await arrive(finished, cell, server, { sessionStorage });
    const topic = await ann.joined("room:lobby");
    expect(await topic.push("echo", { a: 1 })).toEqual(["ok", { a: 1 }]);
    expect(sessionStorage.items).toEqual(new Map([[MEMORY, "true"]]));
    const { port } = server;
    const ends = ann.ends.length;
    await server.drained();
    await until(() => ann.ends.length > ends);
    // It speaks WebSocket, and the client does not ask any more.
    const next = await serve(finished, { port });
    await until(() => ann.ends.at(-1) === "open" && topic.channel.state === "joined");
    expect(await topic.push("echo", { a: 2 })).toEqual(["ok", { a: 2 }]);
    next.channels.broadcast("room:lobby", "said", {});
    await until(() => topic.of("said").length > 0);
    // Nor does another of the same page.
    const bo = await arrive(finished, cell, next, { sessionStorage });
    await bo.joined("room:lobby");
    expect(new Set(next.transports)).toEqual(new Set(["longpoll"]));
  });

  test("[LP1] falls back where nobody answers a WebSocket in time", async ({ onTestFinished: finished }) => {
    const server = await serve(finished, { hangUpgrades: true });
    const ann = await arrive(finished, cell, server, { longPollFallbackMs: 50 });
    const topic = await ann.joined("room:lobby");
    expect(await topic.push("echo", { a: 1 })).toEqual(["ok", { a: 1 }]);
    expect(new Set(server.transports)).toEqual(new Set(["longpoll"]));
  });
});
