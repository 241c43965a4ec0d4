// Whether a key that signs identities can be guessed. It finds only keys that are plainly not random: no test can tell
// that another key is.

const SHORTEST = 16;
/** A text or bytes that repeat so few are no key. */
const LONGEST_PERIOD = 10;
const FEWEST_DIFFERENT = 6;
/** What stands in examples, and in keys that were to be replaced. */
const WORDS =
  /change|replace|this|please|me|my|your|our|the|super|very|top|secret|password|passwort|passphrase|token|key|calla|server|session|default|example|sample|demo|development|dev|testing|test|local|production|prod|insecure|unsafe|todo|fixme|here|foo|bar|baz|qwerty|asdf|letmein|admin|root|hello|world|\d/g;
const LEAST_REST = 8;

/** What is wrong with it, as a part of a sentence; undefined: nothing that shows. */
export function secretProblem(secret: Uint8Array): string | undefined {
  if (secret.length < SHORTEST) return "it is shorter than 16 bytes";
  for (let period = 1; period <= LONGEST_PERIOD; period++)
    if (secret.every((byte, at) => byte === secret[at % period])) return "it repeats itself";
  if (new Set(secret).size < FEWEST_DIFFERENT) return "it has too few different bytes";
  const step = (secret[1]! - secret[0]!) & 0xff;
  if (secret.every((byte, at) => at === 0 || ((byte - secret[at - 1]!) & 0xff) === step))
    return "it counts up or down";
  const text = Array.from(secret, (byte) => String.fromCharCode(byte))
    .join("")
    .toLowerCase();
  // A random key in letters has hardly any of these words, and much that is none.
  const rest = text.replaceAll(WORDS, "").replaceAll(/[^a-z]/g, "");
  if (/^[\x20-\x7e]+$/.test(text) && rest.length < LEAST_REST && /[a-z]{4}/.test(text) && !isEncoded(text))
    return "it is made of words that stand in examples";
  return undefined;
}

/** Hexadecimal or base64: few letters say nothing of those. */
const isEncoded = (text: string): boolean => /^[0-9a-f]{32,}$/.test(text.replaceAll("-", ""));

export const SECRET_CURE =
  "Give all nodes the same random secret of at least 32 bytes; this makes one: node -e \"console.log(crypto.randomBytes(32).toString('base64url'))\"";
