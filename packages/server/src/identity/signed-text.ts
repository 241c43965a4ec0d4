// A seal on what only a holder of the key can have written: a MAC over a form and parts. What is sealed with it, and how
// it is written down, its users say (signed-identity.ts; the tokens of poll sessions).
import { createHmac, timingSafeEqual } from "node:crypto";

type Part = string | number | null;

/** base64url of 32 bytes. */
export const SEAL_LENGTH = 43;

/** `form` keeps apart what is sealed for different uses by one key. JSON keeps the parts apart whatever is in them, and null from "". */
export const sealOf = (form: string, parts: readonly Part[], key: Uint8Array): string =>
  createHmac("sha256", key)
    .update(JSON.stringify([form, ...parts]))
    .digest("base64url");

/** Whether `seal` is theirs. Takes as long wherever it differs. */
export function sealHolds(seal: string, form: string, parts: readonly Part[], key: Uint8Array): boolean {
  const shown = Buffer.from(seal, "latin1");
  const expected = Buffer.from(sealOf(form, parts, key), "latin1");
  return shown.length === expected.length && timingSafeEqual(shown, expected);
}
