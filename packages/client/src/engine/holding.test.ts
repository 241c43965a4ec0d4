import { expect, test } from "vitest";
import { subscribed, testCore } from "../../test/core.ts";
import { items, messagesIn, turn } from "../../test/kit.ts";
import { dispatch } from "./dispatch.ts";
import { cancel, disconnected, listHeld, refused, retry, tooLarge } from "./holding.ts";
import type { Core, Dispatch } from "./records.ts";
import { stateOf } from "./state.ts";

const added = (text: string) => ({ type: "added", text });
function begun() {
  const all = testCore();
  const one = subscribed(all.core, "list:1", items());
  return { ...all, one };
}
const entryOf = (core: Core, at = 0): Dispatch => core.queues.get("list:1")?.entries[at] as Dispatch;

/** What waits in "list:1" is alone on its way each time, on a connection that has answered and ends. */
async function cutUntilHeld({ core, clock }: ReturnType<typeof begun>): Promise<void> {
  for (let cut = 0; cut < 60 && core.held.size === 0; cut++) {
    disconnected(core, true);
    for (const entry of core.queues.get("list:1")!.entries) if (!entry.held) entry.stage = "stored";
    core.unsent.add(core.queues.get("list:1") as never);
    core.suspects.begin();
    for (let answer = 0; answer < 40; answer++) {
      core.suspects.answered();
      dispatch(core, "list:2", added("x")).cancel();
      await clock.advance(1_000);
    }
  }
}

test("[OB7] without a mid a cancelled one is as if it had never been; once sent it is too late", async () => {
  const { core, one, sent } = begun();
  const write = dispatch(core, "list:1", added("a"));
  expect(write.cancel()).toBe(true);
  expect([write.state, core.size, stateOf(core, one).pending]).toEqual(["cancelled", 0, []]);
  expect(write.cancel()).toBe(false);
  await turn();
  expect(messagesIn(sent)).toEqual([]);
  await expect(write.applied).rejects.toMatchObject({ code: "cancelled" });
  const late = dispatch(core, "list:1", added("b"));
  await turn();
  expect([late.cancel(), messagesIn(sent).length]).toEqual([false, 1]);
});

test("[OB13] a frame that was too large alone is given up: shown no more, its mid goes out as void", async () => {
  const { core, one, sent } = begun();
  dispatch(core, "list:1", added("a"));
  const next = dispatch(core, "list:1", added("b"));
  await turn();
  const [frame] = messagesIn(sent);
  sent.length = 0;
  if (frame) tooLarge(core, frame);
  await turn();
  expect(messagesIn(sent)).toMatchObject([{ mid: 1, messages: [] }]);
  expect(stateOf(core, one)).toMatchObject({ model: { items: ["b"] }, pending: [{ id: next.id }] });
});

test("[OB20] one that ends every connection is held, told once, listed, and leaves again by retry", async () => {
  const all = begun();
  const { core, sent, errors } = all;
  dispatch(core, "list:1", added("a"));
  await turn();
  const entry = entryOf(core);
  await cutUntilHeld(all);
  expect(errors).toMatchObject([{ code: "held", details: { target: "list:1", id: entry.id } }]);
  const listed = listHeld(core);
  expect(listed).toMatchObject([{ id: entry.id, state: "held" }]);
  expect(listHeld(core)).toBe(listed);
  sent.length = 0;
  expect([retry(core, entry), retry(core, entry)]).toEqual([true, false]);
  expect(listHeld(core)).toEqual([]);
  entry.held = true;
  core.held.add(entry);
  expect(cancel(core, entry)).toBe(true);
  expect([entry.messages, entry.dropped?.code, core.held.size]).toEqual([[], "cancelled", 0]);
});

test("[OB20] [OB40] the server's word about something that was sent counts where only one was on its way", () => {
  const { core } = begun();
  expect(refused(core, "too-deep")).toBe(false);
});

test("[OB20] [RB14] what stands behind a held one is not looked at in every turn: it is doubted anew when it leaves", async () => {
  const all = begun();
  const { core } = all;
  for (const text of ["a", "b", "c"]) dispatch(core, "list:1", added(text));
  await turn();
  const { entries } = core.queues.get("list:1")!;
  await cutUntilHeld(all);
  expect([core.held.size, core.suspects.busy]).toEqual([1, false]);
  expect(entries.map(({ cuts }) => cuts)).toEqual([0, 0, 0]);
  expect(retry(core, entryOf(core))).toBe(true);
  expect(core.suspects.busy).toBe(true);
});
