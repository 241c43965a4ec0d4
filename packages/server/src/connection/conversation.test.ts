// One conversation by itself: its states, its end, and what bytes say.
import { DEFAULT_LIMITS } from "@calla/shared";
import type { ClientFrame } from "@calla/shared";
import { describe, expect, test } from "vitest";
import { parts } from "../../test/parts.ts";
import { hello, say, subscribe } from "../../test/wired.ts";
import { allowed, isOutside, read } from "./conversation.ts";
import type { Conversation } from "./conversation.ts";

const turn = { order: 1, attempt: undefined };

describe("a conversation's life", () => {
  test("what is known in one state is not there in another: who it is only once it is let in, and still when it is over", () => {
    const { conversation } = parts().talk();
    const who = ({ clientId, userId, phase }: Conversation) => ({ clientId, userId, phase });
    expect(who(conversation)).toEqual({ clientId: "", userId: null, phase: "waiting" });
    conversation.user = { id: "nobody is here yet" };
    expect(conversation.user).toBeNull();
    conversation.greets(turn);
    expect(who(conversation)).toEqual({ clientId: "", userId: null, phase: "greeting" });
    conversation.opens({ ...turn, clientId: "c", user: { id: "anna" }, since: 3 });
    conversation.user = { id: "bert" };
    expect(who(conversation)).toEqual({ clientId: "c", userId: "bert", phase: "open" });
    conversation.closes("slow");
    expect(who(conversation)).toEqual({ clientId: "c", userId: "bert", phase: "closed" });
  });

  test("the first end counts, whoever comes second", () => {
    const { talk, ended } = parts();
    const { conversation, frames, closed } = talk();
    conversation.greets(turn);
    conversation.end("rate", 500);
    conversation.end("slow");
    conversation.finish();
    conversation.gone();
    expect(conversation.closes()).toEqual({ phase: "closed", was: undefined, code: "rate", within: 500 });
    expect(frames).toEqual([{ type: "Closing", code: "rate", retryable: true, within: 500 }]);
    expect(closed).toEqual([{ code: 4001, reason: "rate" }]);
    expect(ended.length).toBeGreaterThan(0);
  });

  test("an end that is for good has another close code than one that may be retried", () => {
    const { talk } = parts();
    const closes = [true, false].map((retryable) => {
      const { conversation, closed } = talk();
      conversation.end({ code: "version", retryable });
      return closed[0]!.code;
    });
    expect(closes).toEqual([4001, 4002]);
  });

  test("is sent nothing once it is over", () => {
    const { conversation, frames } = parts().talk();
    conversation.gone();
    conversation.send({ type: "Pong" });
    conversation.end("slow");
    expect(frames).toEqual([]);
  });

  test("a socket that throws is reported and ends it, also where its close throws too", () => {
    const { talk, errors, ended } = parts();
    const { conversation, socket, closed } = talk();
    socket.broken = true;
    conversation.send({ type: "Pong" });
    expect(conversation.phase).toBe("closed");
    expect(closed).toEqual([{ code: 4001, reason: "transport" }]);
    expect(ended).toContain(conversation);
    expect(errors).toHaveLength(2); // the frame, and the last word
    conversation.send({ type: "Pong" });
    expect(errors).toHaveLength(2);
  });

  test("[CV12] its keeper hears of each frame that leaves more unwritten than it may, and of none after its end", () => {
    const { talk, full } = parts();
    const { conversation, socket } = talk(100);
    socket.buffered = 100;
    conversation.send({ type: "Pong" });
    expect(full).toEqual([]);
    socket.buffered = 101;
    conversation.send({ type: "Pong" });
    conversation.send({ type: "Pong" });
    expect(full).toEqual([101, 101]);
    conversation.end("slow");
    expect(full).toEqual([101, 101]);
  });

  test("[TE5] a target that it may say no more to is its own: the second one, too, and nobody else's", () => {
    const { talk } = parts();
    const [one, other] = [talk().conversation, talk().conversation];
    one.refuseFurther("list:1");
    one.refuseFurther("list:2");
    one.refuseFurther("list:1");
    expect(["list:1", "list:2", "list:3"].map((key) => one.refusesFurther(key))).toEqual([true, true, false]);
    expect(one.conflicts).toBe(2);
    expect([other.conflicts, other.refusesFurther("list:1")]).toEqual([0, false]);
  });

  test("nobody writes from outside what it is, whom it is counted for, or how it ended; other parts keep what is theirs", () => {
    const conversation = parts().talk().enter("c");
    const { membership } = conversation;
    for (const [of, name] of [
      [membership, "party"],
      [membership, "share"],
      [conversation, "state"],
      [conversation, "phase"],
      [conversation, "clientId"],
      [conversation, "conflicts"],
      [conversation, "address"],
    ] as const)
      expect(() => Object.assign(of, { [name]: undefined }), name).toThrow(TypeError);
    // A field that is added here is written by somebody: by whom, conversation.ts says beside each of these.
    expect(Object.keys(conversation).toSorted()).toEqual([
      "access",
      "authenticating",
      "connection",
      "encoder",
      "farewell",
      "leaving",
      "membership",
      "request",
      "sentTo",
      "speaker",
      "stream",
      "subscriptions",
    ]);
  });

  test("its records share one author", () => {
    const conversation = parts().talk().enter("c", { id: "anna" });
    expect(conversation.author).toEqual({ clientId: "c", userId: "anna" });
    expect(conversation.author).toBe(conversation.author);
  });
});

