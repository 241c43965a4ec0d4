import { describe, expect, it } from "vitest";
import { handClock } from "../../test/wired.ts";
import { localPubSub } from "../cluster/pubsub.ts";
import { openHouse } from "./house.ts";

const houses = (...options: { nodeName?: string }[]) => {
  const hand = handClock();
  const pubsub = localPubSub();
  const open = (option: { nodeName?: string } = {}) =>
    openHouse({ pubsub, clock: hand.clock, onError: (error) => expect.fail(String(error)), ...option })
      .presence;
  return { ...hand, pubsub, open, one: open(options[0]), other: open(options[1]) };
};

describe("who is here in a house", () => {
  it("[PN27] says goodbye when the house closes, and tracks nobody any more", async () => {
    const { settle, one, other } = houses();
    const gone: string[] = [];
    other.tracker.onDiff(({ leaves }) => void gone.push(...leaves.map(({ key }) => key)));
    one.tracker.track("c:room", "socket", "ada", {});
    await settle();
    expect(other.tracker.count("c:room")).toBe(1);
    one.close();
    await settle();
    expect(gone).toEqual(["ada"]);
    expect(one.tracker.track("c:room", "socket", "ada", {})).toBe(false);
  });

  it("[PN25] says to the other nodes the widest of the spreads that its clients were told", async () => {
    const { advance, pubsub, one } = houses();
    const silences: unknown[] = [];
    pubsub.subscribe("presence:house", (said) => silences.push((said as { silence: number }).silence));
    expect(one.spread).toBe(0);
    one.spreadBy(() => 1_000);
    one.spreadBy(() => 25_000);
    expect(one.spread).toBe(25_000);
    one.tracker.track("s:board", "client", "ada", {});
    await advance(3_000);
    expect(new Set(silences)).toEqual(new Set([25_000]));
  });

  it("[PN28] ends the members of a node's earlier life when it begins again under its name", async () => {
    const { advance, open, one, other } = houses({ nodeName: "pod-1" }, { nodeName: "pod-2" });
    expect(other.tracker.nodes).toBe(0);
    one.tracker.track("c:room", "socket", "ada", {});
    await advance(10);
    expect(other.tracker.count("c:room")).toBe(1);
    // The first was killed: it says no goodbye.
    expect(open({ nodeName: "pod-1" }).tracker.count("c:room")).toBe(0);
    await advance(10);
    expect(other.tracker.count("c:room")).toBe(0);
  });

  it("[PN20] says nothing to anybody where nobody asks who is here", async () => {
    const { advance, pubsub } = houses();
    const said: unknown[] = [];
    pubsub.subscribe("presence:house", (one) => said.push(one));
    await advance(60_000);
    expect(said).toEqual([]);
  });
});
