import { randomBytes, randomUUID } from "node:crypto";
import { CallaError } from "@calla/shared";
import { expect, test } from "vitest";
import { wire } from "../../test/wired.ts";
import { secretProblem } from "./secret-strength.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

test.each([
  "changeme",
  "changeme-changeme-changeme",
  "please-change-this-secret-key!",
  "my-super-secret-password-123",
  "secretsecretsecretsecret",
  "CHANGE_ME_IN_PRODUCTION_1",
  "your-secret-key-here-please",
  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
  "abababababababababababababababab",
  "12345678901234567890",
  "abcdefghijklmnopqrstuvwxyz",
  "password12345678",
  "00000000000000000000000000000001",
  "calla-calla-calla-dev-secret",
])("[AU23] %s is refused, with a sentence that makes one", (secret) => {
  expect(() => wire({ secret })).toThrow(CallaError);
  expect(() => wire({ secret: bytes(secret) })).toThrow(/randomBytes\(32\)/);
});

test("[AU23] bytes that are all equal, few, or count are refused", () => {
  for (const secret of [
    new Uint8Array(32),
    new Uint8Array(64).fill(7),
    Uint8Array.from({ length: 32 }, (_, at) => at),
    Uint8Array.from({ length: 300 }, (_, at) => 255 - at),
    Uint8Array.from({ length: 32 }, (_, at) => at % 3),
    Uint8Array.from({ length: 32 }, (_, at) => (at * at) % 4),
    new Uint8Array(15).map((_, at) => at * 37),
  ])
    expect(secretProblem(secret), String(secret)).toBeDefined();
});

test("[AU23] what is random, in whatever form, is taken", () => {
  for (let i = 0; i < 2_000; i++)
    for (const secret of [
      randomBytes(16),
      randomBytes(32),
      bytes(randomBytes(16).toString("hex")),
      bytes(randomBytes(32).toString("base64url")),
      bytes(randomBytes(18).toString("base64")),
      bytes(randomUUID()),
    ])
      expect(secretProblem(secret), Buffer.from(secret).toString()).toBeUndefined();
  for (const secret of [
    "a sentence that every node of this house knows",
    "correct horse battery staple",
    "0123456789abcdef0123456789abcdef",
  ])
    expect(secretProblem(bytes(secret)), secret).toBeUndefined();
});
