// Who connects. Nobody signs in: a browser makes up a key and keeps it, and its user is what the key hashes to. So all
// tabs of a browser are one user, and nobody can be somebody else of whom they have only read.
import { createHash } from "node:crypto";
import { z } from "zod";

const Key = z.string().regex(/^[0-9a-z]{20,64}$/);

export function visitor({ token }: { readonly token: unknown }): { readonly id: string } | null {
  const key = Key.safeParse(token);
  return key.success ? { id: createHash("sha256").update(key.data).digest("base64url").slice(0, 16) } : null;
}
