import { expect, test } from "vitest";
import { library } from "./library.ts";

// What is said where it is missing: base/peer.test.ts.
test("[SQ15] better-sqlite3 is the one that the app has installed", () => {
  expect(library()).toBeTypeOf("function");
});
