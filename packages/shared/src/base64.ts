// Standard base64 with padding (RFC 4648, section 4), strict: one text for one sequence of bytes.

// In every browser, worker and JavaScript server; the types of neither DOM nor Node are known here.
declare const btoa: (binary: string) => string;
declare const atob: (text: string) => string;

export function toBase64(bytes: Uint8Array): string {
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}

/** Throws where the text is not the base64 of any bytes. */
export function fromBase64(text: string): Uint8Array {
  const bytes = Uint8Array.from(atob(text), (unit) => unit.charCodeAt(0));
  // atob takes spaces, missing padding and stray bits.
  if (toBase64(bytes) !== text) throw new TypeError("no strict base64");
  return bytes;
}
