// Work that is done step by step: a packet's frames, requests to subscribe, one thing.
import type { ClientFrame, Subscription } from "@calla/shared";
import { describe, expect, test } from "vitest";
import { parts } from "../../test/parts.ts";
import { hello, subscribe } from "../../test/wired.ts";
import { IncomingPacket, newest, SingleTask, SubscribeRequests } from "./incoming.ts";
import type { Conversation } from "./conversation.ts";

const ping: ClientFrame = { type: "Ping", cursors: [] };
const asked = (target: string, ref: number): Subscription => ({ target, ref, settled: 0, sent: 0 });

/** A packet of a connection in some state, and the frames that were taken of it. */
function packet(
  data: unknown,
  { open = true, hear }: { open?: boolean; hear?: (one: Conversation) => void } = {},
) {
  const it = parts();
  const talk = it.talk();
  if (open) talk.enter("c");
  const heard: string[] = [];
  const handler = {
    context: it.context,
    outside: { ...it.context.limits, maxFrameBytes: 500 },
    hear(conversation: Conversation, frame: ClientFrame) {
      heard.push(frame.type);
      hear?.(conversation);
    },
  };
  const text = typeof data === "string" ? data : JSON.stringify(data);
  const work = new IncomingPacket(handler, talk.conversation, text);
  return { ...it, ...talk, work, heard, text };
}

describe("a packet", () => {
  test("is taken frame by frame, and says with its last one that there is no more", () => {
    const { work, heard } = packet([ping, subscribe("list:1"), ping]);
    expect([work.step(), work.step(), work.step()]).toEqual([true, true, false]);
    expect(heard).toEqual(["Ping", "Subscribe", "Ping"]);
    expect(work.step()).toBe(false);
    expect(heard).toHaveLength(3);
  });

  test("weighs what its bytes are and something for itself; one without frames is over at once", () => {
    const { work, text } = packet([]);
    expect(work.bytes).toBeGreaterThan(text.length);
    expect(work.step()).toBe(false);
  });

  test("[CV2] with a Hello holds nothing else, before or behind it", () => {
    for (const frames of [
      [hello(), ping],
      [hello(), hello()],
      [ping, hello()],
    ]) {
      const { work, heard, frames: sent, refusals } = packet(frames, { open: false });
      expect(work.step()).toBe(false);
      expect(heard).toEqual([]);
      expect(sent).toMatchObject([{ type: "Closing", code: "protocol", retryable: false }]);
      expect(refusals).toMatchObject([{ code: "protocol", clientId: undefined }]);
    }
  });

  test("[CV2] a second Hello, behind what was taken already, ends the connection there", () => {
    const { work, heard, conversation } = packet([ping, hello(), ping]);
    expect([work.step(), work.step()]).toEqual([true, false]);
    expect(heard).toEqual(["Ping"]);
    expect(conversation.phase).toBe("closed");
  });

  test("[CV2] what stands behind the frame that ended the connection is not taken", () => {
    const { work, heard } = packet([ping, ping], { hear: (one) => one.end("rate") });
    expect(work.step()).toBe(true);
    expect(work.step()).toBe(false);
    expect(heard).toEqual(["Ping"]);
  });

  test("[CV3] of unreadable bytes ends the connection for good, with the reason recorded", () => {
    const { work, frames, refusals } = packet("{");
    expect(work.step()).toBe(false);
    expect(frames).toMatchObject([{ type: "Closing", code: "undecodable", retryable: false }]);
    expect(refusals).toMatchObject([
      { code: "undecodable", clientId: "c", details: { error: expect.any(String) } },
    ]);
  });

  test("[CL20] that is too large may be said in parts only by who has not been let in: a Hello", () => {
    const large = [{ ...ping, cursors: Array.from({ length: 40 }, (_, i) => [`list:${i}`, 0, 0]) }];
    const outside = packet(large, { open: false });
    outside.work.step();
    expect(outside.frames).toMatchObject([{ code: "too-large", retryable: true }]);
    const inside = packet(large);
    expect(inside.work.step()).toBe(false);
    expect([inside.frames, inside.heard]).toEqual([[], ["Ping"]]);
  });
});

describe("requests to subscribe", () => {
  test("are made one by one; once all were, whoever waits gets the answers in their order", async () => {
    const requests = [asked("list:1", 1), asked("list:2", 2), asked("list:3", 3)];
    const made: string[] = [];
    const answers: (Promise<void> | undefined)[][] = [];
    const later = Promise.resolve();
    const work = new SubscribeRequests(
      requests,
      ({ target }) => (made.push(target), target === "list:2" ? later : undefined),
      (all) => void answers.push([...all]),
    );
    expect([work.step(), work.step()]).toEqual([true, true]);
    expect(answers).toEqual([]);
    expect(work.step()).toBe(false);
    expect(made).toEqual(["list:1", "list:2", "list:3"]);
    expect(answers).toEqual([[undefined, later, undefined]]);
  });

  test("of none is over at once, and nobody waits for ever", () => {
    let over = 0;
    const nothing = (): undefined => undefined;
    expect(new SubscribeRequests([], nothing, () => void over++).step()).toBe(false);
    expect(over).toBe(1);
  });

  test("[LM13] of several for one target the newest is left, in whichever order they stand, at the place of the first", () => {
    const many = [asked("a", 1), asked("b", 5), asked("a", 3), asked("b", 4), asked("a", 2)];
    expect(newest(many)).toEqual([asked("a", 3), asked("b", 5)]);
    expect(newest([asked("a", 1)])).toEqual([asked("a", 1)]);
    expect(newest([])).toEqual([]);
    const same = newest([asked("a", 2), { ...asked("a", 2), sent: 7 }]);
    expect(same).toEqual([{ ...asked("a", 2), sent: 7 }]);
  });
});

test("one thing is done once for each step", () => {
  let done = 0;
  const work = new SingleTask(() => void done++);
  expect(work.step()).toBe(false);
  expect(done).toBe(1);
});
