import { describe, expect, test } from "vitest";
import { hello, list, types, wire } from "../../test/wired.ts";
import { expiring } from "../app/authenticate.ts";

/** Tokens are good for a minute; what a token says is its user. */
function tokens(found?: () => Promise<unknown>) {
  const it = wire({
    authenticate: async ({ token }) => {
      if (token === "broken") throw new Error("database");
      if (found !== undefined) await found();
      return token === "nobody" ? null : expiring({ id: String(token) }, it.clock.now() + 60_000);
    },
  });
  it.server.handle(list, { public: true });
  return it;
}

describe("a token that expires", () => {
  test("[AU14] is asked for in time, and the connection goes on with another one", async () => {
    const it = tokens();
    const anna = await it.client(undefined, "anna");
    await it.advance(47_000);
    expect(await anna.heard()).toEqual([]);
    await it.advance(1_000);
    expect(await anna.heard()).toEqual([{ type: "Expiring", within: 12_000 }]);
    anna.say({ type: "Authenticate", token: "anna" });
    await it.advance(47_000);
    expect(await anna.heard()).toEqual([]);
    expect(anna.closed).toEqual([]);
  });

  test("[AU14] is renewed as often as it expires: each token that comes is looked at", async () => {
    const it = tokens();
    const anna = await it.client(undefined, "anna");
    for (let i = 0; i < 4; i++) {
      await it.advance(48_000);
      expect(await anna.heard()).toEqual([{ type: "Expiring", within: 12_000 }]);
      anna.say({ type: "Authenticate", token: "anna" });
      expect(await anna.heard()).toEqual([]);
    }
    expect(anna.closed).toEqual([]);
  });

  test("[AU14] is not asked for any more once another one has come that never expires", async () => {
    const ends = [60_000, undefined];
    const it = wire({
      authenticate: () => {
        const within = ends.shift();
        return within === undefined ? { id: "anna" } : expiring({ id: "anna" }, it.clock.now() + within);
      },
    });
    const anna = await it.client();
    await it.advance(48_000);
    expect(types(await anna.heard())).toEqual(["Expiring"]);
    anna.say({ type: "Authenticate", token: "for ever" });
    await it.advance(100_000);
    expect(await anna.heard()).toEqual([]);
    expect(anna.closed).toEqual([]);
  });

  test("[AU14] S25 that does not come is asked for again; then the connection is closed, retryable", async () => {
    const it = tokens();
    const anna = await it.client(undefined, "anna");
    await it.advance(59_999);
    const asked = await anna.heard();
    expect(asked.length).toBeGreaterThan(3);
    expect(asked.length).toBeLessThan(12);
    anna.say({ type: "Authenticate", token: "broken" });
    await it.advance(1);
    expect(anna.closed).toEqual([{ code: 4001, reason: "token-expired" }]);
    expect(it.errors).toHaveLength(1);
    await it.advance(60_000);
  });

  test("[AU14] [AU25] another user's closes, terminal; so does none", async () => {
    const it = tokens();
    for (const [token, reason] of [
      ["bob", "user-changed"],
      ["nobody", "unauthenticated"],
    ]) {
      const anna = await it.client(undefined, "anna");
      anna.say({ type: "Authenticate", token });
      expect((await anna.heard()).at(-1)).toMatchObject({ type: "Closing", code: reason, retryable: false });
      expect(anna.closed).toEqual([{ code: 4002, reason }]);
    }
  });

  test("[AU14] [AU25] is looked at one at a time, of several only the newest", async () => {
    let looks = 0;
    const waits: (() => void)[] = [];
    const it = tokens(() => {
      looks++;
      return looks === 1 ? Promise.resolve() : new Promise<void>((go) => void waits.push(go));
    });
    const anna = await it.client(undefined, "anna");
    for (const token of ["anna", "bob", "carl", "anna"]) anna.say({ type: "Authenticate", token });
    await anna.heard();
    expect(looks).toBe(2);
    waits[0]!();
    await anna.heard();
    expect(looks).toBe(3);
    waits[1]!();
    await anna.heard();
    expect(anna.closed).toEqual([]);
  });

  test("[AU14] that has expired at Hello lets nobody stay; a time that is none lets nobody in", async () => {
    const it = wire({ authenticate: () => expiring({ id: "anna" }, 1) });
    const anna = it.socket();
    anna.say(hello());
    expect((await anna.heard()).at(-1)).toMatchObject({
      type: "Closing",
      code: "token-expired",
      retryable: true,
    });
    const wrong = wire({ authenticate: () => expiring({ id: "anna" }, Number.NaN) });
    const one = wrong.socket();
    one.say(hello());
    expect(await one.heard()).toMatchObject([{ type: "Closing", code: "authentication-failed" }]);
  });

  test("[AU14] that never expires is never asked for", async () => {
    const it = wire({ authenticate: () => expiring({ id: "anna" }, Infinity) });
    const anna = await it.client();
    await it.advance(10 * 24 * 3_600_000);
    expect(await anna.heard()).toEqual([]);
  });
});
