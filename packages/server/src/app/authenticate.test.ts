// The app's `authenticate`, asked by itself: what each answer comes to, how many are asked at a time, and who has gone.
import { describe, expect, test } from "vitest";
import { handClock, inHand } from "../../test/wired.ts";
import { limitsOf } from "../base/limits.ts";
import { Authenticator, expiring } from "./authenticate.ts";
import type { Arriving, Authenticate } from "./authenticate.ts";
import type { AnyUser } from "./handlers.ts";

type Asked = Parameters<Authenticate<AnyUser>>[0];

function asking(authenticate: ((asked: Asked) => unknown) | undefined, limits: object = {}) {
  const hand = handClock();
  const reported: unknown[] = [];
  let crowded = 0;
  const authenticator = new Authenticator({
    authenticate: authenticate as Authenticate<AnyUser> | undefined,
    clock: hand.clock,
    limits: limitsOf({ helloTimeout: 1_000, ...limits }),
    report: (error) => void reported.push(error),
    crowded: () => void crowded++,
  });
  const who = (address = "192.0.2.1"): Arriving => ({
    request: { url: "/", headers: {}, remoteAddress: address },
    address,
    authenticating: undefined,
  });
  return { ...hand, authenticator, reported, who, crowded: () => crowded };
}

describe("an answer of authenticate", () => {
  const answered = (answer: unknown) => {
    const { authenticator, who } = asking(() => answer);
    return authenticator.identify(who(), "token");
  };

  test("a server without it knows nobody, for ever", () => {
    const { authenticator, who } = asking(undefined);
    expect(authenticator.identify(who(), "token")).toEqual({ ok: true, user: null, expires: undefined });
  });

  test("[CV15] a user is one, at once where it is given at once, and as long as its token is good", () => {
    const anna = { id: "anna", admin: true };
    expect(answered(anna)).toEqual({ ok: true, user: anna, expires: undefined });
    expect(answered(expiring(anna, 5_000))).toEqual({ ok: true, user: anna, expires: 5_000 });
    expect(answered(expiring(anna, 0))).toEqual({ ok: true, user: anna, expires: 0 });
    expect(answered(expiring(anna, Infinity))).toEqual({ ok: true, user: anna, expires: undefined });
    expect(answered({ id: "" })).toMatchObject({ ok: true, user: { id: "" } });
  });

  test("[CV15] nothing refuses for good; what is no user, or has no good time, fails for now and says what to return", () => {
    for (const nobody of [null, undefined])
      expect(answered(nobody)).toEqual({ ok: false, code: "unauthenticated" });
    const wrong = [
      true,
      "anna",
      {},
      { id: 7 },
      [],
      expiring({ id: 7 } as never, 1),
      expiring(null as never, 1),
      expiring({ id: "anna" }, NaN),
      expiring({ id: "anna" }, -1),
      expiring({ id: "anna" }, "soon" as never),
    ];
    for (const value of wrong)
      expect(answered(value), JSON.stringify(value)).toMatchObject({
        ok: false,
        code: "authentication-failed",
        error: { code: "hook", message: expect.stringContaining("return { id: string") },
      });
  });

  test("[CV15] a throw and a rejection are failures that may pass, with what was thrown", async () => {
    const error = new Error("no database");
    const failed = { ok: false, code: "authentication-failed", error };
    const thrown = asking(() => {
      throw error;
    });
    expect(thrown.authenticator.identify(thrown.who(), "t")).toEqual(failed);
    expect(await answered(Promise.reject(error))).toEqual(failed);
    expect(await answered(Promise.resolve(null))).toMatchObject({ code: "unauthenticated" });
  });

  test("it is shown the request, the token as it came, and a signal", () => {
    const seen: Asked[] = [];
    const { authenticator, who } = asking((asked) => (seen.push(asked), null));
    const one = who();
    const token = { any: ["thing"] };
    authenticator.identify(one, token);
    expect(seen[0]).toMatchObject({ request: one.request, token });
    expect(seen[0]!.signal.aborted).toBe(false);
  });
});

describe("calls of authenticate", () => {
  test("[HA15] one that does not answer in time fails and hears so; what it says later counts for nothing", async () => {
    const late = inHand<AnyUser>();
    let signal: AbortSignal | undefined;
    const { authenticator, who, advance, reported } = asking(
      (asked) => ((signal = asked.signal), late.promise),
    );
    const one = who();
    const found = authenticator.identify(one, "t");
    await advance(999);
    expect(signal!.aborted).toBe(false);
    await advance(1);
    expect(signal!.aborted).toBe(true);
    expect(await found).toMatchObject({
      ok: false,
      code: "authentication-failed",
      error: { message: expect.stringContaining("within 1000 ms (limits.helloTimeout)") },
    });
    late.break(new Error("aborted"));
    await advance(1);
    expect(reported).toEqual([]);
    // It may ask again: nothing of the late call stands in the way.
    const again = authenticator.identify(one, "t");
    await advance(1_000);
    expect(await again).toMatchObject({ code: "authentication-failed" });
  });

  test("[HA15] of one connection one is under way; the next is made when that has answered", async () => {
    const tokens: unknown[] = [];
    const hands = [inHand<AnyUser>(), inHand<AnyUser>()];
    const { authenticator, who, settle } = asking(({ token }) => {
      tokens.push(token);
      return hands[tokens.length - 1]!.promise;
    });
    const one = who();
    const found = [authenticator.identify(one, "first"), authenticator.identify(one, "second")];
    await settle();
    expect(tokens).toEqual(["first"]);
    hands[0]!.keep({ id: "anna" });
    expect(await found[0]).toMatchObject({ user: { id: "anna" } });
    await settle();
    expect(tokens).toEqual(["first", "second"]);
    hands[1]!.keep({ id: "bert" });
    expect(await found[1]).toMatchObject({ user: { id: "bert" } });
  });

  test("[HA15] an address has a quarter of all; who waits too long for a turn is told to retry, and the app is told why", async () => {
    let asked = 0;
    const never = new Promise<never>(() => {});
    const { authenticator, who, advance, crowded } = asking(
      ({ request }) => {
        if (request.remoteAddress === "192.0.2.2") return { id: "other" };
        asked++;
        return never;
      },
      { maxAuthentications: 8 },
    );
    const found = Array.from({ length: 5 }, () => authenticator.identify(who(), "t"));
    expect(asked).toBe(2);
    expect(authenticator.identify(who("192.0.2.2"), "t")).toMatchObject({ user: { id: "other" } });
    await advance(1_000);
    expect(await found[4]).toEqual({ ok: false, code: "busy" });
    expect(crowded()).toBe(1);
    expect(await found[0]).toMatchObject({ code: "authentication-failed" });
  });

  test("[HA13] who has gone is asked about no more: what is under way is aborted, what waits is never made", async () => {
    const asked: Asked[] = [];
    const { authenticator, who, settle, reported } = asking((one) => {
      asked.push(one);
      return new Promise((_, reject) =>
        one.signal.addEventListener("abort", () => reject(new Error("gone"))),
      );
    });
    const one = who();
    const found = [authenticator.identify(one, 1), authenticator.identify(one, 2)];
    for (let time = 0; time < 2; time++) authenticator.left(one);
    expect(await Promise.all(found)).toEqual(Array.from({ length: 2 }, () => ({ ok: false, code: "busy" })));
    await settle();
    expect(asked.map(({ token }) => token)).toEqual([1]);
    expect(asked[0]!.signal.aborted).toBe(true);
    expect(reported).toEqual([]);
    authenticator.left(who()); // it was never asked about
  });
});
