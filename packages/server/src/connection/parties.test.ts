import { describe, expect, test } from "vitest";
import { Membership, Parties } from "./parties.ts";
import type { Share } from "./parties.ts";

/** Parties at a time that the test sets. */
function at({ shares = 3, most }: { shares?: number; most?: number } = {}) {
  const time = { now: 1_000 };
  const parties = new Parties(() => time.now, { maxConnectionsPerAddress: shares }, most);
  const come = (
    clientId: string,
    {
      userId = null,
      fresh = false,
      address = "192.0.2.1",
    }: { userId?: string | null; fresh?: boolean; address?: string } = {},
  ): Membership => {
    const one = new Membership(address);
    parties.arrived(one);
    parties.entered(one, { clientId, userId }, fresh);
    return one;
  };
  const use = ({ share }: Membership, until: number): Share => {
    share!.messages = share!.restsAt = until;
    return share!;
  };
  return { time, parties, come, use };
}

describe("what is used up", () => {
  test("[LM20] is a user's: of all connections, whatever their address, and of the next one", () => {
    const { parties, come, use } = at();
    const one = come("c1", { userId: "anna" });
    const two = come("c2", { userId: "anna", address: "192.0.2.2" });
    const other = come("c3", { userId: "bert" });
    use(one, 5_000);
    expect(two.share).toBe(one.share);
    expect(other.share).not.toBe(one.share);
    for (const gone of [one, two]) parties.left(gone);
    expect(come("c4", { userId: "anna", fresh: true }).share!.messages).toBe(5_000);
  });

  test("[LM20] [LM12] of nobody signed in is one client's, and the next without an identity goes on from it", () => {
    const { parties, come, use } = at();
    const [one, two] = [come("c1", { fresh: true }), come("c2", { fresh: true })];
    use(one, 5_000);
    use(two, 6_000);
    expect(one.share).not.toBe(two.share);
    for (const gone of [one, two]) parties.left(gone);
    // The client itself goes on where it was; whoever has no identity, where the last that went was.
    expect(come("c1").share!.messages).toBe(5_000);
    expect(come("c3", { fresh: true }).share!.messages).toBe(6_000);
    expect(come("c4", { fresh: true }).share!.messages).toBe(0);
    expect(come("c5", { fresh: true, address: "192.0.2.2" }).share!.messages).toBe(0);
  });

  test("[LM20] coming and going brings an address no more shares than it had connections at once", () => {
    const { parties, come, use } = at({ shares: 1_000 });
    const shares = new Set<Share>();
    for (let i = 0; i < 200; i++) {
      const both = [come(`a${i}`, { fresh: true }), come(`b${i}`, { fresh: true })];
      for (const one of both) shares.add(use(one, 100_000 + i));
      for (const one of i % 2 === 0 ? both : both.toReversed()) parties.left(one);
    }
    expect(shares.size).toBe(2);
  });

  test("[LM20] [LM12] an address has as many shares as it may have connections; whoever comes more has one together", () => {
    const { come } = at({ shares: 3 });
    const shares = ["c1", "c2", "c3", "c4", "c5"].map((client) => come(client).share);
    expect(new Set(shares).size).toBe(4);
    expect(shares[4]).toBe(shares[3]);
  });

  test("[LM20] a packet draws on what its client's stream draws on", () => {
    const { parties, come, use } = at();
    const stream = come("c1", { fresh: true });
    use(stream, 5_000);
    const packet = new Membership("192.0.2.9");
    parties.arrived(packet);
    parties.leans(packet, stream);
    expect(packet.share).toBe(stream.share);
    parties.left(stream);
    parties.left(packet);
    expect(come("c1").share!.messages).toBe(5_000);
    expect(parties.size.parties).toBe(1);
  });
});

describe("what is remembered", () => {
  test("[LM21] goes once it is at rest, and with it who is not there", () => {
    const { time, parties, come, use } = at({ shares: 100 });
    for (let i = 0; i < 20; i++) {
      const one = come(`c${i}`);
      use(one, 2_000 + i);
      parties.left(one);
    }
    expect(parties.size).toEqual({ parties: 1, remembered: 20 });
    time.now = 10_000;
    for (let i = 0; i < 5; i++) parties.left(come("d", { address: "192.0.2.2" }));
    expect(parties.size).toEqual({ parties: 0, remembered: 0 });
  });

  test("[LM21] is bounded: where it is full nobody who used up a rate has a fresh one, and others have", () => {
    const { time, parties, come, use } = at({ most: 2 });
    for (const userId of ["u1", "u2", "u3", "u4"]) {
      const one = come("c", { userId });
      use(one, 5_000);
      parties.left(one);
    }
    expect(parties.size.remembered).toBe(2);
    for (const userId of ["u1", "u2", "u3", "u4"])
      expect(come("c", { userId }).share!.messages, userId).toBe(5_000);
    expect(come("c", { userId: "u5" }).share!.messages).toBe(0);
    // An address cannot come by another name.
    const two = at({ most: 0 });
    const first = two.come("c1", { fresh: true });
    two.use(first, 5_000);
    two.parties.left(first);
    expect(two.come("c2", { fresh: true }).share!.messages).toBe(5_000);
    time.now = 5_000;
    expect(come("c", { userId: "u4", address: "x" }).share!.messages).toBe(5_000);
  });

  test("[LM21] nothing is left of ten thousand that came and went", () => {
    const { time, parties, come, use } = at();
    for (let i = 0; i < 10_000; i++) {
      time.now += 1;
      const one = come(`c${i}`, {
        userId: i % 3 === 0 ? `u${i}` : null,
        address: `a${i % 700}`,
        fresh: i % 2 === 0,
      });
      use(one, time.now + (i % 50));
      parties.left(one);
    }
    expect(parties.size.remembered).toBeLessThan(200);
    time.now += 1_000;
    for (let i = 0; i < 100; i++) parties.left(come("last"));
    expect(parties.size).toEqual({ parties: 0, remembered: 0 });
  });
});
