import { expect, test } from "vitest";
import { failureOf, storageFailure } from "./failures.ts";

test("names what is wrong by the beginning of SQLite's code, and says what to do", () => {
  const failure = failureOf(
    Object.assign(new Error("database is locked."), { code: "SQLITE_BUSY_SNAPSHOT" }),
  );
  const error = storageFailure("calla.db", failure);
  expect(error.code).toBe("storage");
  expect(error.details).toEqual({ code: "locked", file: "calla.db", sqlite: "SQLITE_BUSY_SNAPSHOT" });
  expect(error.message).toBe(
    "The database calla.db (locked): database is locked. Another process has held it locked for long; end that process or its transaction.",
  );
});

test("tells of what it does not know as it was told", () => {
  expect(failureOf("odd")).toEqual({ code: "CALLA_BUG", message: "odd" });
  expect(storageFailure("calla.db", failureOf({})).message).toBe(
    "The database calla.db (failed): [object Object].",
  );
});
