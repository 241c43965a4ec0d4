// Whether a client may reach a topic, by Access alone: what is asked, what is remembered, and whose answer still counts.
import { sessionKey } from "@calla/shared";
import { describe, expect, test } from "vitest";
import { parts } from "../../test/parts.ts";
import { cursors, inHand, list, session } from "../../test/wired.ts";
import { ASKED_AGAIN, Inquiry } from "../app/inquiry.ts";
import type { Admitted } from "../app/intent.ts";
import type { LooseHandlers, LooseAccessRequest } from "../app/handlers.ts";
import type { Conversation } from "../connection/conversation.ts";
import type { NamedTarget } from "../target/target-directory.ts";
import type { TargetRegistry } from "../target/target-registry.ts";
import { Access, isTemporary, toldAs } from "./access.ts";

const named: NamedTarget = { slice: list as never, params: ["1"] };
const none = { get: () => undefined } as unknown as TargetRegistry;

function access(handlers: LooseHandlers | undefined, limits: object = {}) {
  const it = parts({ limits, handlers: handlers === undefined ? {} : { [list.name]: handlers } });
  const rights = new Access(it.context, none);
  const client = (clientId = "c"): Conversation => it.talk().enter(clientId, { id: "anna" });
  const ask = (one: Conversation, key = "list:1", purpose: "subscribe" | "dispatch" = "subscribe") =>
    rights.ask(one, key, named, purpose);
  /** Whoever passes, in the order in which they did, and with what answer. */
  const passed: [string, Admitted][] = [];
  const pass = (one: Conversation, name: string, key = "list:1") =>
    rights.pass(one, key, named, (admitted) => void passed.push([name, admitted]));
  return { ...it, rights, client, ask, pass, passed };
}
/** canSubscribe whose answers are in the hand. */
function inHands() {
  const hands: { request: LooseAccessRequest; keep(answer: unknown): void; break(error: unknown): void }[] =
    [];
  const canSubscribe = (request: LooseAccessRequest): Promise<boolean> => {
    const hand = inHand<boolean>();
    hands.push({ request, keep: hand.keep as never, break: hand.break });
    return hand.promise;
  };
  return { hands, canSubscribe };
}
const answerOf = (asked: Admitted | Inquiry<Admitted>): Promise<Admitted> =>
  asked instanceof Inquiry ? new Promise((resolve) => asked.whenAnswered(resolve)) : Promise.resolve(asked);

