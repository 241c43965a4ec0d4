import { describe, expect, test } from "vitest";
import { Conversation } from "../connection/conversation.ts";
import type { LiveTarget } from "./live-target.ts";
import { sendOutcome } from "./send-outcome.ts";

type Told = Parameters<typeof sendOutcome>[2];
const live = { key: "@ann", wire: "@" } as unknown as LiveTarget;
const of = (outcome: object): Told => ({ mid: 3, id: "ann-3", ...outcome }) as Told;

describe("to a client", () => {
  /** A conversation, and the frames that it was given. */
  function heard(outcome: object) {
    const frames: unknown[] = [];
    const nothing = {} as never;
    const conversation = new Conversation(nothing, nothing, nothing, nothing, undefined);
    conversation.send = (frame) => void frames.push(frame);
    sendOutcome(conversation, live, of(outcome));
    return { frames, conversation };
  }

  test("each outcome is one frame that names the target as the wire does", () => {
    const frame = { target: "@", mid: 3, id: "ann-3" };
    expect(heard({ type: "applied", sequence: 7 }).frames).toEqual([
      { type: "Acknowledge", ...frame, sequence: 7 },
    ]);
    const messages = [{ type: "added" }];
    expect(heard({ type: "applied", sequence: 7, messages }).frames).toMatchObject([{ messages }]);
    const rejection = { from: "app", code: "full", details: { most: 3 } };
    expect(heard({ type: "rejected", ...rejection }).frames).toEqual([
      { type: "Rejected", ...frame, ...rejection },
    ]);
  });

  test("a pause says from which message on, and after how long it is worth sending again", () => {
    const waits = ["gap", "busy", "storage", "in-flight", "draining", "version"].map(
      (code) => heard({ type: "pause", from: 2, code }).frames[0],
    );
    expect(waits).toMatchObject(
      [0, 200, 1_000, 0, 1_000, 5_000].map((retryAfter) => ({ type: "Paused", from: 2, retryAfter })),
    );
  });

  test("[TE5] a mid's conflict is remembered of its conversation, by the target's own key", () => {
    const { frames, conversation } = heard({ type: "mid-conflict" });
    expect(frames).toMatchObject([{ type: "Rejected", from: "calla", code: "mid-conflict" }]);
    expect(conversation.refusesFurther("@ann")).toBe(true);
    expect(conversation.refusesFurther("@")).toBe(false);
  });

  test("an unknown outcome is no frame: its row knows", () => {
    expect(heard({ type: "unknown" }).frames).toEqual([]);
  });
});

describe("to a call of the server's own", () => {
  /** The call's end: the sequence, or its error. */
  function ended(outcome: object): unknown {
    const ends: unknown[] = [];
    const call = {
      settle: (sequence: number) => ends.push(sequence),
      fail: (error: unknown) => ends.push(error),
    };
    sendOutcome(call as unknown as Parameters<typeof sendOutcome>[0], live, of(outcome));
    expect(ends).toHaveLength(1);
    return ends[0];
  }

  test("an applied one ends it with its sequence", () => {
    expect(ended({ type: "applied", sequence: 7 })).toBe(7);
  });

  test.each([
    [{ type: "rejected", from: "app", code: "full", details: { most: 3 } }, "rejected"],
    [{ type: "unknown" }, "storage"],
    [{ type: "pause", from: 1, code: "busy" }, "storage"],
    [{ type: "pause", from: 1, code: "draining" }, "closed"],
    [{ type: "pause", from: 1, code: "version" }, "version"],
    [{ type: "mid-conflict" }, "protocol"],
  ])("any other ends it with an error that has a code: %j", (outcome, code) => {
    expect(ended(outcome)).toMatchObject({ code });
  });

  test("a rejection's error has what the app gave", () => {
    const rejection = { from: "app", code: "full", details: { most: 3 } };
    expect(ended({ type: "rejected", ...rejection })).toMatchObject({ details: rejection });
  });
});
