// Who is subscribed, and who is not any more: above all what is left of somebody who was slow when it left.
import { describe, expect, test } from "vitest";
import { list, say, subscribe, types, unsubscribe, wire } from "../../test/wired.ts";

const added = (item: string) => ({ type: "added", item });

/** A client that is subscribed to list:1, whose connection is full, and that was passed over by one update. */
async function behind() {
  const it = wire({ limits: { collapseBytes: 1_000 } });
  it.server.handle(list, { public: true });
  const slow = await it.client();
  slow.say(subscribe("list:1"));
  await slow.heard();
  slow.stuff(1_001);
  slow.say({ type: "Ping", cursors: [] }); // the frame that finds it full
  await slow.heard();
  await it.done(it.server.topic(list, "1").dispatch({ type: "added", item: "a" }));
  expect(await slow.heard()).toEqual([]);
  return { ...it, slow };
}

describe("an author that left while it was slow", () => {
  test("[SC6] [CV1] is not subscribed any more: what it dispatches afterwards is acknowledged to it", async () => {
    const { slow } = await behind();
    slow.say(unsubscribe("list:1"));
    slow.drain();
    expect(await slow.heard()).toEqual([]);
    slow.say(say("list:1", 1, added("mine")));
    expect(await slow.heard()).toMatchObject([{ type: "Acknowledge", mid: 1, sequence: 2 }]);
  });

  test("[SC6] is subscribed again at its next subscribe, and hears every update once", async () => {
    const { slow, server, done } = await behind();
    slow.say(unsubscribe("list:1"));
    slow.drain();
    slow.say(subscribe("list:1", 2));
    expect(types(await slow.heard())).toEqual(["Settled", "Snapshot"]);
    await done(server.topic(list, "1").dispatch({ type: "added", item: "b" }));
    expect(types(await slow.heard())).toEqual(["TopicUpdate"]);
  });
});