describe("a question", () => {
  test("[HA1] [HA2] [HA3] is none where handlers say it all: unhandled, public, nobody; a session's own client", () => {
    const answers = [undefined, { public: true }, {}] as const;
    expect(answers.map((handlers) => access(handlers).ask(access(handlers).client()))).toEqual([
      "unhandled",
      true,
      "forbidden",
    ]);
    const { rights, client } = access(undefined);
    const home = { slice: session as never, params: [] };
    expect(rights.ask(client(), sessionKey("c"), home, "subscribe")).toBe(true);
  });

  test("[HA3] only true allows; a throw may pass, and is reported each time", () => {
    const answers: unknown[] = [true, false, 1, "yes", {}, undefined];
    const { ask, client, errors } = access({ canSubscribe: () => answers.shift() as boolean });
    const one = client();
    expect(Array.from({ length: 6 }, () => ask(one))).toEqual([
      true,
      ...Array.from({ length: 5 }, () => "forbidden"),
    ]);
    const thrown = access({
      canSubscribe: () => {
        throw new Error("database");
      },
    });
    for (let time = 1; time <= 2; time++) {
      expect(thrown.ask(thrown.client())).toBe("hook");
      expect(thrown.errors).toHaveLength(time);
    }
    expect(errors).toEqual([]);
  });

  test("[HA14] is shown who asks, what for, and whether there is such a topic: looked at once, and only where it is asked", async () => {
    const seen: LooseAccessRequest[] = [];
    const { rights, ask, client, context } = access({
      canSubscribe: (request) => (seen.push(request), true),
    });
    ask(client(), "list:1", "dispatch");
    rights.ask(client(), "list:1", named, "recheck");
    expect(seen).toMatchObject([
      { clientId: "c", user: { id: "anna" }, topic: "list:1", params: ["1"], purpose: "dispatch" },
      { purpose: "subscribe" },
    ]);
    let looks = 0;
    const { history } = context.log;
    context.log.history = (...asked) => (looks++, history.apply(context.log, asked));
    const { exists } = seen[0]!;
    expect(await Promise.all([exists(), exists()])).toEqual([false, false]);
    expect(looks).toBe(1);
    // Of an ephemeral topic nothing is stored: it is always there.
    const { handlers } = context;
    (handlers as Map<string, LooseHandlers>).set(cursors.name, handlers.get(list.name)!);
    rights.ask(client(), "cursors:1", { slice: cursors as never, params: ["1"] }, "subscribe");
    expect(await seen[2]!.exists()).toBe(true);
    expect(looks).toBe(1);
  });

  test("[HA18] that is not answered in time is a throw", async () => {
    const { canSubscribe, hands } = inHands();
    const { ask, client, advance, errors } = access({ canSubscribe }, { checkTimeout: 1_000 });
    const answer = answerOf(ask(client()));
    await advance(1_000);
    expect(await answer).toBe("hook");
    expect(hands[0]!.request.signal.aborted).toBe(true);
    expect(errors).toMatchObject([{ code: "hook", details: { hook: "canSubscribe", topic: "list:1" } }]);
    hands[0]!.keep(true);
    await advance(1);
    expect(errors).toHaveLength(1);
  });

  test("[HA13] of a client that has gone needs no answer, and one that waits for its turn is never asked", async () => {
    const { canSubscribe, hands } = inHands();
    const { rights, ask, client, settle } = access({ canSubscribe }, { maxChecksPerConnection: 1 });
    const one = client();
    const answers = [answerOf(ask(one, "list:1")), answerOf(ask(one, "list:2"))];
    for (let time = 0; time < 2; time++) rights.left(one);
    expect(await Promise.all(answers)).toEqual(["withdrawn", "withdrawn"]);
    await settle();
    expect(hands.map(({ request }) => [request.topic, request.signal.aborted])).toEqual([["list:1", true]]);
    rights.left(client()); // nobody asked about it
  });
});

describe("what may pass by itself", () => {
  test("is answered as busy or hook; the others are for good", () => {
    const codes = ["forbidden", "unhandled", "topic", "hook", "busy", "withdrawn"] as const;
    expect(codes.map(isTemporary)).toEqual([false, false, false, true, true, true]);
    expect(codes.map(toldAs)).toEqual(["forbidden", "unhandled", "topic", "hook", "busy", "busy"]);
  });
});

describe("dispatching to what is not subscribed", () => {
  test("[HA3] waits for the answer in order, and is asked about once; what comes after it passes at once", async () => {
    const { canSubscribe, hands } = inHands();
    const { rights, pass, client, passed, settle } = access({ canSubscribe });
    const one = client();
    for (const name of ["a", "b", "c"]) pass(one, name);
    expect(rights.isWaiting(one, "list:1")).toBe(true);
    expect([passed, hands.length]).toEqual([[], 1]);
    hands[0]!.keep(true);
    await settle();
    pass(one, "d");
    expect(passed).toEqual([
      ["a", true],
      ["b", true],
      ["c", true],
      ["d", true],
    ]);
    expect(rights.isWaiting(one, "list:1")).toBe(false);
    expect(hands).toHaveLength(1);
  });

  test("[HA3] a refusal is not remembered: the next one asks again", async () => {
    const answers = [false, true, false];
    let asked = 0;
    const { pass, client, passed } = access({ canSubscribe: () => (asked++, answers.shift()!) });
    const one = client();
    for (const name of ["a", "b", "c"]) pass(one, name);
    expect(passed).toEqual([
      ["a", "forbidden"],
      ["b", true],
      ["c", true],
    ]);
    expect(asked).toBe(2);
  });

  test("[CV14] more than maxInFlight do not wait, nor for more topics than one may subscribe to", () => {
    const { canSubscribe } = inHands();
    const { pass, client, passed } = access({ canSubscribe }, { maxInFlight: 2, maxTopicsPerConnection: 2 });
    const one = client();
    for (const name of ["a", "b", "c"]) pass(one, name);
    expect(passed).toEqual([["c", "busy"]]);
    pass(one, "d", "list:2");
    pass(one, "e", "list:3");
    expect(passed).toEqual([
      ["c", "busy"],
      ["e", "busy"],
    ]);
  });

  test("[CV14] of the answers the oldest makes room, and is asked for again", () => {
    const asked: string[] = [];
    const { pass, client } = access(
      { canSubscribe: ({ topic }) => asked.push(topic) > 0 },
      { maxTopicsPerConnection: 2 },
    );
    const one = client();
    for (const key of ["list:1", "list:2", "list:2", "list:3", "list:2", "list:1"]) pass(one, key, key);
    expect(asked).toEqual(["list:1", "list:2", "list:3", "list:1"]);
  });

  test("a client that has subscribed is not asked about, and one that has ended passes nowhere", async () => {
    const { canSubscribe, hands } = inHands();
    const { pass, client, passed, settle } = access({ canSubscribe });
    const one = client();
    one.subscriptions.set("list:1", {
      ref: 1,
      admitted: true,
      welcomed: true,
      live: true,

      inquiry: undefined,
    });
    pass(one, "subscribed");
    pass(one, "waits", "list:2");
    one.gone();
    hands[0]!.keep(true);
    await settle();
    expect(passed).toEqual([["subscribed", true]]);
  });

  test("[S43] [HT4] a packet goes by its stream's answers; when the stream has gone it asks for itself", async () => {
    const { canSubscribe, hands } = inHands();
    const { rights, pass, client, passed, settle } = access({ canSubscribe });
    const [stream, packet] = [client(), client()];
    packet.leanOn(stream);
    pass(stream, "stream");
    pass(packet, "packet");
    expect(hands).toHaveLength(1);
    packet.stream = undefined; // as after its stream's end
    rights.left(stream);
    stream.gone();
    await settle();
    expect([passed, hands.length]).toEqual([[], 2]);
    hands[1]!.keep(true);
    await settle();
    expect(passed).toEqual([["packet", true]]);
  });
});

