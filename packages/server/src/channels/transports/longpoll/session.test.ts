// What a session keeps, and who is told of it: polls in the hand.
import { describe, expect, it } from "vitest";
import { handClock } from "../../../../test/wired.ts";
import type { Connection, WireFrame } from "../../../base/connection.ts";
import type { Body } from "../../../transports/http/body.ts";
import type { HttpAnswer } from "../../../transports/http/request.ts";
import { Deadlines } from "./deadlines.ts";
import { Exchange } from "./exchange.ts";
import { PollSession } from "./session.ts";
import type { SessionLimits, Waiter } from "./session.ts";

class Poll extends Exchange {
  heard: { status: number; messages?: readonly string[] } | undefined;
  gone = false;
  constructor() {
    super({ method: "GET", url: "/", headers: {}, remoteAddress: undefined }, undefined);
  }
  get over(): boolean {
    return this.gone || this.heard !== undefined;
  }
  answer({ text }: HttpAnswer): void {
    if (this.over) throw new Error("answered twice, or to nobody");
    this.heard = JSON.parse(text) as { status: number };
  }
  body(): Promise<Body> {
    return Promise.reject(new Error("a GET has none"));
  }
  /** The peer goes; `told`: the system says so. */
  leave(told = true): void {
    this.gone = true;
    if (told) this.holder?.left(this);
  }
}

const frame = (text: string): WireFrame => ({ bytes: Buffer.from(text), text: true });
const WINDOW = 1_000;

function begun(more: { limits?: Partial<SessionLimits>; incoming?: (connection: Connection) => void } = {}) {
  const hand = handClock();
  const ends: { code: number | undefined; why: string | undefined }[] = [];
  const received: { bytes: number; unfinished: number }[] = [];
  let drains = 0;
  const report = (error: unknown): void => {
    throw error;
  };
  const windows = new Deadlines<Waiter>(hand.clock, WINDOW, (waiter) => waiter.due(), report);
  const session = new PollSession("T", 0, {
    windows,
    limits: { maxBufferedBytes: 100, maxBufferedFrames: 5, ...more.limits },
    strict: false,
    now: () => hand.clock.monotonic!(),
    report,
    ended: () => undefined,
  });
  session.start({
    incoming: () => more.incoming?.(session),
    received: (bytes, unfinished) => void received.push({ bytes, unfinished }),
    disconnect: (code, why) => void ends.push({ code, why }),
    drained: () => void drains++,
  });
  const poll = (): Poll => {
    const one = new Poll();
    session.poll(one);
    return one;
  };
  return { ...hand, session, ends, received, windows, poll, drains: () => drains };
}

