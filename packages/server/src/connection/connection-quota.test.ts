import { describe, expect, test } from "vitest";
import { hello, inHand, list, types, wire } from "../../test/wired.ts";

describe("connections", () => {
  test("[LM5] that have gone make room, by address and by user", async () => {
    const it = wire({
      limits: { maxConnectionsPerAddress: 2, maxConnectionsPerUser: 2 },
      authenticate: () => ({ id: "anna" }),
    });
    it.server.handle(list, { public: true });
    const on = { remoteAddress: "192.0.2.1" };
    for (let round = 0; round < 3; round++) {
      const both = [await it.client(undefined, undefined, on), await it.client(undefined, undefined, on)];
      const third = it.socket(on);
      expect(await third.heard()).toEqual([
        { type: "Closing", code: "too-many-connections", retryable: true, within: 10_000 },
      ]);
      for (const one of both) one.drop();
    }
  });

  test("[LM5] a client that reconnects before its old connection was found dead is one", async () => {
    const it = wire({ limits: { maxConnectionsPerUser: 1 }, authenticate: () => ({ id: "anna" }) });
    const one = await it.client();
    const again = await it.client(one.identity);
    expect(again.closed).toEqual([]);
    expect(one.closed).toEqual([{ code: 4002, reason: "superseded" }]);
  });

  test("[LM6] the oldest without a word makes room; one that is being identified does not", async () => {
    const answer = inHand<{ id: string }>();
    const it = wire({ limits: { maxPendingHellos: 2 }, authenticate: () => answer.promise });
    const asking = it.socket();
    asking.say(hello());
    const silent = it.socket();
    const fresh = it.socket();
    expect(await silent.heard()).toMatchObject([{ type: "Closing", code: "busy", retryable: true }]);
    fresh.say(hello());
    // Both places are held by those who wait for the server: there is none for who comes now.
    const late = it.socket();
    expect(await late.heard()).toMatchObject([{ type: "Closing", code: "busy", retryable: true }]);
    answer.keep({ id: "anna" });
    expect(types(await asking.heard())).toContain("Connected");
    expect(types(await fresh.heard())).toContain("Connected");
    expect(it.socket().closed).toEqual([]);
  });
});
