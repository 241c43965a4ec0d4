import type { ClientStatus } from "@calla/client";
import { expect, test } from "vitest";
import { standingOf } from "../client/standing.ts";

const status = (part: Partial<ClientStatus>): ClientStatus => ({
  connection: "open",
  reason: "",
  text: "",
  pending: 0,
  held: [],
  storage: "working",
  ...part,
});
const trouble = (part: Partial<ClientStatus>, online = true): string =>
  standingOf(status(part), online).trouble.join(" ");

// Whether a first attempt is over is a fact of the page, so these are told in the order in which a page comes to them.
test("a page that has not connected yet says that it does, and one that has lost its connection what becomes of changes", () => {
  expect(trouble({ connection: "connecting" })).toBe("Connecting …");
  expect(trouble({ connection: "offline" }, false)).toBe(
    "You are offline. Changes are kept and sent when you are back.",
  );
  expect(standingOf(status({}), true)).toEqual({ is: "saved", trouble: [] });
  expect(standingOf(status({ pending: 1 }), true)).toEqual({ is: "saving", trouble: [] });
  expect(trouble({ connection: "connecting" })).toBe(
    "No connection; trying again. Changes are kept and sent when you are back.",
  );
  expect(trouble({ connection: "waiting", pending: 1 }, false)).toBe(
    "You are offline. Your change is kept and sent when you are back.",
  );
});

test("a browser that keeps nothing is no promise", () => {
  expect(trouble({ storage: "failed" })).toBe(
    "This browser cannot keep changes: what is not saved yet is lost with this page.",
  );
  expect(trouble({ connection: "unsure", pending: 2, storage: "failed" })).toContain(
    "Your 2 changes are kept and sent when you are back if this page stays open.",
  );
});
