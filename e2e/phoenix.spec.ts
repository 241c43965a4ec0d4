// The Phoenix clients that are out there, in a real browser: each version, over WebSocket, LongPoll and its fallback.
import { expect, test } from "@playwright/test";
import { Line } from "@calla/testing/playwright";
import { PhoenixPage } from "./phoenix-page.ts";
import type { Over } from "./phoenix-page.ts";
import { PhoenixServer, VERSIONS } from "./phoenix-server.ts";

const ROOM = "room:lobby";

// Without traces, and asked often: there are many small steps.
test.use({ trace: "off" });
const eventually = <T>(read: () => Promise<T>) =>
  expect.poll(read, { intervals: [20, 50, 100], timeout: 15_000 });
/** Until then a push may go to a connection that has ended, where Phoenix's clients lose it. */
const joinedAnew = (page: PhoenixPage, before: string | undefined): Promise<void> =>
  eventually(async () => [undefined, before].includes(await page.joinRef(ROOM))).toBe(false);

const cells = VERSIONS.flatMap((version) =>
  (["websocket", "longpoll"] as const).map((over: Over) => ({ version, over })),
);

for (const { version, over } of cells)
  test(`[MS1] [BC1] [DC3] [DC6] [DC8] phoenix.js ${version} over ${over}: talks, and comes back whatever ends`, async ({
    context,
  }) => {
    const server = await PhoenixServer.start();
    const { port } = server;
    const line = await Line.to(() => port);
    const ann = await PhoenixPage.open(await context.newPage(), `${line.url}/`, version, over);
    const bo = await PhoenixPage.open(await context.newPage(), `http://localhost:${port}/`, version, over);
    for (const one of [ann, bo]) expect(await one.join(ROOM)).toEqual(["ok", {}]);

    const said = { text: "ä€😀", nested: [{ a: null }] };
    expect(await ann.push(ROOM, "echo", said)).toEqual(["ok", said]);
    await ann.say(ROOM, "say", { n: 1 });
    await bo.say(ROOM, "say", { n: 2 });
    for (const one of [ann, bo]) await eventually(() => one.heard(ROOM)).toHaveLength(2);
    expect(await ann.take(ROOM)).toEqual(await bo.take(ROOM));

    // LongPoll carries no bytes to a client, and before 1.7 none from it: it sends them as text, which ends in a new
    // connection.
    if (over === "websocket") {
      expect(await ann.pushBytes(ROOM, "echo", [0, 7, 255])).toEqual(["ok", { bytes: [0, 7, 255] }]);
      await bo.sayBytes(ROOM, "say", [1, 2]);
      await eventually(() => ann.take(ROOM)).toEqual([{ bytes: [1, 2] }]);
      await bo.take(ROOM);
    } else if (version !== "1.6.16")
      expect(await ann.pushBytes(ROOM, "measure", [0, 7, 255])).toEqual(["ok", { bytes: [0, 7, 255] }]);

    await ann.say(ROOM, "crash");
    await eventually(() => ann.heard(ROOM)).toEqual(["phx_error"]);
    await eventually(() => ann.state(ROOM)).toBe("joined");
    expect(await ann.push(ROOM, "echo", { a: 1 })).toEqual(["ok", { a: 1 }]);
    expect(await ann.ends()).toEqual(["open"]);
    expect(server.errors).toEqual(["Error: as asked"]);

    await ann.take(ROOM);
    line.cut();
    await eventually(() => ann.state(ROOM)).toBe("errored");
    line.mend();
    await eventually(() => ann.state(ROOM)).toBe("joined");
    expect(await ann.push(ROOM, "echo", { a: 2 })).toEqual(["ok", { a: 2 }]);

    const before = await Promise.all([ann, bo].map((one) => one.joinRef(ROOM)));
    await server.drained();
    const next = await PhoenixServer.start({ port });
    for (const [index, one] of [ann, bo].entries()) {
      await joinedAnew(one, before[index]);
      expect(await one.push(ROOM, "echo", { a: 3 })).toEqual(["ok", { a: 3 }]);
      await one.take(ROOM);
    }
    await ann.say(ROOM, "say", { back: true });
    for (const one of [ann, bo]) await eventually(() => one.take(ROOM)).toEqual([{ back: true }]);

    await ann.say(ROOM, "kick");
    await eventually(() => ann.heard(ROOM)).toEqual(["phx_close"]);
    expect(next.errors).toEqual([]);
    await context.close();
    await line.close();
    await next.stop();
  });

// 1.6 has no fallback.
for (const version of VERSIONS.slice(1))
  test(`[LP1] [DC4] phoenix.js ${version} falls back to LongPoll where WebSockets are refused, and remembers it`, async ({
    context,
  }) => {
    const server = await PhoenixServer.start({ websocket: false });
    const { port } = server;
    const page = await context.newPage();
    const url = `http://localhost:${port}/`;
    const ann = await PhoenixPage.open(page, url, version, "fallback");
    expect(await ann.join(ROOM)).toEqual(["ok", {}]);
    expect(await ann.push(ROOM, "echo", { a: 1 })).toEqual(["ok", { a: 1 }]);
    await eventually(() => ann.remembered()).toBe("true");

    // The next server would take WebSockets; the client does not ask any more.
    const before = await ann.joinRef(ROOM);
    await server.drained();
    const next = await PhoenixServer.start({ port });
    await joinedAnew(ann, before);
    expect(await ann.push(ROOM, "echo", { a: 2 })).toEqual(["ok", { a: 2 }]);
    const again = await PhoenixPage.open(page, url, version, "fallback");
    expect(await again.join(ROOM)).toEqual(["ok", {}]);
    // Before 1.8.2 a client that comes back by LongPoll may try once more than it needs.
    expect(new Set(next.transports)).toEqual(new Set(["longpoll"]));
    await context.close();
    await next.stop();
  });
