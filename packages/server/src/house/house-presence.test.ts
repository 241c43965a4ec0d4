import { describe, expect, it, vi } from "vitest";
import { handClock } from "../../test/wired.ts";
import { localPubSub } from "../cluster/pubsub.ts";
import { PresenceState } from "../presence/state/presence-state.ts";
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

  it("[PN50] begins anew: who tracked tracks again, who listens goes on listening, and the tracker is the same", async () => {
    const { settle, one, other } = houses();
    const told: string[][] = [];
    const { tracker } = other;
    one.onRestart(() => void one.tracker.track("c:room", "socket", "ada", {}));
    const undo = one.onRestart(() => expect.fail("it was taken away"));
    undo();
    one.tracker.track("c:room", "socket", "ada", {});
    await settle();
    other.tracker.onDiff(({ joins, leaves }) => void told.push([...joins, ...leaves].map(({ key }) => key)));
    one.restart();
    other.restart();
    await settle();
    expect(other.tracker).toBe(tracker);
    expect(told).toEqual([["ada", "ada"]]);
    expect(other.tracker.count("c:room")).toBe(1);
  });

  it("[PN51] a failure goes to those who see to it, and is reported where nobody does", async () => {
    const { clock, settle, advance } = handClock();
    const errors: unknown[] = [];
    const boom = new Error("boom");
    const pubsub = localPubSub();
    const open = () => openHouse({ pubsub, clock, onError: (error) => void errors.push(error) }).presence;
    const [one, other] = [open(), open()];
    expect(one.tracker.nodes).toBe(0);
    const merging = vi.spyOn(PresenceState.prototype, "merge").mockImplementation(() => {
      throw boom;
    });
    try {
      const failures: unknown[] = [];
      const undo = one.onFailure((error) => void failures.push(error));
      other.tracker.track("c:room", "socket", "ada", {});
      await settle();
      expect([failures, errors]).toEqual([[boom], []]);
      undo();
      other.tracker.untrackAll("socket");
      await advance(100);
      expect(failures).toEqual([boom]);
      expect(errors).toContain(boom);
    } finally {
      merging.mockRestore();
    }
  });
});
