// How large a rejection's details may be. They are remembered until their author has settled them, so the app's are
// measured, and Calla's own are cut to what helps to find the mistake.
import { json } from "@calla/shared";
import type { Serialiser } from "@calla/shared";

const JSON_FORMAT = json();

/** Bytes of details as JSON, as a frame has them and a log may. @throws CallaError `invalid-value`. */
export const bytesOfDetails = (details: unknown, carrier: Pick<Serialiser, "payload">): number =>
  bytes(carrier.payload(JSON_FORMAT).encodeDetails(details));

/** Calla's own details are at most so many bytes as JSON. */
export const MOST_OWN = 256;
/** Of which a path takes so many, a name in it or another text so many. */
const MOST_PATH = 100;
const MOST_TEXT = 40;

interface Issue {
  readonly message: string;
  readonly path: readonly (string | number)[];
}

/**
 * Calla's own details, which are plain: of a schema's complaints those that fit, the first with path and message cut if
 * it does not; of others their texts cut.
 */
export function shortened(details: unknown): unknown {
  if (bytes(details) <= MOST_OWN) return details;
  const { issues, ...others } = details as { readonly issues?: readonly Issue[] };
  if (issues === undefined) {
    const cut = Object.entries(others).map(([name, value]) => [
      name,
      typeof value === "string" ? cutText(value, MOST_TEXT) : value,
    ]);
    const less: unknown = Object.fromEntries(cut);
    return bytes(less) <= MOST_OWN ? less : {};
  }
  const kept: Issue[] = [];
  for (const issue of issues) {
    if (bytes({ issues: [...kept, issue] }) <= MOST_OWN) kept.push(issue);
    else if (kept.length === 0) kept.push(cutIssue(issue));
    else break;
  }
  return { issues: kept };
}

function cutIssue({ message, path }: Issue): Issue {
  const short: (string | number)[] = [];
  for (const name of path) {
    const next = typeof name === "string" ? cutText(name, MOST_TEXT) : name;
    if (bytes([...short, next]) > MOST_PATH) break;
    short.push(next);
  }
  const room = MOST_OWN - bytes({ issues: [{ message: "", path: short }] });
  return { message: cutText(message, room), path: short };
}

/** At most so many bytes, as JSON between its quotes. What is cut ends in "…". */
function cutText(text: string, most: number): string {
  if (bytes(text) - 2 <= most) return text;
  let end = 0;
  let used = ELLIPSIS;
  for (const character of text) {
    used += bytes(character) - 2;
    if (used > most) break;
    end += character.length;
  }
  return `${text.slice(0, end)}…`;
}
const ELLIPSIS = 3;

const encoder = new TextEncoder();
const bytes = (plain: unknown): number => encoder.encode(JSON.stringify(plain) ?? "").length;
