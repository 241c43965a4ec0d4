import { expect, test } from "vitest";
import { subscribed, testCore } from "../../test/core.ts";
import { items, messagesIn, turn } from "../../test/kit.ts";
import { dispatch } from "./dispatch.ts";

const added = (text: string) => ({ type: "added", text });

test("[RB1] [OB1] a dispatch is shown at once and leaves with the turn, several of one call with one mid", async () => {
  const { core, sent } = testCore();
  const one = subscribed(core, "list:1", items());
  sent.length = 0;
  dispatch(core, "list:1", [added("a"), added("b")]);
  expect(one.replica.visible).toMatchObject({ items: ["a", "b"] });
  expect(sent).toEqual([]);
  await turn();
  expect(messagesIn(sent)).toMatchObject([{ mid: 1, settled: 0, messages: [added("a"), added("b")] }]);
});

test("[OB5] [RB1] what cannot be dispatched throws before anything has happened", () => {
  const { core } = testCore({ maxPending: 1 });
  const one = subscribed(core, "list:1", items());
  const refused = (input: unknown, code: string): void =>
    expect(() => dispatch(core, "list:1", input)).toThrow(expect.objectContaining({ code }));
  refused([], "invalid");
  refused({ type: "added", text: 7 }, "invalid");
  refused({ type: "cleared" }, "invalid");
  expect([core.size, one.replica.count]).toEqual([0, 0]);
  dispatch(core, "list:1", added("a"));
  refused(added("b"), "queue-full");
  expect([core.size, one.replica.count]).toEqual([1, 1]);
  expect(() => dispatch(core, "nothing:1", added("a"))).toThrow(expect.objectContaining({ code: "topic" }));
});

test("[OB21] what no server takes is refused; a server's own word counts", () => {
  const { core } = testCore();
  subscribed(core, "list:1", items());
  core.taken = { ...core.taken, maxFrameBytes: 80, surely: 20 };
  expect(() => dispatch(core, "list:1", added("x".repeat(20)))).toThrow(
    expect.objectContaining({ code: "too-large", details: { maxFrameBytes: 80 } }),
  );
  expect(core.size).toBe(0);
});

test("[RB12] a dispatch's time never goes back behind the last one known of its target", () => {
  const { core, clock } = testCore();
  const one = subscribed(core, "list:1", items());
  one.at = clock.now() + 500;
  dispatch(core, "list:1", { type: "stamped" });
  expect(one.replica.visible).toMatchObject({ stamp: clock.now() + 500 });
});

test("[RB4] a prediction that throws is reported once and sent all the same", async () => {
  const { core, sent, errors } = testCore();
  const one = subscribed(core, "list:1", items("bad"));
  dispatch(core, "list:1", { type: "exploded", when: "bad" });
  await turn();
  expect(errors).toMatchObject([{ message: expect.stringContaining("boom") as string }]);
  expect(one.state.pending).toMatchObject([{ skipped: { code: "update-threw" } }]);
  expect(messagesIn(sent)).toHaveLength(1);
});
