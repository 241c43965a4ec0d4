// The tokens of poll sessions: which node holds the session, its name there, and when it was begun, sealed by the key of
// the channels. Whoever has one speaks as the session, so a name alone must not do: it is chance of 128 bits.
import { SEAL_LENGTH, sealHolds, sealOf } from "../../../identity/signed-text.ts";

export interface SessionToken {
  /** The node that the session lives on. */
  readonly node: string;
  readonly session: string;
  /** Milliseconds since the epoch. */
  readonly issued: number;
}

/** Raised when what is sealed changes. */
const FORM = "calla-longpoll-1";
/** Two weeks, as Phoenix: an older token is none (LP30). */
export const OLDEST = 14 * 24 * 3_600_000;
/** Longer ones are none of ours; nothing is computed for them. */
const LONGEST = 1_024;

/** Text that goes into a URL as it is. */
export function tokenOf({ node, session, issued }: SessionToken, key: Uint8Array): string {
  const parts = [node, session, issued];
  return `${Buffer.from(JSON.stringify(parts)).toString("base64url")}.${sealOf(FORM, parts, key)}`;
}

/**
 * Whether a text may once have been a token, of whatever key. An app's own `token` among the params, as Phoenix' guides have
 * it, comes in the same field of the query, and is none.
 */
export const hasTokenForm = (text: string): boolean => partsOfToken(text) !== undefined;

/** What a token says; undefined for whatever is not one of this key, or too old. Total. */
export function readToken(text: string, key: Uint8Array, now: number): SessionToken | undefined {
  const parts = partsOfToken(text);
  if (parts === undefined || !sealHolds(text.slice(-SEAL_LENGTH), FORM, parts, key)) return undefined;
  const [node, session, issued] = parts;
  return now - issued < OLDEST ? { node, session, issued } : undefined;
}

function partsOfToken(text: string): readonly [string, string, number] | undefined {
  const dot = text.length - SEAL_LENGTH - 1;
  return text.length > LONGEST || dot < 1 || text[dot] !== "." ? undefined : partsOf(text.slice(0, dot));
}

function partsOf(text: string): readonly [string, string, number] | undefined {
  try {
    const parts: unknown = JSON.parse(Buffer.from(text, "base64url").toString());
    if (!Array.isArray(parts) || parts.length !== 3) return undefined;
    const [node, session, issued] = parts as readonly unknown[];
    if (typeof node !== "string" || typeof session !== "string" || typeof issued !== "number")
      return undefined;
    return [node, session, issued];
  } catch {
    return undefined;
  }
}
