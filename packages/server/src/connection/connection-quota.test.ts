import { describe, expect, test } from "vitest";
import { hello, inHand, list, types, wire } from "../../test/wired.ts";
import { addressReader, trustedProxiesProblem } from "../identity/address.ts";

const request = (remoteAddress: string | undefined, forwarded?: string | string[]) => ({
  url: "/ws",
  headers: { "x-forwarded-for": forwarded },
  remoteAddress,
});

describe("an address", () => {
  test("[LM5] is the socket's where nobody is trusted, whatever a visitor says", () => {
    const read = addressReader([]);
    expect(read(request("192.0.2.1", "203.0.113.9"))).toBe("192.0.2.1");
    expect(read(request("::ffff:192.0.2.1"))).toBe("192.0.2.1");
    expect(read(request(undefined, "203.0.113.9"))).toBeUndefined();
  });

  test("[LM5] behind trusted proxies is the nearest that is not trusted", () => {
    const read = addressReader(["10.0.0.0/8", "::1", "192.0.2.7"]);
    expect(read(request("10.1.2.3", "6.6.6.6, 203.0.113.9"))).toBe("203.0.113.9");
    expect(read(request("10.1.2.3", "6.6.6.6, 203.0.113.9, 192.0.2.7"))).toBe("203.0.113.9");
    expect(read(request("::1", ["6.6.6.6", "203.0.113.9:4711"]))).toBe("203.0.113.9");
    expect(read(request("203.0.113.1", "6.6.6.6"))).toBe("203.0.113.1");
    expect(read(request(undefined, "203.0.113.9"))).toBe("203.0.113.9");
  });

  test("[LM5] what is no address ends the search; nothing a visitor sends throws", () => {
    const read = addressReader(["10.0.0.0/8"]);
    expect(read(request("10.1.2.3", "evil, 203.0.113.9"))).toBe("203.0.113.9");
    expect(read(request("10.1.2.3", "203.0.113.9, evil"))).toBe("10.1.2.3");
    for (const text of [
      "",
      ",",
      "[",
      "]:1",
      "::",
      "1.2.3.4.5",
      "%",
      "\u0000",
      "x".repeat(1e5),
      ",".repeat(1e5),
    ])
      expect(() => read(request("10.1.2.3", text))).not.toThrow();
    expect(read(request("no address"))).toBeUndefined();
  });

  test("[LM5] of IPv6 is counted by its /64", () => {
    const read = addressReader([]);
    const same = [
      "2001:db8:0:1::1",
      "2001:db8:0:1:ffff::2",
      "2001:0db8:0000:0001:1:2:3:4",
      "[2001:db8:0:1::9]:80",
    ];
    expect(new Set(same.map((address) => read(request(address))))).toEqual(new Set(["2001:db8:0:1::/64"]));
    expect(read(request("2001:db8:0:2::1"))).not.toBe("2001:db8:0:1::/64");
    expect(read(request("fe80::1%eth0"))).toBe("fe80:0:0:0::/64");
  });

  test("[LM5] a list that holds no addresses is refused", () => {
    expect(trustedProxiesProblem(["10.0.0.0/8", "::1"])).toBeUndefined();
    for (const wrong of [["10.0.0.0/40"], ["proxy"], ["10.0.0.1/"], ["10.0.0.1/a"], "10.0.0.1", [7]])
      expect(trustedProxiesProblem(wrong)).toContain("address");
    expect(() => wire({ trustedProxies: ["proxy"] })).toThrow("proxy");
  });
});

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

  test("[LM5] a client that comes again before its old connection was found dead is one", async () => {
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
