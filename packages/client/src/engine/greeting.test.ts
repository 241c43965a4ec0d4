import { expect, test } from "vitest";
import { subscribed, testCore } from "../../test/core.ts";
import { connectedAs, items, messagesIn, settledFrame, turn } from "../../test/kit.ts";
import { dispatch } from "./dispatch.ts";
import { awaiting, connected, hello, ping, unsaid } from "./greeting.ts";
import { disconnected } from "./holding.ts";
import { receive } from "./incoming.ts";
import { stateOf } from "./state.ts";
import { retain } from "./subscriptions.ts";
import { targetOf } from "./targets.ts";

const added = (text: string) => ({ type: "added", text });

test("[CL1] [CL8] a Hello names who the client is, what it has subscribed and from where, and counts its attempts", async () => {
  const { core } = testCore();
  core.open = false;
  const first = hello(core, undefined);
  expect(first).toMatchObject({ type: "Hello", targets: [], attempt: [core.page, 1_000_001] });
  expect(first).not.toHaveProperty("identity");
  expect(first).not.toHaveProperty("token");
  core.open = true;
  const one = subscribed(core, "list:1", items(), 3);
  dispatch(core, "list:1", added("a"));
  await turn();
  retain(core, targetOf(core, "list:2"));
  const { ref } = one.subscription;
  disconnected(core, true);
  core.open = false;
  const again = hello(core, "t");
  expect(again).toMatchObject({
    identity: { clientId: "c1", secret: "secret of c1" },
    token: "t",
    attempt: [core.page, 1_000_002],
    targets: [
      { target: "list:1", cursor: { sequence: 3, mark: 30 }, settled: 0, sent: 1 },
      { target: "list:2", settled: 0, sent: 0 },
    ],
  });
  expect(again.targets[1]).not.toHaveProperty("cursor");
  expect(again.targets[0]!.ref).toBeGreaterThan(ref);
});

test("[CL20] what a Hello had no room for is subscribed behind Connected, once", () => {
  const { core, sent } = testCore();
  core.open = false;
  for (const key of ["list:1", "list:2"]) retain(core, targetOf(core, key));
  const said = hello(core, undefined);
  core.line = { send: (frames) => void (core.open && sent.push(...frames)), renew: () => {} };
  sent.length = 0;
  unsaid(core, said.targets.slice(1));
  expect(sent).toEqual([]);
  core.open = true;
  connected(core, connectedAs("c1"));
  expect(sent).toMatchObject([{ type: "Subscribe", target: "list:2" }]);
});

test("[CL37] what came to be wanted or unwanted after the Hello is said behind Connected", () => {
  const { core, sent, clock } = testCore({ linger: 0 });
  core.open = false;
  const release = retain(core, targetOf(core, "list:1"));
  const { ref } = hello(core, undefined).targets[0]!;
  release();
  return clock.advance(1).then(() => {
    retain(core, targetOf(core, "list:2"));
    sent.length = 0;
    core.open = true;
    connected(core, connectedAs("c1"));
    expect(sent).toMatchObject([
      { type: "Subscribe", target: "list:2" },
      { type: "Unsubscribe", target: "list:1", ref },
    ]);
  });
});

test("[CL11] what had left is sent again on the next connection, under the same mids", async () => {
  const { core, sent } = testCore();
  subscribed(core, "list:1", items());
  dispatch(core, "list:1", added("a"));
  await turn();
  const before = messagesIn(sent.splice(0));
  disconnected(core, false);
  connected(core, connectedAs("c1"));
  await turn();
  expect(messagesIn(sent)).toEqual(before);
});

test("[CL1] [OB8] under a fresh identity what may have been sent is unknown, and what never left is numbered anew", async () => {
  const { core, sent } = testCore();
  subscribed(core, "list:1", items());
  const left = dispatch(core, "list:1", added("a"));
  await turn();
  core.open = false;
  const waits = dispatch(core, "list:1", added("b"));
  await turn();
  sent.length = 0;
  core.open = true;
  connected(core, connectedAs("c2"));
  await turn();
  expect([left.state, waits.state]).toEqual(["unknown", "sent"]);
  await expect(left.applied).rejects.toMatchObject({ code: "client-expired", from: "calla" });
  expect(messagesIn(sent)).toMatchObject([{ mid: 1, id: waits.id, settled: 0 }]);
  expect(stateOf(core, targetOf(core, "list:1")).pending.map(({ id }) => id)).toEqual([waits.id]);
});

test("[CL8] [CL40] S41 to another user nothing goes, and nothing of the former is shown", async () => {
  const { core, sent } = testCore({ user: "anna" } as never);
  connected(core, connectedAs("c1", { userId: "anna" }));
  const one = subscribed(core, "list:1", items("anna's"));
  core.open = false;
  const write = dispatch(core, "list:1", added("b"));
  await turn();
  sent.length = 0;
  core.open = true;
  connected(core, connectedAs("c2", { userId: "bert" }));
  await turn();
  expect([messagesIn(sent), stateOf(core, one).model]).toEqual([[], undefined]);
  await expect(write.applied).rejects.toMatchObject({ code: "closed" });
});

test("[CL6] a Ping asks about what was answered and has a model, by its cursor; what waits for an answer is awaited", async () => {
  const { core } = testCore();
  subscribed(core, "list:1", items(), 4);
  expect([ping(core), awaiting(core)]).toEqual([{ type: "Ping", cursors: [["list:1", 4, 40]] }, false]);
  const other = targetOf(core, "list:2");
  retain(core, other);
  const all = { type: "Ping", cursors: [["list:1", 4, 40]] };
  expect([ping(core), awaiting(core)]).toEqual([all, true]);
  receive(core, settledFrame("list:2", other.subscription.ref));
  expect([ping(core), awaiting(core)]).toEqual([all, false]);
  const write = dispatch(core, "list:1", added("a"));
  await turn();
  expect(awaiting(core)).toBe(true);
  receive(core, { type: "Acknowledge", target: "list:1", mid: 1, id: write.id, sequence: 5 });
  expect(awaiting(core)).toBe(false);
});
