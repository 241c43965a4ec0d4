// Who connects. Nobody signs in: a browser makes up a key and keeps it, and is known by what the key hashes to. So nobody
// can speak as an author whom they have only read of.
import { createHash } from "node:crypto";
import { accept, deny } from "@calla/server/channels";
import type { PhoenixRequest } from "@calla/server/channels";
import { z } from "zod";
import { MAX_NAME } from "../shared/chat.ts";

export interface Visitor {
  readonly author: string;
  readonly name: string;
}

const Key = z.string().regex(/^[\w-]{20,64}$/);
const Name = z.string().trim().min(1).max(MAX_NAME);

export const authorOf = (key: string): string =>
  createHash("sha256").update(key).digest("base64url").slice(0, 16);

export function visitor({ authToken, params }: PhoenixRequest) {
  const key = Key.safeParse(authToken);
  const name = Name.safeParse(params["name"]);
  if (!key.success || !name.success) return deny(401);
  return accept<Visitor>({ author: authorOf(key.data), name: name.data });
}
