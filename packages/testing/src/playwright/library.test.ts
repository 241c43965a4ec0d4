import { expect, test } from "vitest";
import { library } from "./library.ts";

const failing = (code: string) => () => {
  throw Object.assign(new Error("Cannot find module"), { code });
};

test("[PW5] without Playwright it says what to install; what else is wrong with it is told as it is", () => {
  expect(() => library(failing("MODULE_NOT_FOUND"))).toThrow(
    "@calla/testing/playwright needs the package @playwright/test: npm install --save-dev @playwright/test, and npx playwright install chromium.",
  );
  expect(() => library(failing("ERR_DLOPEN_FAILED"))).toThrow(
    expect.objectContaining({ code: "ERR_DLOPEN_FAILED" }),
  );
  expect(library().test).toBeTypeOf("function");
});
