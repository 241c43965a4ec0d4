import { describe, expect, test } from "vitest";
import { wire } from "../../test/wired.ts";
import { addressReader, trustedProxiesProblem } from "./address.ts";

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

  test("[LM5] of a proxy's chain only the nearest hops are looked at, and the last bytes of what it says", () => {
    const read = addressReader(["10.0.0.0/8"]);
    const chain = (hops: number) =>
      ["203.0.113.9", ...Array.from({ length: hops }, () => "10.9.9.9")].join(", ");
    expect(read(request("10.1.2.3", chain(15)))).toBe("203.0.113.9");
    expect(read(request("10.1.2.3", chain(16)))).toBe("10.9.9.9");
    expect(read(request("10.1.2.3", `${" ".repeat(5_000)}203.0.113.9`))).toBe("203.0.113.9");
  });

  test("[AU22] a request past all trusted proxies is reported, and one by a trusted proxy is not", () => {
    const past: unknown[] = [];
    const read = addressReader(["10.0.0.0/8"], ({ remoteAddress }) => past.push(remoteAddress));
    read(request("10.1.2.3", "203.0.113.9"));
    read(request("203.0.113.1", "203.0.113.9"));
    read(request("no address"));
    expect(past).toEqual(["203.0.113.1", "no address"]);
  });
});
