import { describe, expect, test } from "vitest";
import { list, say, subscribe, wire } from "../test/wired.ts";

describe("one message's trip through the server", () => {
  test("[CV1] a follower gets Settled, then a snapshot; its own message comes back as everybody's record", async () => {
    const { server, client, errors } = wire();
    server.handle(list, { public: true });
    const ada = await client();
    const bob = await client();
    ada.say(subscribe("list:1"));
    bob.say(subscribe("list:1"));
    expect(await ada.heard()).toEqual([
      {
        type: "Settled",
        target: "list:1",
        ref: 1,
        sequence: 0,
        next: 1,
        outcomes: [],
        resync: "snapshot",
        reason: "first",
      },
      { type: "Snapshot", target: "list:1", sequence: 0, mark: 0, version: 1, model: { items: [] } },
    ]);
    await bob.heard();
    ada.say(say("list:1", 1, { type: "added", item: "x" }));
    const [update] = await ada.heard();
    expect(update).toMatchObject({
      type: "TopicUpdate",
      target: "list:1",
      after: 0,
      from: 0,
      records: [[0, 0, 1, "id-1", { type: "added", item: "x" }]],
    });
    expect(await bob.heard()).toEqual([update]);
    expect(errors).toEqual([]);
    expect(await server.topic(list, "1").read()).toEqual({ model: { items: ["x"] }, sequence: 1 });
  });
});
