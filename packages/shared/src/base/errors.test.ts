import { expect, test } from "vitest";
import { ERROR_SENTENCES } from "./error-sentences.ts";
import { CallaError } from "./errors.ts";

test("every code has one sentence", () => {
  for (const [code, sentence] of Object.entries(ERROR_SENTENCES)) {
    expect(code).toMatch(/^[a-z]+(-[a-z]+)*$/);
    expect(sentence).toMatch(/^[A-Z].*\.$/);
  }
});

test("an error says its code where nothing else is said", () => {
  expect(new CallaError("closed")).toMatchObject({ name: "CallaError", message: "closed", details: {} });
  expect(new CallaError("closed", { at: 1 }, "Why.")).toMatchObject({ message: "Why.", details: { at: 1 } });
});
