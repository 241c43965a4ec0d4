import { describe, expect, test } from "vitest";
import { hello, list, types, wire } from "../../test/wired.ts";
import { IdentityQuota } from "./identity-quota.ts";

function counted(options: { rate?: number; burst?: number; most?: number } = {}) {
  let now = 0;
  const identityQuota = new IdentityQuota({ now: () => now, rate: 2, burst: 4, ...options });
  const arrivals = (count: number, address?: string): number =>
    Array.from({ length: count }, () => identityQuota.arrived(address)).filter((wait) => wait === 0).length;
  return { identityQuota, arrivals, pass: (milliseconds: number) => void (now += milliseconds) };
}

describe("counting", () => {
  test("[LM30] an address has a burst, then its rate, and hears when to retry", () => {
    const { identityQuota, arrivals, pass } = counted();
    expect(arrivals(10, "a")).toBe(4);
    expect(identityQuota.arrived("a")).toBe(500);
    expect(arrivals(4, "b")).toBe(4);
    pass(500);
    expect(arrivals(10, "a")).toBe(1);
    pass(60_000);
    expect(arrivals(10, "a")).toBe(4);
  });

  test("[LM30] [LM31] who has no address is not counted", () => {
    expect(counted().arrivals(100)).toBe(100);
  });

  test("[LM30] [LM31] only who has rested is forgotten; who comes when there is no room shares one account", () => {
    const { identityQuota, arrivals, pass } = counted({ most: 10 });
    for (let i = 0; i < 10; i++) expect(arrivals(4, `early ${i}`)).toBe(4);
    expect(arrivals(8, "late 1") + arrivals(8, "late 2")).toBe(4);
    expect(identityQuota.size).toBe(10);
    for (let i = 0; i < 10; i++) expect(arrivals(1, `early ${i}`)).toBe(0);
    pass(60_000);
    expect(arrivals(4, "late 3")).toBe(4);
    for (let i = 0; i < 10; i++) arrivals(1, "late 3");
    expect(identityQuota.size).toBe(1);
  });
});

describe("saying Hello", () => {
  const from = (address: string) => ({ remoteAddress: address });
  const limits = { identityRate: 1, identityBurst: 2, recheckAfter: Infinity };

  test("[LM30] over the rate of an address a Hello without an identity may be retried, in time; others are let in", async () => {
    const { client, socket, server, refused, advance } = wire({ limits });
    server.handle(list, { public: true });
    for (let i = 0; i < 2; i++) await client(undefined, undefined, from("10.0.0.1"));
    const third = socket(from("10.0.0.1"));
    third.say(hello());
    expect(await third.heard()).toEqual([{ type: "Closing", code: "rate", retryable: true, within: 1_000 }]);
    expect(third.closed).toEqual([{ code: 4001, reason: "rate" }]);
    expect(refused).toMatchObject([{ code: "rate" }]);
    expect((await client(undefined, undefined, from("10.0.0.2"))).connected.type).toBe("Connected");
    await advance(1_000);
    expect((await client(undefined, undefined, from("10.0.0.1"))).connected.type).toBe("Connected");
  });

  test("[LM30] who shows a good identity costs nothing, whatever others have used; a foreign or expired one does", async () => {
    const { client, socket, advance } = wire({ limits: { ...limits, identityLifetime: 20_000 } });
    const one = await client(undefined, undefined, from("10.0.0.1"));
    await client(undefined, undefined, from("10.0.0.1"));
    for (let i = 0; i < 5; i++)
      expect((await client(one.identity, undefined, from("10.0.0.1"))).connected).not.toHaveProperty(
        "refused",
      );
    const foreign = { clientId: one.identity.clientId, secret: `${one.identity.secret.slice(0, -1)}.` };
    const other = socket(from("10.0.0.1"));
    other.say(hello({ identity: foreign }));
    expect(types(await other.heard())).toEqual(["Closing"]);
    await advance(30_000);
    const late = await client(one.identity, undefined, from("10.0.0.1"));
    expect(late.connected).toMatchObject({ refused: "expired" });
    await client(undefined, undefined, from("10.0.0.1"));
    const last = socket(from("10.0.0.1"));
    last.say(hello({ identity: one.identity }));
    expect(await last.heard()).toMatchObject([{ type: "Closing", code: "rate", retryable: true }]);
  });

  test("[LM30] by default 500 pupils behind one address come in at once", async () => {
    const { client } = wire();
    for (let i = 0; i < 500; i++)
      expect((await client(undefined, undefined, from("10.0.0.1"))).connected.type).toBe("Connected");
  });
});
