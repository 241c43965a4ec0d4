import { expect, it } from "vitest";
import { overLongPoll } from "./over-longpoll.ts";

it("turns a conversation over, and refuses what belongs to a WebSocket", () => {
  const steps = [
    { do: "upgrade", path: "/socket/websocket?vsn=2.0.0", who: "a" },
    { hear: "upgraded", headers: {}, who: "a" },
    { do: "text", text: "[]", who: "a" },
  ] as const;
  const turned = overLongPoll({ scenario: "s", about: "", steps, or: [steps] });
  const path = "/socket/longpoll?vsn=2.0.0";
  expect(turned).toMatchObject({
    scenario: "s over LongPoll",
    steps: [{ do: "longpoll", path, who: "a" }, {}, { do: "text" }],
    or: [[{ do: "longpoll" }, {}, {}]],
  });
  expect(() => overLongPoll({ scenario: "s", about: "", steps: [{ do: "close" }] })).toThrow(
    's cannot be had over LongPoll: "close" belongs to a WebSocket.',
  );
});