describe("what bytes say", () => {
  const { context } = parts();
  const encoder = context.encoders[0]!;
  const said = (frames: unknown) => read(encoder, JSON.stringify(frames), DEFAULT_LIMITS);

  test("one frame or many, in order", () => {
    const ping: ClientFrame = { type: "Ping", cursors: [] };
    expect(said(ping)).toEqual({ ok: true, frames: [ping] });
    expect(said([hello(), subscribe("list:1"), ping])).toMatchObject({
      ok: true,
      frames: [{ type: "Hello" }, { type: "Subscribe" }, { type: "Ping" }],
    });
    expect(said([])).toEqual({ ok: true, frames: [] });
  });

  test("[CV3] one frame that is none spoils its packet, wherever it stands", () => {
    const bad = { type: "Ping" };
    for (const frames of [bad, [bad], [hello(), bad], [bad, hello()], null, 7, "Ping", [[hello()]]])
      expect(said(frames), JSON.stringify(frames)).toMatchObject({ ok: false, code: "protocol" });
    expect(read(encoder, "{", DEFAULT_LIMITS)).toMatchObject({ ok: false, code: "undecodable" });
    expect(read(encoder, JSON.stringify(hello()), { ...DEFAULT_LIMITS, maxFrameBytes: 10 })).toMatchObject({
      ok: false,
      code: "too-large",
    });
  });

  test("[CV3] a name of 256 characters is taken and one of 257 is not, in every frame that has one", () => {
    const long = (length: number) => "n".repeat(length);
    const one = (target: string) => ({ target, ref: 1, settled: 0, sent: 0 });
    const frames = (name: string) => [
      subscribe(name),
      say(name, 1, {}),
      { type: "Unsubscribe", target: name, ref: 1 },
      { type: "Resync", targets: [one("list:1"), one(name)] },
      {
        type: "Ping",
        cursors: [
          ["list:1", 0, 0],
          [name, 0, 0],
        ],
      },
      hello({ targets: [one("list:1"), one(name)] }),
      hello({ identity: { clientId: name, secret: "s" } }),
      hello({ identity: { clientId: "c", secret: name } }),
    ];
    for (const frame of frames(long(256)))
      expect(said(frame), JSON.stringify(frame)).toMatchObject({ ok: true });
    for (const frame of frames(long(257)))
      expect(said(frame), JSON.stringify(frame)).toMatchObject({ ok: false, code: "protocol" });
  });
});

test("[CV2] Hello is said once and first, everything else after it, and nothing before it is answered or after the end", () => {
  const ping: ClientFrame = { type: "Ping", cursors: [] };
  const phases = ["waiting", "greeting", "open", "closed"] as const;
  expect(phases.map((phase) => allowed(phase, hello()))).toEqual([true, false, false, false]);
  expect(phases.map((phase) => allowed(phase, ping))).toEqual([false, false, true, false]);
  expect(phases.map((phase) => isOutside({ phase }))).toEqual([true, true, false, false]);
});
