// One message's trip: dispatch, frames, confirmed, listeners.
import { expect, test } from "vitest";
import { giveSnapshot, handshake, items, list, messagesIn, setUp, turn, updateFrame } from "./kit.ts";

test("[RB3] [OB1] a dispatch is shown at once, sent when durable, confirmed by its own record", async () => {
  const setup = setUp();
  const { client } = setup;
  const topic = client.topic(list, "1");
  const seen: unknown[] = [];
  topic.onChange(({ status, model, pending }) => seen.push([status, model?.items, pending.length]));
  const connection = await handshake(setup);
  expect(connection.last("Hello").targets).toEqual([
    { target: "list:1", ref: expect.any(Number), settled: 0, sent: 0 },
  ]);
  expect(topic.state.status).toBe("loading");
  await giveSnapshot(connection, "list:1", 3, items("x"));
  expect(topic.state).toMatchObject({ status: "live", model: items("x") });

  const write = topic.dispatch({ type: "added", text: "y" });
  expect(topic.state.model).toEqual(items("x", "y"));
  expect(write.state).toBe("pending");
  await write.queued;
  await turn();
  expect(write.state).toBe("sent");
  expect(messagesIn(connection.sent)).toEqual([
    {
      type: "TopicMessage",
      target: "list:1",
      mid: 1,
      id: write.id,
      settled: 0,
      messages: [{ type: "added", text: "y" }],
    },
  ]);
  const shown = topic.state.model;
  connection.say(updateFrame("list:1", 3, [["c1", 1, write.id, { type: "added", text: "y" }]]));
  await expect(write.applied).resolves.toEqual({ sequence: 4, messages: [{ type: "added", text: "y" }] });
  expect(write.state).toBe("applied");
  expect(topic.state.model).toBe(shown);
  expect(topic.state.pending).toEqual([]);
  expect(seen).toEqual([
    ["live", ["x"], 0],
    ["live", ["x", "y"], 1],
    ["live", ["x", "y"], 0],
  ]);
  topic.dispatch({ type: "added", text: "z" });
  await turn();
  expect(messagesIn(connection.sent).at(-1)).toMatchObject({ mid: 2, settled: 1 });
  expect(setup.errors).toEqual([]);
});
