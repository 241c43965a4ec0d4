// Standard base64 with padding (RFC 4648, section 4), strict: one text for one sequence of bytes. In plain
// JavaScript, for neither `btoa` nor `Uint8Array.prototype.toBase64` is everywhere this package runs.

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const INVALID = 64;
const values = new Uint8Array(128).fill(INVALID);
for (let i = 0; i < ALPHABET.length; i++) values[ALPHABET.charCodeAt(i)] = i;

export function toBase64(bytes: Uint8Array): string {
  let text = "";
  for (let i = 0; i < bytes.length; i += 3) {
    const left = bytes.length - i;
    const bits = ((bytes[i] as number) << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0);
    text += digit(bits >> 18) + digit(bits >> 12);
    text += (left > 1 ? digit(bits >> 6) : "=") + (left > 2 ? digit(bits) : "=");
  }
  return text;
}

const digit = (bits: number): string => ALPHABET.charAt(bits & 63);

/** The bytes, or undefined where the text is not the base64 of any. */
export function fromBase64(text: string): Uint8Array | undefined {
  if (text.length % 4 !== 0) return undefined;
  const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
  const digits = text.length - padding;
  const bytes = new Uint8Array((text.length / 4) * 3 - padding);
  let bits = 0;
  for (let i = 0, at = 0; i < digits; i++) {
    const value = values[text.charCodeAt(i)] ?? INVALID;
    if (value === INVALID) return undefined;
    bits = (bits << 6) | value;
    if (i % 4 > 0) bytes[at++] = bits >> (6 - 2 * (i % 4));
  }
  // The bits that padding leaves over must be zero.
  const over = padding === 2 ? 15 : padding === 1 ? 3 : 0;
  return (bits & over) === 0 ? bytes : undefined;
}
