import { expect, test } from "vitest";
import { visitor } from "../server/visitor.ts";

test("a browser's key makes a user, the same one each time, from whose id nobody learns the key", () => {
  const key = "0123456789abcdefghijklmnopqr";
  const user = visitor({ token: key });
  expect(user).toEqual(visitor({ token: key }));
  expect(user?.id).toMatch(/^[\w-]{16}$/);
  expect(key).not.toContain(user?.id);
  expect(visitor({ token: `${key}0` })).not.toEqual(user);
});

test.each([undefined, null, 7, "", "short", "0".repeat(65), "0123456789 abcdefghijklmn", { id: "x" }])(
  "what is no key makes nobody: %j",
  (token) => {
    expect(visitor({ token })).toBeNull();
  },
);
