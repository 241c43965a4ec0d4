// The message of a caught rejection: its code, the sentence that the code stands for, and the details.
import { describe } from "../base/errors.ts";
import type { CodeTable } from "../codes/code-table.ts";
import { rejectionCodes } from "../codes/rejection-codes.ts";

const LONGEST = 500;

/**
 * A sentence for people: what was rejected and why. `from`: "app" where the slice's own update said so.
 *
 * @example
 * rejectionText("calla", "forbidden", {}); // "The message was rejected (forbidden): This is not allowed."
 */
export function rejectionText(from: "app" | "calla", code: string, details: unknown): string {
  const known: CodeTable = rejectionCodes;
  const why =
    from === "app"
      ? "The update of its slice refused it."
      : Object.hasOwn(known, code)
        ? known[code]!.means
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
