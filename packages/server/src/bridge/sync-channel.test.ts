import { describe, expect, test } from "vitest";
import { bridged } from "../../test/bridged.ts";
import { cursors, list, other, say, subscribe } from "../../test/wired.ts";

const open = (options?: Parameters<typeof bridged>[0]) => {
  const world = bridged(options);
  for (const slice of [list, other, cursors]) world.server.handle(slice, { public: true });
  return world;
};
const added = (item: string) => ({ type: "added", item });

describe("a Phoenix client on a topic of the sync half", () => {
  test("[BR11] [BR13] joins, is told the model and what changes in it, and dispatches", async () => {
    const { phoenix, client, errors } = open();
    const bare = phoenix();
    const [[event, joined]] = (await bare.join()) as [[string, { [name: string]: unknown }]];
    expect(event).toBe("ok list:1");
    expect(joined).toEqual({
      client_id: expect.any(String),
      secret: expect.any(String),
      user_id: null,
      version: 1,
      max_in_flight: expect.any(Number),
      sequence: 0,
      mark: expect.any(Number),
      next: 1,
      outcomes: [],
      resync: "snapshot",
      reason: "first",
      model: { items: [] },
    });
    bare.dispatch(1, added("milk"));
    const heard = await bare.heard();
    expect(heard).toEqual([
      ["ok r1", { mid: 1, sequence: 1 }],
      ["snapshot", { sequence: 1, mark: expect.any(Number), reason: "cheaper", model: { items: ["milk"] } }],
    ]);
    const calla = await client();
    calla.say(subscribe("list:1"));
    await calla.heard();
    for (let n = 1; n < 9; n++) calla.say(say("list:1", n, added(`a longer text ${n}`)));
    await bare.heard();
    calla.say(say("list:1", 9, added("bread")));
    expect(await bare.heard()).toEqual([
      [
        "patch",
        {
          after: 9,
          sequence: 10,
          mark: expect.any(Number),
          patch: [{ op: "add", path: "/items/9", value: "bread" }],
        },
      ],
    ]);
    expect(errors).toEqual([]);
  });

  test("[BR12] is told by whole models or by messages, where its join chose so", async () => {
    const { phoenix } = open();
    const [whole, words] = [phoenix(), phoenix()];
    await whole.join({ form: "snapshot" });
    await words.join({ form: "message" });
    words.dispatch(1, added("milk"));
    const heard = await words.heard();
    expect(heard).toEqual([
      ["ok r1", { mid: 1, sequence: 1 }],
      [
        "message",
        {
          after: 0,
          sequence: 1,
          mark: expect.any(Number),
          records: [
            {
              sequence: 1,
              at: expect.any(Number),
              author: expect.any(Number),
              user_id: null,
              id: "p-1",
              messages: [added("milk")],
            },
          ],
        },
      ],
    ]);
    const { mark } = heard[1]![1];
    expect(await whole.heard()).toEqual([
      ["snapshot", { sequence: 1, mark, reason: "changed", model: { items: ["milk"] } }],
    ]);
  });

  test("[BR13] hears of a message that is rejected, and why", async () => {
    const { phoenix } = open();
    const bare = phoenix();
    await bare.join();
    bare.dispatch(1, { type: "removed", item: "milk" });
    bare.dispatch(2, { type: "nonsense" });
    expect(await bare.heard()).toEqual([
      ["error r1", { mid: 1, from: "app", code: "missing", details: { item: "milk" } }],
      ["error r2", { mid: 2, from: "calla", code: "unknown-message", details: expect.anything() }],
    ]);
  });

  test("[BR14] leaves, and its conversation ends with the last topic", async () => {
    const left: string[] = [];
    const { phoenix, server } = open({ onDisconnect: ({ clientId }) => void left.push(clientId) });
    const bare = phoenix();
    await bare.join();
    await bare.join({}, "list:2");
    expect(server.inspect().connections.all).toBe(1);
    bare.say("phx_leave");
    expect(await bare.heard()).toEqual([
      ["ok r1", {}],
      ["phx_close", {}],
    ]);
    expect(server.inspect().connections.all).toBe(1);
    bare.say("phx_leave", {}, "list:2");
    await bare.heard();
    expect([server.inspect().connections.all, left.length]).toEqual([0, 1]);
    await bare.join();
    bare.talker.gone();
    await bare.heard();
    expect([server.inspect().connections.all, left.length]).toEqual([0, 2]);
  });

  test("[BR14] hears how the server ends it: to come back, or not to", async () => {
    const { phoenix, server } = open();
    const bare = phoenix();
    const [[, joined]] = (await bare.join()) as [[string, { [name: string]: string }]];
    server.disconnect(joined["client_id"]!);
    expect(await bare.heard()).toEqual([
      ["closing", { code: "disconnected", retryable: false, within: 0 }],
      ["phx_close", {}],
    ]);
    const [[, again]] = (await bare.join()) as [[string, object]];
    expect(again).toMatchObject({ client_id: joined["client_id"] });
    server.unsubscribe(joined["client_id"]!, list, "1");
    expect(await bare.heard()).toEqual([
      ["unsubscribed", { code: "unsubscribed", retryable: false }],
      ["phx_close", {}],
    ]);
  });
});
