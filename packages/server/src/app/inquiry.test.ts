import { describe, expect, test } from "vitest";
import { handClock, inHand } from "../../test/wired.ts";
import { AppChecks, Asker, Shown } from "./app-checks.ts";
import type { Check } from "./app-checks.ts";
import { ASKED_AGAIN, Identifications, Inquiry, REMEMBERED } from "./inquiry.ts";

/** A question: the app gives these answers at once, further ones are in the test's hand. `during` runs while it is asked. */
function asked(
  answers: readonly string[] = [],
  during: (inquiry: Inquiry<string>, call: number) => void = () => {},
) {
  const { clock, settle, advance } = handClock();
  const checks = new AppChecks({ clock, ofOne: 16, ofAll: 16, within: 1_000 });
  const asker = new Asker("");
  const held: ReturnType<typeof inHand<string>>[] = [];
  const heard: string[] = [];
  let over = 0;
  let calls = 0;
  const ask = (): string | Check<string> => {
    const now = answers[calls++];
    during(inquiry, calls);
    if (now !== undefined) return now;
    const answer = inHand<string>();
    held.push(answer);
    return checks.ask(asker, {
      shown: new Shown(),
      ask: () => answer.promise,
      said: String,
      failed: String,
      unanswered: String,
      report: () => {},
    });
  };
  const inquiry: Inquiry<string> = new Inquiry<string>(
    { clock, within: 1_000, tooOften: () => "too often", over: () => void over++ },
    "list:1",
    ask,
    false,
  );
  inquiry.whenAnswered((answer) => void heard.push(answer));
  return { inquiry, held, heard, settle, advance, calls: () => calls, over: () => over };
}

describe("a question about what somebody may", () => {
  test("[AU15] an answer at once is given at once; a change during the call asks again", () => {
    const once = asked(["yes"]);
    expect([once.inquiry.begin(), once.heard, once.calls(), once.over()]).toEqual(["yes", ["yes"], 1, 1]);
    const twice = asked(["of before", "yes"], (inquiry, call) => void (call === 1 && inquiry.changed()));
    expect([twice.inquiry.begin(), twice.heard, twice.calls(), twice.over()]).toEqual(["yes", ["yes"], 2, 1]);
  });

  test("[AU15] only the answer to the question of after the change counts", async () => {
    const { inquiry, held, heard, settle, over } = asked();
    expect(inquiry.begin()).toBeUndefined();
    inquiry.changed();
    inquiry.changed(); // in one step they are one
    await settle();
    held[0]!.keep("of before");
    await settle();
    expect(heard).toEqual([]);
    held[1]!.keep("yes");
    await settle();
    expect([heard, inquiry.over, over()]).toEqual([["yes"], true, 1]);
  });

  test("[AU31] it is asked again so many times, and no more", async () => {
    const { inquiry, heard, settle, calls } = asked();
    inquiry.begin();
    for (let i = 0; i < ASKED_AGAIN; i++) {
      inquiry.changed();
      await settle();
      expect(heard).toEqual([]);
    }
    inquiry.changed();
    await settle();
    expect([heard, calls()]).toEqual([["too often"], 1 + ASKED_AGAIN]);
  });

  test("[AU31] all askings together have their time; one that was never outdated has its own", async () => {
    const { inquiry, heard, advance, settle } = asked();
    inquiry.begin();
    await advance(900);
    inquiry.changed();
    await settle();
    await advance(99);
    expect(heard).toEqual([]);
    await advance(1);
    expect(heard).toEqual(["too often"]);
  });

  test("[HA13] what nobody needs is withdrawn once, and never answered", async () => {
    const { inquiry, held, heard, settle } = asked();
    inquiry.begin();
    inquiry.withdraw();
    inquiry.withdraw();
    held[0]!.keep("yes");
    await settle();
    expect(heard).toEqual(["withdrawn"]);
  });

  test("[AU16] a change makes a periodic re-check strict", () => {
    const { inquiry } = asked();
    inquiry.lenient = true;
    inquiry.begin();
    inquiry.changed();
    expect(inquiry.lenient).toBe(false);
  });
});

describe("who somebody is, while that is being found out", () => {
  const found = { ok: true, user: { id: "anna", name: "before" } } as const;

  test("[AU27] what is said meanwhile of that user or client counts, and nothing else", () => {
    const all = new Identifications();
    const one = all.begin("c1");
    all.changed({ userId: "anna" }); // says nothing of the user
    all.changed({ user: { id: "bob" } });
    all.changed({ clientId: "c2", user: null });
    expect(one.asNow(found, "c1")).toEqual(found);
    all.changed({ user: { id: "anna", name: "after" } as { id: string } });
    expect(one.asNow(found, "c1")).toEqual({ ok: true, user: { id: "anna", name: "after" } });
    all.changed({ clientId: "c1", user: null });
    expect(one.asNow(found, "c1")).toMatchObject({ code: "unauthenticated" });
  });

  test("[AU28] so much is kept; after its end nothing more", () => {
    const all = new Identifications();
    const [one, ended] = [all.begin("c1"), all.begin("c1")];
    ended.end();
    for (let i = 0; i < REMEMBERED; i++) all.changed({ user: { id: `${i}` } });
    expect(one.asNow(found, "c1")).toEqual(found);
    all.changed({ user: { id: "one more" } });
    expect(one.asNow(found, "c1")).toMatchObject({ code: "busy" });
    expect(ended.asNow(found, "c1")).toEqual(found);
  });
});