describe("rights that change", () => {
  test("[AU15] while the app is asked: its answer of before does not count, nor does the second one of before the second change", async () => {
    const { canSubscribe, hands } = inHands();
    const { rights, pass, client, passed, settle } = access({ canSubscribe });
    const one = client();
    pass(one, "a");
    for (let change = 0; change < 2; change++) {
      rights.changed(one);
      hands[change]!.keep(true);
      await settle();
      expect([passed, hands.length]).toEqual([[], change + 2]);
    }
    hands[2]!.keep(false);
    await settle();
    expect(passed).toEqual([["a", "forbidden"]]);
  });

  test("[AU15] to one topic concern that topic; what was allowed elsewhere still is", async () => {
    const asked: string[] = [];
    const { rights, pass, client } = access({ canSubscribe: ({ topic }) => asked.push(topic) > 0 });
    const one = client();
    const both = (): void => ["list:1", "list:2"].forEach((key) => pass(one, key, key));
    both();
    rights.changed(one, "list:1");
    both();
    rights.changed(one);
    both();
    rights.forget(one, "list:2");
    both();
    expect(asked).toEqual(["list:1", "list:2", "list:1", "list:1", "list:2", "list:2"]);
  });

  test("[AU31] too often send the client away for now, and the app hears of it once, whoever it concerns", async () => {
    const { canSubscribe } = inHands();
    const { rights, ask, client, errors, settle } = access({ canSubscribe });
    for (let time = 0; time < 2; time++) {
      const one = client();
      const answer = answerOf(ask(one));
      for (let change = 0; change <= ASKED_AGAIN; change++) {
        rights.changed(one);
        await settle();
      }
      expect(await answer).toBe("busy");
    }
    expect(errors).toMatchObject([{ code: "hook", message: expect.stringContaining("Told once") }]);
  });

  test("[HA9] [HA8] a grant lets in who is being asked about; revoked, it is asked about again; both count once", async () => {
    const { canSubscribe, hands } = inHands();
    const { rights, ask, client } = access({ canSubscribe });
    const [one, other] = [client(), client("d")];
    const answer = answerOf(ask(one));
    for (let time = 0; time < 2; time++) rights.grant(one, "list:1");
    expect(await answer).toBe(true);
    expect([ask(one), rights.isGranted(one, "list:1"), rights.isGranted(other, "list:1")]).toEqual([
      true,
      true,
      false,
    ]);
    expect(hands).toHaveLength(1);
    for (let time = 0; time < 2; time++) rights.revoke(one, "list:1");
    expect(ask(one)).toBeInstanceOf(Inquiry);
    expect(hands).toHaveLength(2);
  });
});