describe("what waits for a poll", () => {
  it("[LP4] a waiting poll is answered at the end of the turn in which something came, not before", async () => {
    const { session, poll, settle, drains } = begun();
    const waiting = poll();
    session.send(frame("a"));
    expect(waiting.heard).toBeUndefined();
    expect(session.bufferedAmount()).toBe(1);
    await Promise.resolve();
    session.send(frame("b"));
    await settle();
    expect(waiting.heard).toMatchObject({ status: 200, messages: ["a", "b"] });
    expect([session.bufferedAmount(), session.flushed(), drains()]).toEqual([0, 2, 1]);
  });

  it("[LP5] all that waits is told by one poll, in order and as it was", async () => {
    const { session, poll } = begun();
    const said = ['["a\\"b"]', "ä€𝄞", "\u2028\n"];
    for (const text of said) session.send(frame(text));
    expect(poll().heard).toMatchObject({ status: 200, messages: said });
    expect(poll().heard).toBeUndefined();
  });

  it("[LP5] one frame that is said to many is told to each, and the next one is not taken for it", async () => {
    const shared = frame("shared");
    const [one, two] = [begun(), begun()];
    for (const { session } of [one, two]) session.send(shared);
    one.session.send(frame("own"));
    expect(one.poll().heard!.messages).toEqual(["shared", "own"]);
    expect(two.poll().heard!.messages).toEqual(["shared"]);
  });

  it("[LP35] a poll whose peer has gone takes nothing with it, whether or not the session knows", async () => {
    for (const told of [true, false]) {
      const { session, poll, settle } = begun();
      poll().leave(told);
      session.send(frame("a"));
      await settle();
      session.send(frame("b"));
      await settle();
      expect(poll().heard).toMatchObject({ messages: ["a", "b"] });
    }
  });

  it("[LP34] a poll that goes between what is said and the turn's end takes nothing with it", async () => {
    const { session, poll, settle } = begun();
    const waiting = poll();
    session.send(frame("a"));
    waiting.leave();
    await settle();
    expect(poll().heard).toMatchObject({ messages: ["a"] });
  });

  it("[LP20] the newer of two polls is told, and the older ends with its window", async () => {
    const { session, poll, settle, advance } = begun();
    const older = poll();
    await advance(300);
    const newer = poll();
    session.send(frame("a"));
    await settle();
    expect(newer.heard).toMatchObject({ messages: ["a"] });
    expect(older.heard).toBeUndefined();
    await advance(WINDOW - 300);
    expect(older.heard).toMatchObject({ status: 204 });
  });

  it("[LP20] where the newer has gone, the older that still waits is told", async () => {
    const { session, poll, settle } = begun();
    const older = poll();
    poll().leave(false);
    session.send(frame("a"));
    await settle();
    expect(older.heard).toMatchObject({ messages: ["a"] });
  });

  it("[LP46] a fifth poll of one session ends the oldest, so that nobody holds more", async () => {
    const { poll, windows } = begun();
    const polls = Array.from({ length: 6 }, poll);
    expect(polls.map(({ heard }) => heard?.status)).toEqual([
      204,
      204,
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
    expect(windows.size).toBe(4);
  });

  it("[LP47] more than may wait ends the session as slow, by its bytes or by its number", async () => {
    const byBytes = begun();
    byBytes.session.send(frame("x".repeat(60)));
    expect(byBytes.ends).toEqual([]);
    byBytes.session.send(frame("x".repeat(41)));
    expect(byBytes.ends).toEqual([{ code: 1013, why: "slow" }]);
    byBytes.session.send(frame("x"));
    expect(byBytes.session.bufferedAmount()).toBe(0);
    const byNumber = begun();
    for (let i = 0; i < 5; i++) byNumber.session.send(frame("x"));
    expect(byNumber.ends).toEqual([]);
    byNumber.session.send(frame("x"));
    expect(byNumber.ends).toEqual([{ code: 1013, why: "slow" }]);
  });

  it("[LP47] a burst of one turn goes to the poll that waits, and a frame larger than all that may wait if it is alone", async () => {
    const { session, poll, ends, settle } = begun();
    const waiting = poll();
    for (let i = 0; i < 7; i++) session.send(frame(String(i)));
    expect(waiting.heard!.messages).toEqual(["0", "1", "2", "3", "4"]);
    expect(poll().heard!.messages).toEqual(["5", "6"]);
    session.send(frame("x".repeat(500)));
    await settle();
    expect(poll().heard!.messages).toHaveLength(1);
    expect(ends).toEqual([]);
  });
});

describe("a session's end", () => {
  it("[LP25] every poll that waits is answered 500, the channels are told once, and nothing is told any more", async () => {
    const { session, poll, ends, windows, settle } = begun();
    const polls = [poll(), poll()];
    session.close(1001, "disconnected");
    session.close(1012, "draining");
    session.terminate();
    session.inactive();
    session.send(frame("a"));
    await settle();
    expect(polls.map(({ heard }) => heard)).toEqual([{ status: 500 }, { status: 500 }]);
    expect(ends).toEqual([{ code: 1001, why: "disconnected" }]);
    expect(windows.size).toBe(0);
  });

  it("[LP38] what was said before goes with the poll that waits; `terminate` drops it", async () => {
    const closed = begun();
    const [older, newer] = [closed.poll(), closed.poll()];
    closed.session.send(frame("a"));
    closed.session.finish();
    expect([older.heard?.status, newer.heard?.messages]).toEqual([500, ["a"]]);
    const cut = begun();
    const waiting = cut.poll();
    cut.session.send(frame("a"));
    cut.session.terminate();
    expect(waiting.heard?.status).toBe(500);
  });

  it("[LP48] a close that says malformed ends it, unless it is of a frame that a POST is saying", () => {
    const { session, ends } = begun();
    session.close(1011, "failed");
    expect(ends).toEqual([{ code: 1011, why: "failed" }]);
    for (const [code, verdict] of [
      [1007, "malformed"],
      [1011, "malformed"],
      [1009, "too-large"],
    ] as const) {
      const saying = begun({ incoming: (connection) => connection.close(code, "bad") });
      expect(saying.session.say(["x", "y"])).toBe(verdict);
      expect(saying.ends).toEqual([]);
      saying.session.close(code, "failed");
      expect(saying.ends).toEqual([{ code, why: "failed" }]);
    }
    const leaving = begun({ incoming: (connection) => connection.close(1013, "slow") });
    expect(leaving.session.say(["x"])).toBe("taken");
    expect(leaving.ends).toHaveLength(1);
    expect(leaving.session.say(["x"])).toBe("gone");
  });

  it("[LP48] one that is closed while it is wired in is told so once it is", () => {
    const { session } = begun();
    session.close(1001, "closing");
    const ends: unknown[] = [];
    session.start({
      incoming: () => undefined,
      received: () => undefined,
      disconnect: (code) => void ends.push(code),
      drained: () => undefined,
    });
    expect(ends).toHaveLength(1);
  });
});

describe("what a session is asked to hold back", () => {
  it("[LP49] a pause stops the reading of POSTs, those to come too, until as many resumes", () => {
    const { session } = begun();
    const [first, second] = [session.receives(new Poll())!, session.receives(new Poll())!];
    const told: string[] = [];
    const hands = (name: string) => ({
      pause: () => void told.push(`${name} pause`),
      resume: () => void told.push(`${name} resume`),
      cut: () => undefined,
    });
    first.heldBy(hands("first"));
    session.pause();
    session.pause();
    second.over();
    const third = session.receives(new Poll())!;
    third.heldBy(hands("third"));
    expect(told).toEqual(["first pause", "third pause"]);
    session.resume();
    expect(told).toHaveLength(2);
    session.resume();
    expect(told.slice(2)).toEqual(["first resume", "third resume"]);
  });

  it("[LP49] the channels hear of every byte, and of what is held of all POSTs that are under way", () => {
    const { session, received, ends } = begun();
    const first = session.receives(new Poll())!;
    const head = received.at(-1)!;
    const second = session.receives(new Poll())!;
    first.read(10);
    second.read(20);
    expect(received.at(-1)).toEqual({ bytes: 20, unfinished: 2 * head.unfinished + 30 });
    first.over();
    expect(received.at(-1)).toEqual({ bytes: 0, unfinished: head.unfinished + 20 });
    second.over();
    expect(received.at(-1)).toEqual({ bytes: 0, unfinished: 0 });
    const third = session.receives(new Poll())!;
    session.close(1001, "");
    const told = received.length;
    third.over();
    expect([received.length, ends.length]).toEqual([told, 1]);
  });
});
