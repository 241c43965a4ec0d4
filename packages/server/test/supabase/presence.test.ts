// Presence as the real realtime-js has it, over either version of the wire.
import { describe, expect, onTestFinished, test } from "vitest";
import { aWhile, until } from "../phoenix-clients/phoenix-js.ts";
import { VSNS } from "./realtime-js.ts";
import type { Client, Topic } from "./realtime-js.ts";
import { arrive, RealtimeServer, serve } from "./realtime-server.ts";

const as = (key: string) => ({ presence: { key } });
async function watching(client: Client, config: object = {}): Promise<Topic> {
  const topic = client.topic("room", config).watching();
  expect(await topic.subscribe()).toEqual(["SUBSCRIBED", undefined]);
  return topic;
}

describe.for(VSNS)("vsn %s", (vsn) => {
  test("[SB39] [SB60] [SB62] who tracks is seen by all, changes, and goes", async () => {
    const server = await serve(onTestFinished);
    const ann = await watching(await arrive(onTestFinished, server, vsn), as("ann"));
    expect(await ann.channel.track({ n: 1 })).toBe("ok");
    await until(() => ann.present.includes("join ann"));
    const client = await arrive(onTestFinished, server, vsn);
    const bo = await watching(client, as("bo"));
    await until(() => "ann" in bo.here);
    expect(bo.here).toEqual({ ann: [{ n: 1 }] });
    expect(await bo.channel.track({ at: "desk" })).toBe("ok");
    await until(() => "bo" in ann.here);
    expect(await ann.channel.track({ n: 2 })).toBe("ok");
    // This realtime-js forgets the refs of what a key had before, and so keeps it: of an update it shows both.
    await until(() => bo.here["ann"]?.some((meta) => JSON.stringify(meta) === '{"n":2}') === true);
    const eve = await watching(await arrive(onTestFinished, server, vsn), as("eve"));
    await until(() => "ann" in eve.here);
    expect(eve.here).toEqual({ ann: [{ n: 2 }], bo: [{ at: "desk" }] });
    expect(await ann.channel.untrack()).toBe("ok");
    await until(() => !("ann" in eve.here));
    expect(eve.here).toEqual({ bo: [{ at: "desk" }] });
    expect(eve.present).toContain("leave ann");
    await client.client.disconnect();
    await until(() => Object.keys(eve.here).length === 0);
    expect(server.errors).toEqual([]);
  });

  test("[SB60] who does not listen and tracks is seen, and sees from then on", async () => {
    const server = await serve(onTestFinished);
    const ann = await watching(await arrive(onTestFinished, server, vsn), as("ann"));
    const bo = await (await arrive(onTestFinished, server, vsn)).joined("room", as("bo"));
    await ann.channel.track({ n: 1 });
    await until(() => "ann" in ann.here);
    await aWhile();
    expect(bo.here).toEqual({});
    expect(await bo.channel.track({ n: 2 })).toBe("ok");
    await until(() => "bo" in ann.here && "bo" in bo.here);
    expect(bo.here).toEqual({ ann: [{ n: 1 }], bo: [{ n: 2 }] });
  });

  test("[SB59] two devices under one key are two entries; without a key each has its own", async () => {
    const server = await serve(onTestFinished);
    const [one, two] = [
      await watching(await arrive(onTestFinished, server, vsn), as("ann")),
      await watching(await arrive(onTestFinished, server, vsn), as("ann")),
    ];
    await one.channel.track({ device: "phone" });
    await two.channel.track({ device: "desk" });
    await until(() => one.here["ann"]?.length === 2);
    expect(one.here["ann"]).toEqual(expect.arrayContaining([{ device: "phone" }, { device: "desk" }]));
    const other = await watching(await arrive(onTestFinished, server, vsn));
    await other.channel.track({});
    await until(() => Object.keys(one.here).length === 2);
  });

  test("[SB57] [SB39] after the server has gone and come back all are seen again once they track", async () => {
    let server = await RealtimeServer.start();
    onTestFinished(() => server.stop());
    const { port } = server;
    const ann = await watching(await arrive(onTestFinished, server, vsn), as("ann"));
    const bo = await watching(await arrive(onTestFinished, server, vsn), as("bo"));
    await ann.channel.track({ n: 1 });
    await until(() => "ann" in bo.here);
    const before = [ann, bo].map(({ statuses }) => statuses.length);
    await server.stop();
    server = await RealtimeServer.start({ port });
    await until(() =>
      [ann, bo].every((one, at) => one.statuses.length > before[at]! && one.status === "SUBSCRIBED"),
    );
    // Its state is the new server's.
    await until(() => Object.keys(bo.here).length === 0);
    expect(await ann.channel.track({ n: 2 })).toBe("ok");
    await until(() => "ann" in bo.here);
    expect(bo.here).toEqual({ ann: [{ n: 2 }] });
  });
});
