// Standard base64 with padding (RFC 4648, section 4), strict: one text for one sequence of bytes.

declare const atob: (text: string) => string;
declare const btoa: (units: string) => string;

/** Bytes that are made a text at once: whole groups of three. */
const CHUNK = 6_144;

export function toBase64(bytes: Uint8Array): string {
  let text = "";
  for (let i = 0; i < bytes.length; i += CHUNK)
    text += btoa(String.fromCharCode(...bytes.subarray(i, i + CHUNK)));
  return text;
}

/** Throws where the text is not the base64 of any bytes. They are put into what `make` makes of their size. */
export function fromBase64(text: string, make = bytesOf): Uint8Array {
  const units = atob(text);
  const { length } = units;
  // White space and missing padding would be taken, and bits at the end that are not the bytes' own: another text would
  // give the same bytes. All three show in the length or in the last group.
  if (text.length !== 4 * Math.ceil(length / 3) || btoa(units.slice(-(length % 3 || 3))) !== text.slice(-4))
    throw new TypeError();
  const bytes = make(length);
  for (let i = 0; i < length; i++) bytes[i] = units.charCodeAt(i);
  return bytes;
}

const bytesOf = (size: number): Uint8Array => new Uint8Array(size);
