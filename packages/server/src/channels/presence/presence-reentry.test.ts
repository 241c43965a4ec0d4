// Presence where the app's own code, as it is called, ends or changes what is being tracked or told, and where channels
// end beneath a server that goes on.
import { describe, expect, it } from "vitest";
import { diff, metas, nodes, room, say, state, TOPIC, track } from "../../../test/presence-talk.ts";
import { handClock, wire } from "../../../test/wired.ts";
import { houseOf } from "../../house/house.ts";
import { createChannels, defineChannel, joined, reply } from "../index.ts";
import type { JsonObject } from "../index.ts";

const any = expect.any(String) as unknown as string;

describe("who hears of a join ends it", () => {
  it("[CP6] a client that is disconnected as it is tracked is not tracked, now and when the tracker begins anew", async () => {
    const ids: string[] = [];
    const channel = defineChannel("room:*")
      .join(({ socket }) => joined({ me: socket.id }))
      .presence({ key: ({ socketId }) => socketId, state: false })
      .handleIn("come", (_, { presence, socketId }) => {
        ids.push(socketId);
        return reply({ ref: presence.track({}) });
      });
    const { channels, join, settle, tracker } = nodes({
      channel,
      besideServers: true,
    });
    channels.presence.onDiff(({ joins }) => {
      if (joins.size > 0) client.gone();
    });
    const client = await join();
    say(client, "come");
    await settle();
    expect([ids.length, channels.presence.count(TOPIC)]).toEqual([1, 0]);
    tracker!.restart();
    expect(channels.presence.count(TOPIC)).toBe(0);
  });
  it("[CP24] a holder of the app's that is untracked as it is tracked is not tracked, and may be again", () => {
    const { presence } = nodes().channels;
    const stop = presence.onDiff(({ joins }) => {
      if (joins.size > 0) presence.untrack(TOPIC, "bot", "ada");
    });
    expect(presence.track(TOPIC, "bot", "ada", {})).toBe("");
    expect(presence.count(TOPIC)).toBe(0);
    stop();
    expect(presence.track(TOPIC, "bot", "ada", {})).toEqual(any);
    presence.untrackAll("bot");
    expect(presence.count(TOPIC)).toBe(0);
  });
  it("[CP10] what makes the next meta may end it", () => {
    const { presence } = nodes().channels;
    presence.track(TOPIC, "bot", "ada", { v: 1 });
    const untracks = (before: JsonObject): JsonObject => {
      presence.untrack(TOPIC, "bot", "ada");
      return before;
    };
    expect(presence.update(TOPIC, "bot", "ada", untracks as never)).toBe("");
    expect(presence.track(TOPIC, "bot", "ada", { v: 2 })).toEqual(any);
    expect(presence.getByKey(TOPIC, "ada")).toEqual([{ v: 2, phx_ref: any }]);
  });
  it("[CP29] what a meta's own JSON does to its client's channel ends it", async () => {
    const client: { gone?: () => void } = {};
    const channel = defineChannel("room:*")
      .presence({ state: false })
      .handleIn("come", (_, { presence }) => {
        presence.track("ada", { toJSON: () => (client.gone!(), {}) } as never);
      });
    const { channels, join, settle } = nodes({ channel });
    const ada = await join();
    client.gone = () => ada.gone();
    say(ada, "come");
    await settle();
    expect(channels.presence.count(TOPIC)).toBe(0);
  });
  it.each([["a text"], [[1]], [null], [undefined]])(
    "[CP23] a meta that writes itself as %j is refused",
    (as) => {
      const { presence } = nodes().channels;
      expect(() => presence.track(TOPIC, "bot", "ada", { toJSON: () => as } as never)).toThrow(
        expect.objectContaining({ code: "invalid" }) as Error,
      );
      expect(presence.count(TOPIC)).toBe(0);
    },
  );
});

describe("[CP20] what a client's handleOut does is told behind what it hears, to all", () => {
  const touchy = (event: "presence_diff" | "presence_count", does: "update" | "list") => {
    let once = true;
    return defineChannel("room:*")
      .presence({ state: false })
      .handleIn("track", (said, { presence }) => {
        const { key, meta } = said as { key: string; meta: JsonObject };
        return reply({ ref: presence.track(key, meta) });
      })
      .handleOut(event, (told, { presence }) => {
        if (once) {
          once = false;
          if (does === "update") presence.update("ada", { v: 2 });
          presence.pushState();
        }
        return told;
      });
  };
  it("a diff", async () => {
    const { join, settle } = nodes({
      channel: touchy("presence_diff", "update"),
    });
    const [ada, bob] = [await join(), await join()];
    const ref = track(ada, "ada", { v: 1 });
    await settle();
    const second = metas({ v: 2, phx_ref: any, phx_ref_prev: ref });
    const diffs = [
      diff({ ada: metas({ v: 1, phx_ref: ref }) }),
      diff({ ada: second }, { ada: metas({ v: 1, phx_ref: ref }) }),
    ];
    // Who changes it hears what it is given, as a push of its own.
    const told = ada.take() as unknown[][];
    expect(told.map((frame) => frame.slice(3))).toEqual(
      [...diffs, state({ ada: second })].map((frame) => (frame as unknown[]).slice(3)),
    );
    expect(bob.take().map((frame) => (frame as unknown[])[4])).toEqual(
      diffs.map((frame) => (frame as unknown[])[4]),
    );
  });
  it("a count", async () => {
    const limits = { maxPresenceList: 2 };
    const { channels, join, settle } = nodes({
      channel: touchy("presence_count", "list"),
      limits,
    });
    const ada = await join();
    for (let n = 0; n < 3; n++) channels.presence.track(TOPIC, "bot", `k${n}`, {});
    await settle();
    expect(ada.take().map((frame) => (frame as unknown[]).slice(3))).toEqual([
      ["presence_count", { count: 3 }],
      ["presence_count", { count: 3 }],
    ]);
  });
});

describe("[CP29] channels that stop beside a server that goes on", () => {
  it("take the app's holders with them, and leave no listener behind", async () => {
    const hand = handClock();
    const { server } = wire({}, hand);
    const tracker = houseOf(server)!.presence.tracker;
    const before = createChannels({ beside: server }).register(room);
    const heard: unknown[] = [];
    before.presence.onDiff((told) => void heard.push(told));
    before.presence.track(TOPIC, "bot", "ada", { life: 1 });
    await hand.settle();
    await before.stop();
    expect(tracker.count(`c:${TOPIC}`)).toBe(0);
    expect(before.presence.track(TOPIC, "bot", "ada", { life: 1 })).toBe("");
    const after = createChannels({ beside: server }).register(room);
    expect(after.presence.track(TOPIC, "bot", "ada", { life: 2 })).toEqual(any);
    heard.length = 0;
    tracker.restart();
    expect(after.presence.getByKey(TOPIC, "ada")).toEqual([{ life: 2, phx_ref: any }]);
    expect(heard).toEqual([]);
  });
});
