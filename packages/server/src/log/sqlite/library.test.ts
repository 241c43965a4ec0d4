import Module from "node:module";
import { expect, test, vi } from "vitest";
import { sqlite } from "./sqlite.ts";

type Resolving = typeof Module & { _resolveFilename(name: string, ...more: unknown[]): string };

test("[SQ15] without better-sqlite3 a log says what to install, when it is made", () => {
  const resolving = Module as Resolving;
  const resolve = resolving._resolveFilename.bind(resolving);
  const away = vi.spyOn(resolving, "_resolveFilename").mockImplementation((name, ...more) => {
    if (name !== "better-sqlite3") return resolve(name, ...more);
    throw Object.assign(new Error(`Cannot find module '${name}'`), { code: "MODULE_NOT_FOUND" });
  });
  try {
    expect(() => sqlite(":memory:")).toThrow(
      expect.objectContaining({
        code: "wiring",
        message: "@calla/server/sqlite needs the package better-sqlite3 12: npm install better-sqlite3.",
      }),
    );
  } finally {
    away.mockRestore();
  }
  expect(() => sqlite(":memory:")).not.toThrow();
});
