// What one client can make the server hold, and do.
import { describe, expect, it } from "vitest";
import { handClock } from "../../../test/wired.ts";
import { crashed, reply as replied, settled, talk } from "../../../test/phoenix-talk.ts";
import { createChannels, defineChannel, reply } from "../index.ts";
import type { ChannelRefusal, ChannelsOptions } from "../index.ts";

const room = defineChannel("room:*");

describe("a message's ref", () => {
  it.each([["x".repeat(1_025)], [["x".repeat(1_021)]], [{ a: "x".repeat(1_017) }]])(
    "[MS35] of more than 1,024 units is refused, for the channel would keep it",
    (ref) => {
      const refusals: ChannelRefusal[] = [];
      let handled = 0;
      const onRefused = (refusal: ChannelRefusal) => void refusals.push(refusal);
      const client = talk(createChannels({ onRefused }).register(room.handleIn("ask", () => void handled++)));
      client.join("room:1");
      const whole = "x".repeat(1_024);
      expect(client.say(["1", whole, "room:1", "ask", {}])).toEqual([]);
      expect(client.say(["1", ref, "room:1", "ask", {}])).toEqual([
        replied("1", ref, "room:1", "error", { reason: "too long" }),
      ]);
      expect([handled, refusals.map(({ code }) => code)]).toEqual([1, ["malformed"]]);
    },
  );
});

describe("raw binary frames", () => {
  const raw = (limits: ChannelsOptions<object>["limits"]) => {
    const hand = handClock();
    const refusals: ChannelRefusal[] = [];
    const client = talk(
      createChannels({
        clock: hand.clock,
        rawBinary: true,
        limits: limits!,
        onRefused: (refusal) => void refusals.push(refusal),
      }).register(room.handleBinary((_, socket) => reply({ at: socket.topic }))),
    );
    return { client, hand, refusals };
  };
  const frame = new Uint8Array([1]);

  it("[MS26] [MS33] pay for messages like others", async () => {
    const { client, hand, refusals } = raw({ messageRate: 1, messageBurst: 3 });
    client.join("room:1");
    expect([1, 2, 3].map(() => client.say(frame).length)).toEqual([1, 1, 0]);
    expect(refusals).toMatchObject([{ code: "rate", details: { rate: "messageRate" } }]);
    await hand.advance(1_000);
    expect(client.say(frame)).toHaveLength(1);
  });
  it("[MS26] [MS33] pay for each topic that takes them", () => {
    const { client, refusals } = raw({ channelRate: 1, channelBurst: 2 });
    client.join("room:1");
    client.say(frame);
    client.join("room:2", "2");
    expect([1, 2, 3].map(() => client.say(frame).length)).toEqual([2, 1, 0]);
    expect(refusals.map(({ topic }) => topic)).toEqual(["room:1", "room:1", "room:2"]);
  });
});

it("[BC18] handleOut that gives a promise ends its channel with a sentence, and its rejection is reported", async () => {
  const errors: unknown[] = [];
  const async = room.handleOut("said", (async () => {
    throw new Error("late");
  }) as never);
  const channels = createChannels({
    onError: (error) => void errors.push(error),
  })
    .register("room:async", async)
    .register(room);
  const [ada, bob] = [talk(channels), talk(channels)];
  ada.join("room:async");
  bob.join("room:async");
  ada.take();
  channels.broadcast("room:async", "said", {});
  expect([ada.take(), bob.take().length]).toEqual([[crashed("1", "room:async")], 1]);
  await settled();
  expect(errors.map(String).filter((text) => text.includes("late"))).toHaveLength(2);
  expect(String(errors[0])).toContain("Await before the broadcast");
});
