// Which client a connection is, provable by any node that has the key: a client id, and a secret that binds it to a
// user and an expiry. Not here: who is given an identity (authenticate.ts), and what becomes of an expired one
// (hello.ts).
import type { Random } from "@calla/shared";
import { systemRandom } from "../base/clock.ts";
import { SEAL_LENGTH, sealHolds, sealOf } from "./signed-text.ts";

/** What a secret proves: this client id belongs to this user (null: nobody signed in) until `expires`. */
export interface Identity {
  readonly clientId: string;
  readonly userId: string | null;
  /** Milliseconds since the epoch; from then on the identity is expired. */
  readonly expires: number;
}

/** What a presented identity turned out to be. */
export type IdentityCheck =
  | { readonly ok: true; readonly userId: string | null; readonly expires: number }
  /** `expired`: genuine, but over. `forged`: not made by this key for this client and this user. */
  | { readonly ok: false; readonly reason: "expired" | "forged" };

/** Raised when what is signed changes: secrets of another form are then forged, not misread. */
const FORM = "calla-identity-1";

/**
 * A fresh client id: 128 random bits in hexadecimal.
 *
 * @example
 * generateClientId(); // "9f86d081884c7d659a2feaa0c55ad015"
 */
export function generateClientId(random: Random = systemRandom): string {
  let id = "";
  for (let i = 0; i < 4; i++) id += random.uint32().toString(16).padStart(8, "0");
  return id;
}

/**
 * The secret that proves an identity: its expiry and a MAC, to be kept by the client and shown to nobody else.
 *
 * @example
 * const secret = signIdentity({ clientId, userId: "ada", expires: now + lifetime }, key);
 */
export function signIdentity(identity: Identity, key: Uint8Array): string {
  // Whatever the lifetime is: what expires never does so late, and never within a millisecond.
  const expires = Math.min(Math.floor(identity.expires), Number.MAX_SAFE_INTEGER);
  return `${expires.toString(36)}.${sealOf(FORM, [identity.clientId, identity.userId, expires], key)}`;
}

/**
 * Whether `secret` was made for this client and this (already authenticated) user, and still holds. Total: whatever a
 * peer sends, the answer is a value. Only a genuine secret is ever called expired.
 *
 * @example
 * const check = verifyIdentity(hello.identity.clientId, user.id, hello.identity.secret, key, clock.now());
 */
export function verifyIdentity(
  clientId: string,
  userId: string | null,
  secret: string,
  key: Uint8Array,
  now: number,
): IdentityCheck {
  const expires = expiryOf(secret);
  if (expires === undefined || typeof clientId !== "string") return FORGED;
  if (!sealHolds(secret.slice(-SEAL_LENGTH), FORM, [clientId, userId, expires], key)) return FORGED;
  return now < expires ? { ok: true, userId, expires } : { ok: false, reason: "expired" };
}

const FORGED: IdentityCheck = { ok: false, reason: "forged" };

/** The expiry in a secret of the right form. Only one text stands for a number, so that a secret has one form. */
function expiryOf(secret: unknown): number | undefined {
  if (typeof secret !== "string" || !/^[0-9a-z]{1,11}\.[\w-]{43}$/.test(secret)) return undefined;
  const text = secret.slice(0, -SEAL_LENGTH - 1);
  const expires = Number.parseInt(text, 36);
  return Number.isSafeInteger(expires) && expires.toString(36) === text ? expires : undefined;
}
