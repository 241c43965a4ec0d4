import { expect, test } from "vitest";
import { library } from "./library.ts";

const failing = (code: string) => () => {
  throw Object.assign(new Error("Cannot find module"), { code });
};

test("[SQ15] without better-sqlite3 a log says what to install; what else is wrong with it is told as it is", () => {
  expect(() => library(failing("MODULE_NOT_FOUND"))).toThrow(
    expect.objectContaining({
      code: "wiring",
      message: "@calla/server/sqlite needs the package better-sqlite3 12: npm install better-sqlite3.",
    }),
  );
  expect(() => library(failing("ERR_DLOPEN_FAILED"))).toThrow(
    expect.objectContaining({ code: "ERR_DLOPEN_FAILED" }),
  );
  expect(library()).toBeTypeOf("function");
});
