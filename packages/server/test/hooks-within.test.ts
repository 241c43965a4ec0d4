// Hooks that call the server from within: what they change counts, though nothing was waited for.
import { describe, expect, test } from "vitest";
import { cursors, handPubSub, hello, list, subscribe, types, wire } from "./wired.ts";
import { expiring } from "../src/app/authenticate.ts";

const item = { type: "added", item: "secret" } as const;

describe("canSubscribe that calls the server, and then allows", () => {
  /** Anna subscribes, and `within` is run while she is asked about. */
  async function within(
    run: (it: ReturnType<typeof wire>, clientId: string) => void,
    onSubscribe?: () => void,
  ) {
    let first = true;
    const bells = handPubSub();
    const it = wire({ authenticate: () => ({ id: "anna" }), pubsub: bells.pubsub });
    const canSubscribe = ({ clientId }: { clientId: string }): boolean => {
      if (first) run(it, clientId);
      first = false;
      return true;
    };
    it.server.handle(list, { canSubscribe, ...(onSubscribe && { onSubscribe }) });
    it.server.handle(cursors, { canSubscribe });
    const topic = it.server.topic(list, "1");
    await it.done(topic.dispatch({ type: "added", item: "a" }));
    return { ...it, bells, topic, anna: await it.client() };
  }

  test("[S43] a subscribe that it refused stays refused", async () => {
    const { anna, topic, done } = await within(({ server }, clientId) =>
      server.unsubscribe(clientId, list, "1"),
    );
    anna.say(subscribe("list:1"));
    expect(types(await anna.heard())).toEqual(["Unsubscribed"]);
    await done(topic.dispatch(item));
    expect(await anna.heard()).toEqual([]);
  });

  test("[S43] a subscribe that it granted is answered once", async () => {
    let subscribed = 0;
    const { anna, topic, done } = await within(
      ({ server }, clientId) => server.subscribe(clientId, list, "1"),
      () => void subscribed++,
    );
    anna.say(subscribe("list:1"));
    expect(types(await anna.heard())).toEqual(["Settled", "Snapshot"]);
    expect(subscribed).toBe(1);
    await done(topic.dispatch(item));
    expect(types(await anna.heard())).toEqual(["TopicUpdate"]);
  });

  test("[AU15] whom it signed out has no subscription, and leaves nothing behind", async () => {
    const { bells, anna } = await within(
      ({ server }, clientId) => void server.reauthorise({ clientId, user: null }),
    );
    anna.say(subscribe("cursors:1"));
    expect(types(await anna.heard())).toEqual(["Closing"]);
    expect(bells.listening("target:cursors:1")).toBe(0);
  });
});

test("[AU15] who is signed out while the older connection is told to go does not get in", async () => {
  const it = wire({
    authenticate: () => ({ id: "anna" }),
    onDisconnect: () => void it.server.reauthorise({ userId: "anna", user: null }),
  });
  const old = await it.client();
  const anna = it.socket();
  anna.say(hello({ identity: old.identity }));
  expect(types(await anna.heard())).toEqual(["Closing"]);
});

test("[CV12] a socket that throws at Connected leaves no timer for its token behind", async () => {
  const it = wire({ authenticate: () => expiring({ id: "anna" }, 50_000) });
  const broken = it.socket({
    send: ({ type }) => {
      if (type === "Connected") throw new Error("gone");
    },
  });
  broken.say(hello());
  await it.advance(60_000);
  expect(it.refused).toEqual([]);
});

test("[S43] an observer that unsubscribes a client while it is shown the target", async () => {
  let clientId = "";
  const it = wire({
    observe: (event) => {
      if (event.type === "resync" && clientId !== "") it.server.unsubscribe(clientId, list, "1");
    },
  });
  it.server.handle(list, { public: true });
  const anna = await it.client();
  ({ clientId } = anna.identity);
  anna.say(subscribe("list:1"));
  expect(types(await anna.heard()).at(-1)).toBe("Unsubscribed");
  await it.done(it.server.topic(list, "1").dispatch(item));
  expect(await anna.heard()).toEqual([]);
});
