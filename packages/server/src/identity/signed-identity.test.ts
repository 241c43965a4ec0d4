import { describe, expect, test } from "vitest";
import { generateClientId, signIdentity, verifyIdentity } from "./signed-identity.ts";

const key = new Uint8Array(32).fill(7);
const now = 1_900_000_000_000;
const ann = { clientId: "0123456789abcdef0123456789abcdef", userId: "ann", expires: now + 1_000 };
const FORGED = { ok: false, reason: "forged" };
const verify = (clientId: string, userId: string | null, secret: string, at = now) =>
  verifyIdentity(clientId, userId, secret, key, at);

test("[AU3] client ids are 32 hexadecimal digits of the given chance, leading zeros kept", () => {
  const numbers = [0, 255, 2 ** 32 - 1, 0x12345678];
  expect(generateClientId({ uint32: () => numbers.shift() ?? 0 })).toBe("00000000000000ffffffffff12345678");
  expect(generateClientId()).toMatch(/^[0-9a-f]{32}$/);
  expect(generateClientId()).not.toBe(generateClientId());
});

describe("identity", () => {
  test("[AU4] a secret proves its client and user until it expires", () => {
    const secret = signIdentity(ann, key);
    expect(verify(ann.clientId, "ann", secret)).toEqual({ ok: true, userId: "ann", expires: ann.expires });
    expect(verify(ann.clientId, "ann", secret, ann.expires - 1)).toMatchObject({ ok: true });
    expect(verify(ann.clientId, "ann", secret, ann.expires)).toEqual({ ok: false, reason: "expired" });
  });

  test("[AU4] the form of a secret is pinned: a change logs everybody out", () => {
    expect(signIdentity({ clientId: "c", userId: null, expires: 36 }, key)).toBe(
      "10.yRxLN4pqdGeYJHyQTCAUzuOldKG7Q2MzVq3415ayPDU",
    );
  });

  test("[AU5] a secret is forged for any other client, user or key", () => {
    const secret = signIdentity(ann, key);
    expect(verify("another", "ann", secret)).toEqual(FORGED);
    expect(verify(ann.clientId, "bob", secret)).toEqual(FORGED);
    expect(verify(ann.clientId, null, secret)).toEqual(FORGED);
    expect(verifyIdentity(ann.clientId, "ann", secret, new Uint8Array(32), now)).toEqual(FORGED);
  });

  test("[AU5] nobody signed in is not the user with the empty name, nor the one named null", () => {
    const secret = signIdentity({ ...ann, userId: null }, key);
    expect(verify(ann.clientId, null, secret)).toMatchObject({ ok: true, userId: null });
    expect(verify(ann.clientId, "", secret)).toEqual(FORGED);
    expect(verify(ann.clientId, "null", secret)).toEqual(FORGED);
  });

  test("[AU5] parts cannot be moved between the client id and the user", () => {
    const secret = signIdentity({ clientId: 'a","b', userId: "c", expires: ann.expires }, key);
    expect(verify('a","b', "c", secret)).toMatchObject({ ok: true });
    expect(verify("a", 'b","c', secret)).toEqual(FORGED);
    const half = signIdentity({ clientId: "a", userId: "\ud800", expires: ann.expires }, key);
    expect(verify("a", "\ufffd", half)).toEqual(FORGED);
  });

  test("[AU6] a secret with a later expiry, or a changed character, is forged, never expired", () => {
    const secret = signIdentity({ ...ann, expires: now - 1 }, key);
    expect(verify(ann.clientId, "ann", secret)).toEqual({ ok: false, reason: "expired" });
    const [, mac] = secret.split(".");
    expect(verify(ann.clientId, "ann", `${(now + 9).toString(36)}.${mac}`)).toEqual(FORGED);
    for (let i = 0; i < secret.length; i++) {
      const changed = secret.slice(0, i) + (secret[i] === "0" ? "1" : "0") + secret.slice(i + 1);
      expect(verify(ann.clientId, "ann", changed)).toEqual(FORGED);
    }
  });

  test("[AU6] anything at all can be presented", () => {
    const hostile: unknown[] = [
      "",
      ".",
      "..",
      "zz",
      "0.",
      `0.${"A".repeat(43)}`,
      `-1.${"A".repeat(43)}`,
      `00.${"A".repeat(43)}`,
      `1e5.${"A".repeat(43)}`,
      `${"z".repeat(11)}.${"A".repeat(43)}`,
      `${"z".repeat(1e6)}.${"A".repeat(43)}`,
      `1.${"é".repeat(43)}`,
      `1.${"A".repeat(43)}\n`,
      `1.${"A".repeat(1e6)}`,
      "\u0000",
      null,
      undefined,
      1,
      {},
      [],
      Symbol("s"),
      new Uint8Array(44),
    ];
    for (const secret of hostile) {
      expect(verify(ann.clientId, "ann", secret as string)).toEqual(FORGED);
      expect(verify(secret as string, "ann", signIdentity(ann, key))).toEqual(FORGED);
    }
  });
});
