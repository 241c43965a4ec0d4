// Chance is passed in, so that a seeded run can be repeated.

/** Where chance comes from: uniform 32-bit unsigned integers. Real ones are cryptographic, a test's are seeded. */
export interface Random {
  /** The next integer, from 0 to 2^32 - 1, each as likely. */
  uint32(): number;
}

const ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_";

/**
 * A message's own random 64-bit name: 11 characters.
 *
 * @example
 * messageId(random); // "AbCdEfGhIjK"
 */
export function messageId(random: Random): string {
  let text = "";
  let last = 0;
  for (const word of [random.uint32(), random.uint32()]) {
    let bits = word;
    for (let i = 0; i < 5; i++, bits >>>= 6) text += ALPHABET[bits & 63];
    last = (last << 2) | bits; // each word leaves two bits over
  }
  return text + ALPHABET[last];
}

/**
 * A float in [0, 1).
 *
 * @example
 * const wait = 1_000 * (0.75 + 0.5 * fraction(random));
 */
export const fraction = (random: Random): number => random.uint32() / 4_294_967_296;
