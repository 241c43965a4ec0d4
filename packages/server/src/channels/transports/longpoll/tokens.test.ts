import { describe, expect, it } from "vitest";
import { hasTokenForm, OLDEST, readToken, tokenOf } from "./tokens.ts";

const key = Buffer.from("one key of the channels, 32 bytes");
const said = { node: "node-ä.1", session: "0af3", issued: 5_000 };
const token = tokenOf(said, key);

describe("tokens of poll sessions", () => {
  it("[LP29] a token says what was sealed in it, to whoever has the key, and goes into a URL as it is", () => {
    expect(readToken(token, key, 6_000)).toEqual(said);
    expect(encodeURIComponent(token)).toBe(token);
  });

  it("[LP29] a token of another key is none", () => {
    expect(readToken(token, Buffer.from("another key of the channels, 32 b"), 6_000)).toBeUndefined();
  });

  it("[LP13] a token that was changed anywhere is none", () => {
    for (let at = 0; at < token.length; at++) {
      const other = token[at] === "A" ? "B" : "A";
      const changed = token.slice(0, at) + other + token.slice(at + 1);
      // The last character of base64 has bits that say nothing, and a token has one form all the same.
      expect(readToken(changed, key, 6_000), changed).toBeUndefined();
    }
  });

  it("[LP13] whatever else comes is none, and costs no exception", () => {
    const junk = ["", ".", "a.b", token.slice(1), token.slice(0, -1), `${token}A`, "x".repeat(5_000)];
    const sealed = [`${Buffer.from("[1,2]").toString("base64url")}.${"A".repeat(43)}`];
    const proto = `${Buffer.from('{"length":3}').toString("base64url")}.${"A".repeat(43)}`;
    for (const text of [...junk, ...sealed, proto]) expect(readToken(text, key, 6_000)).toBeUndefined();
  });

  it("[LP54] a token has a form, whatever its key; an app's own tokens have another", () => {
    expect(hasTokenForm(token)).toBe(true);
    expect(hasTokenForm(`${token.slice(0, -2)}AA`)).toBe(true);
    const jwt = `eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.${"A".repeat(43)}`;
    const phoenix = `SFMyNTY.g2gDYQFuBgDgxJ2-lQFiAAFRgA.${"A".repeat(43)}`;
    for (const text of [jwt, phoenix, "t-ada", "", "x".repeat(2_000)]) expect(hasTokenForm(text)).toBe(false);
  });

  it("[LP30] a token of two weeks is none, a millisecond before it is one", () => {
    expect(readToken(token, key, said.issued + OLDEST - 1)).toEqual(said);
    expect(readToken(token, key, said.issued + OLDEST)).toBeUndefined();
  });
});
