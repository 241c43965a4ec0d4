// What a rejection says to whoever catches it: its code, the sentence that the code stands for, and the particulars.
import { ERROR_SENTENCES } from "../base/error-sentences.ts";
import { describe } from "../base/errors.ts";
import type { CallaRejectionCode } from "../wiring/slice.ts";

/** Codes that only rejections have; the others are those of CallaError. */
const ONLY_HERE: Partial<Record<CallaRejectionCode, string>> = {
  "unknown-message": "The slice has no message of this type on the other side.",
  "server-only": "Only the server may dispatch this message.",
  "mid-conflict": "Another message was sent under this number; whether this one was applied cannot be known.",
};
const LONGEST = 500;

/**
 * A sentence for people: what was rejected and why. `from`: "app" where the slice's own update said so.
 *
 * @example
 * rejectionText("calla", "forbidden", {}); // "The message was rejected (forbidden): This is not allowed."
 */
export function rejectionText(from: "app" | "calla", code: string, details: unknown): string {
  const known: Readonly<Record<string, string>> = { ...ERROR_SENTENCES, ...ONLY_HERE };
  const why =
    from === "app"
      ? "The update of its slice refused it."
      : Object.hasOwn(known, code)
        ? known[code]!
        : "The server gave no other reason.";
  const particulars = textOf(details);
  return `The message was rejected (${code}): ${why}${particulars && ` ${particulars}`}`;
}

function textOf(details: unknown): string {
  try {
    const text = JSON.stringify(details) ?? "";
    if (text === "{}" || text === "null" || text === "") return "";
    return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
  } catch (error) {
    return describe(error);
  }
}
