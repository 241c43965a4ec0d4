import { expect, test } from "vitest";
import { Complaints, expectNone, isOfConnection } from "./complaints.ts";

test("[PW8] what is allowed is no error, said before or after it came; everything else is listed by whose it is", () => {
  const complaints = new Complaints();
  complaints.add("refused: full");
  complaints.add("odd");
  complaints.allow(/^refused/g);
  complaints.add("refused: late");
  complaints.add("odd again");
  expect(complaints.errors).toEqual(["odd", "odd again"]);
  expect(() => expectNone(new Map([["Ann", complaints.errors]]))).toThrow("\nAnn: odd\nAnn: odd again");
  complaints.allow(/odd/);
  expect(() => expectNone(new Map([["Ann", complaints.errors]]))).not.toThrow();
});

test.each([
  ["WebSocket connection to 'ws://localhost:1/ws' failed", true],
  ["Failed to load resource: net::ERR_CONNECTION_REFUSED", true],
  ["Firefox can’t establish a connection to the server at ws://localhost:1/ws.", true],
  ["Failed to load resource: The network connection was lost.", true],
  ["Failed to load resource: the server responded with a status of 500 (Internal Server Error)", false],
  ["TypeError: board is undefined", false],
])("[PW8] a browser's own word on a connection is told from an app's: %s", (text, is) => {
  expect(isOfConnection(text)).toBe(is);
});
