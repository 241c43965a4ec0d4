// The auth token that phoenix.js hides in the subprotocols it offers, since a browser's WebSocket has no headers (W22).

const PREFIX = "base64url.bearer.phx.";
/** Standard base64, whatever the prefix says: phoenix.js writes `btoa(token)` without padding. */
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

export interface OfferedToken {
  /** Undefined: none, or more than one, which is none. */
  readonly token: string | undefined;
  /** The token could not be read. */
  readonly malformed: boolean;
  /** What else was offered, in the client's order. */
  readonly others: readonly string[];
}

export const offersToken = (protocols: readonly string[]): boolean =>
  protocols.some((name) => name.startsWith(PREFIX));

export function takeToken(protocols: readonly string[]): OfferedToken {
  const [carrier, second] = protocols.filter((name) => name.startsWith(PREFIX));
  if (carrier === undefined || second !== undefined)
    return { token: undefined, malformed: false, others: protocols };
  const token = decoded(carrier.slice(PREFIX.length));
  return {
    token,
    malformed: token === undefined,
    others: protocols.filter((name) => name !== carrier),
  };
}

function decoded(text: string): string | undefined {
  if (!BASE64.test(text) || text.replaceAll("=", "").length % 4 === 1) return undefined;
  const bytes = Buffer.from(text, "base64");
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    // `btoa` takes characters up to U+00FF and writes each as a byte.
    return bytes.toString("latin1");
  }
}
