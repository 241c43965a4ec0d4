// One router: what a frame asks is done alike, whether a connection or a packet said it.
import { expect, test } from "vitest";
import {
  hello,
  list,
  say,
  saySession,
  session,
  subscribe,
  types,
  unsubscribe,
  wire,
} from "../../test/wired.ts";

const added = (mid: number, target = "list:1") => say(target, mid, { type: "added", item: `${mid}` });

function served() {
  const wired = wire();
  wired.server.handle(list, { public: true });
  wired.server.handle(session, { public: true });
  return wired;
}

test("[HT4] a message has the same answer on a connection and in a packet, of a topic and of the session", async () => {
  const { client, post, settle } = served();
  const one = await client();
  const named = (mid: number) => saySession(mid, { type: "named", name: `${mid}` });
  one.say(added(1), named(1));
  const packet = post(hello({ identity: one.identity }), added(2), named(2));
  await settle();
  const answers = [{ type: "Acknowledge" }, { type: "Acknowledge" }];
  expect(await one.heard()).toMatchObject(answers);
  expect(packet.heard).toMatchObject(answers);
});

test("[HA10] no name leads to another's session, on a connection or in a packet", async () => {
  const { client, post, settle } = served();
  const [anna, bob] = [await client(), await client()];
  const foreign = (mid: number) => say(`@${bob.identity.clientId}`, mid, { type: "named", name: "x" });
  anna.say(foreign(1));
  const packet = post(hello({ identity: anna.identity }), foreign(1));
  await settle();
  const [heard] = await anna.heard();
  expect(heard).toMatchObject({ type: "Rejected", from: "calla" });
  expect(packet.heard).toEqual([heard]);
});

test("[CV10] an unsubscribe that a newer subscribe has overtaken means nothing, nor does it by a packet", async () => {
  const { client, post, settle, server, done } = served();
  const one = await client();
  one.say(subscribe("list:1", 2), unsubscribe("list:1", 1));
  expect(types(await one.heard())).toEqual(["Settled", "Snapshot"]);
  post(hello({ identity: one.identity }), unsubscribe("list:1", 1));
  await settle();
  await done(server.topic(list, "1").dispatch({ type: "added", item: "x" }));
  expect(types(await one.heard())).toEqual(["TopicUpdate"]);
  post(hello({ identity: one.identity }), unsubscribe("list:1", 2));
  await settle();
  await done(server.topic(list, "1").dispatch({ type: "added", item: "y" }));
  expect(await one.heard()).toEqual([]);
});

test("whoever observes may end a connection as it connects: nothing more is sent to it", async () => {
  const it = wire({
    observe: (event) => {
      if (event.type === "connected") it.server.disconnect(event.clientId);
    },
  });
  it.server.handle(list, { public: true });
  const one = it.socket();
  one.say(hello({ targets: [subscribe("list:1")] }));
  expect((await one.heard()).map(({ type }) => type)).toEqual(["Closing"]);
  expect(it.errors).toEqual([]);
  expect(it.server.inspect().connections.all).toBe(0);
});

test("onConnect may end the connection at once: what its Hello asked for is no error of the app's", async () => {
  const it = wire({ onConnect: ({ clientId }) => void it.server.disconnect(clientId) });
  it.server.handle(list, { public: true });
  const one = it.socket();
  one.say(hello({ targets: [subscribe("list:1")] }));
  expect((await one.heard()).map(({ type }) => type)).toEqual(["Connected", "Closing"]);
  expect(it.errors).toEqual([]);
});
