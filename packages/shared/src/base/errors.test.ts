import { expect, test } from "vitest";
import { CallaError } from "./errors.ts";

test("an error says its code where nothing else is said", () => {
  expect(new CallaError("closed")).toMatchObject({ name: "CallaError", message: "closed", details: {} });
  expect(new CallaError("closed", { at: 1 }, "Why.")).toMatchObject({ message: "Why.", details: { at: 1 } });
});
