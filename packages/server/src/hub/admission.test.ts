// One admission for connections and packets: the same questions, and where the answers differ, why.
import { describe, expect, test } from "vitest";
import { hello, inHand, list, say, types, wire } from "../../test/wired.ts";

const added = (mid: number) => say("list:1", mid, { type: "added", item: `${mid}` });

function served(options: Parameters<typeof wire>[0] = {}) {
  const wired = wire(options);
  wired.server.handle(list, { public: true });
  return wired;
}

describe("a connection and a packet of one client", () => {
  test("[CV16] an identity that is not known: a connection is given another one, a packet's client has to say Hello", async () => {
    const { socket, post, settle } = served();
    const identity = { clientId: "forged", secret: "forged" };
    const one = socket();
    one.say(hello({ identity }));
    expect(await one.heard()).toMatchObject([{ type: "Connected", refused: "foreign" }]);
    const packet = post(hello({ identity }), added(1));
    await settle();
    expect(packet.heard).toMatchObject([{ type: "Closing", code: "identity", retryable: true }]);
  });

  test("[CV17] who would flush for a page that is here has to wait, by a connection and by a packet", async () => {
    const { client, socket, post, settle } = served();
    const { identity } = await client();
    const flush = hello({ identity, flushOnly: true });
    const one = socket();
    one.say(flush);
    expect(await one.heard()).toMatchObject([{ type: "Closing", code: "in-use", retryable: true }]);
    const packet = post(flush, added(1));
    await settle();
    expect(packet.heard).toMatchObject([{ type: "Closing", code: "in-use", retryable: true }]);
  });

  test("[AU27] who is signed out while it is identified does not get in; only a packet comes back for it", async () => {
    const user = inHand<{ id: string }>();
    let slow = false;
    const { client, socket, post, server, done, settle } = served({
      authenticate: () => (slow ? user.promise : { id: "anna" }),
    });
    const { identity } = await client();
    slow = true;
    const one = socket();
    one.say(hello({ identity }));
    const packet = post(hello({ identity }), added(1));
    await settle();
    await done(server.reauthorise({ userId: "anna", user: null }));
    user.keep({ id: "anna" });
    expect(await one.heard()).toMatchObject([{ code: "unauthenticated", retryable: false }]);
    expect(packet.heard).toMatchObject([{ code: "unauthenticated", retryable: true }]);
  });

  test("[CV6] the newer connection takes over; a packet takes nothing over and draws on the stream", async () => {
    const { client, post, settle } = served();
    const first = await client();
    const second = await client(first.identity);
    expect(first.closed).toEqual([{ code: 4002, reason: "superseded" }]);
    const packet = post(hello({ identity: first.identity }), added(1));
    await settle();
    expect(types(packet.heard)).toEqual(["Acknowledge"]);
    expect(second.closed).toEqual([]);
  });
});
