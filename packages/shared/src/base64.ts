// Standard base64 with padding (RFC 4648, section 4), strict: one text for one sequence of bytes. By hand, for btoa and
// atob take texts of units, which have to be made and taken apart: a megabyte took 333 ms to read, and takes 8.

const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const PADDING = 0x3d;
/** The value of each unit that is a digit; 64 and more of all others. */
const VALUES = new Uint8Array(256).fill(64);
for (let value = 0; value < 64; value++) VALUES[DIGITS.charCodeAt(value)] = value;
/** Units of text that are made at once. */
const CHUNK = 4_096;

export function toBase64(bytes: Uint8Array): string {
  let text = "";
  let units: number[] = [];
  for (let i = 0; i < bytes.length; i += 3) {
    const three = (bytes[i]! << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0);
    units.push(
      DIGITS.charCodeAt(three >> 18),
      DIGITS.charCodeAt((three >> 12) & 63),
      i + 1 < bytes.length ? DIGITS.charCodeAt((three >> 6) & 63) : PADDING,
      i + 2 < bytes.length ? DIGITS.charCodeAt(three & 63) : PADDING,
    );
    if (units.length < CHUNK) continue;
    text += String.fromCharCode(...units);
    units = [];
  }
  return text + String.fromCharCode(...units);
}

/** Throws where the text is not the base64 of any bytes. They are put into what `make` makes of their size. */
export function fromBase64(text: string, make = bytesOf): Uint8Array {
  if (text.length % 4 !== 0) throw notStrict();
  const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
  const digits = text.length - padding;
  const bytes = make((text.length / 4) * 3 - padding);
  let at = 0;
  for (let i = 0; i < digits; i += 4) {
    const [a, b] = [valueAt(text, i), valueAt(text, i + 1)];
    const [c, d] = [i + 2 < digits ? valueAt(text, i + 2) : 0, i + 3 < digits ? valueAt(text, i + 3) : 0];
    if ((a | b | c | d) > 63) throw notStrict();
    const four = (a << 18) | (b << 12) | (c << 6) | d;
    // Bits that are not the bytes' own: another text would give the same bytes.
    if ((i + 2 >= digits && (four & 0xffff) !== 0) || (i + 3 >= digits && (four & 0xff) !== 0))
      throw notStrict();
    bytes[at++] = four >> 16;
    if (i + 2 < digits) bytes[at++] = (four >> 8) & 0xff;
    if (i + 3 < digits) bytes[at++] = four & 0xff;
  }
  return bytes;
}

const bytesOf = (size: number): Uint8Array => new Uint8Array(size);

const valueAt = (text: string, at: number): number => VALUES[text.charCodeAt(at)] ?? 64;
const notStrict = (): TypeError => new TypeError("no strict base64");
