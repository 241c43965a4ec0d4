// Supabase's realtime-js in a real browser, in both versions of its wire.
import { expect, test } from "@playwright/test";
import { SupabasePage } from "./supabase-page.ts";
import type { Vsn } from "./supabase-page.ts";
import { SupabaseServer } from "./supabase-server.ts";

const ACK = { broadcast: { ack: true } };

test.use({ trace: "off" });
const eventually = <T>(read: () => Promise<T>) =>
  expect.poll(read, { intervals: [20, 50, 100], timeout: 15_000 });

for (const vsn of ["1.0.0", "2.0.0"] satisfies Vsn[])
  test(`[SB8] [SB13] [SB24] [SB31] [SB40] [SB46] [SB57] realtime-js with vsn ${vsn}: talks, has rights, and comes back`, async ({
    context,
  }) => {
    const server = await SupabaseServer.start();
    const { port } = server;
    const ann = await SupabasePage.open(await context.newPage(), port, vsn);
    const bo = await SupabasePage.open(await context.newPage(), port, vsn);

    for (const one of [ann, bo]) expect(await one.subscribe("room", ACK)).toBe("SUBSCRIBED");
    const said = { text: "ä€😀", nested: [{ a: null }] };
    expect(await ann.send("room", "said", said)).toBe("ok");
    expect(await ann.httpSend("room", "said", { n: 2 })).toEqual({ success: true });
    await eventually(() => bo.heard("room")).toEqual([
      ["said", said],
      ["said", { n: 2 }],
    ]);
    if (vsn === "2.0.0") {
      expect(await bo.sendBytes("room", "bytes", [0, 7, 255])).toBe("ok");
      await eventually(() => ann.heard("room")).toContainEqual(["bytes", [0, 7, 255]]);
    }
    expect(server.errors).toEqual([]);

    const secret = { private: true, ...ACK };
    expect(await bo.subscribe("closed", secret)).toContain("CHANNEL_ERROR: Unauthorized: ");
    await ann.as("ann");
    expect(await ann.subscribe("secret", secret)).toBe("SUBSCRIBED");
    expect(await ann.send("secret", "said", { n: 1 })).toBe("ok");
    await bo.as("reader");
    expect(await bo.subscribe("secret", secret)).toBe("SUBSCRIBED");
    expect(await bo.send("secret", "said", { n: 2 })).toBe("error");
    const replay = { private: true, broadcast: { replay: { since: 0 } } };
    const eve = await SupabasePage.open(await context.newPage(), port, vsn);
    await eve.as("eve");
    expect(await eve.subscribe("secret", replay)).toBe("SUBSCRIBED");
    await eventually(() => eve.heard("secret")).toEqual([["said", { n: 1 }, true]]);
    await bo.as("bad");
    await eventually(() => bo.statuses("secret")).toContain("CLOSED");

    await server.drained();
    const next = await SupabaseServer.start(port);
    const joins = async (one: SupabasePage): Promise<number> =>
      (await one.statuses("secret"))?.filter((status) => status === "SUBSCRIBED").length ?? 0;
    for (const one of [ann, eve]) await eventually(() => joins(one)).toBeGreaterThan(1);
    expect(await ann.send("secret", "said", { back: true })).toBe("ok");
    await eventually(() => eve.heard("secret")).toContainEqual(["said", { back: true }]);
    await context.close();
    await next.stop();
  });
