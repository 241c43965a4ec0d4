// A difference that is read at a glance: what was expected above what was heard, and a mark where they part.
import type { Deed, Hearing, Json } from "../recording/recording.ts";
import type { Failure } from "../run/outcome.ts";

/** The lines of a failure: what it is about, what the client had said, what was expected, what was heard. */
export function differenceLines(failure: Failure): string[] {
  const { conversation, about, who = "main", at, said, late, says } = failure;
  const [expected, heard] = [shownAs(failure.expected), shownAs(failure.heard)];
  const place = [
    ...(who === "main" ? [] : [who]),
    ...(at === undefined ? [] : [`what it hears ${ordinal(at)}`]),
    ...(late === undefined ? [] : [`${late} ms later`]),
  ].join(", ");
  const one = failure.expected === undefined && failure.heard === undefined && says !== undefined;
  return [
    `${conversation}: ${about}${place === "" ? "" : ` (${place})`}`,
    ...(says === undefined ? [] : [`  ${says}`]),
    ...(said === undefined ? [] : [`  said      ${deedShown(said)}`]),
    ...(one ? [] : parted(expected, heard)),
  ];
}

/** Long ones are cut around the place where they part. */
const WIDTH = 140;
/** Of a long one, so much is shown before that place. */
const BEFORE = 40;

function parted(expected: string, heard: string): string[] {
  const at = firstDifference(expected, heard);
  const from = Math.max(expected.length, heard.length) > WIDTH ? Math.max(0, at - BEFORE) : 0;
  const cut = (text: string): string => {
    const end = from + WIDTH;
    return `${from > 0 ? "…" : ""}${text.slice(from, end)}${text.length > end ? "…" : ""}`;
  };
  const mark = `${" ".repeat(at - from + (from > 0 ? 1 : 0))}^`;
  return [
    `  expected  ${cut(expected)}`,
    `  heard     ${cut(heard)}`,
    ...(expected === "nothing" || heard === "nothing" ? [] : [`            ${mark}`]),
  ];
}

function firstDifference(a: string, b: string): number {
  let at = 0;
  while (at < a.length && at < b.length && a[at] === b[at]) at += 1;
  return at;
}

/** A thing heard, or a value, as a report shows it. */
export function shownAs(heard: Hearing | Json | undefined): string {
  if (heard === undefined) return "nothing";
  if (!isHearing(heard)) return sorted(heard);
  const after = heard.after === undefined ? "" : ` (not before ${heard.after} ms)`;
  switch (heard.hear) {
    case "upgraded":
      return `the WebSocket opens${headersShown(heard.headers)}${after}`;
    case "text":
      return `${sorted(heard.json)}${after}`;
    case "binary":
    case "ping":
    case "pong":
      return `${heard.hear} ${heard.hex}${after}`;
    case "close":
      return `close ${heard.code}${after}`;
    case "end":
      return `the connection is cut${after}`;
    case "status":
      return `status ${heard.status}${after}`;
    case "broken":
      return `no frame of a server: ${heard.what}`;
    case "answer": {
      const body = heard.json === undefined ? JSON.stringify(heard.body ?? "") : sorted(heard.json);
      return `HTTP ${heard.status} ${body}${headersShown(heard.headers)}${after}`;
    }
  }
}

const headersShown = (headers: Readonly<Record<string, string>>): string =>
  Object.keys(headers).length === 0 ? "" : ` ${sorted(headers)}`;

const isHearing = (heard: Hearing | Json): heard is Hearing =>
  typeof heard === "object" && heard !== null && "hear" in heard;

/** What a client does, as a report shows it. */
export function deedShown(deed: Deed): string {
  switch (deed.do) {
    case "text":
      return deed.text;
    case "upgrade":
    case "longpoll":
      return `${deed.do} ${deed.path}${"headers" in deed ? ` ${JSON.stringify(deed.headers)}` : ""}`;
    case "binary":
    case "ping":
    case "raw":
      return `${deed.do} ${deed.hex}`;
    case "close":
      return `close ${deed.code ?? "without a code"}`;
    case "vanish":
      return "nothing: it cut the connection";
    case "request":
      return `${deed.method} ${deed.path}${deed.body === undefined ? "" : ` ${deed.body}`}`;
    case "pause":
      return `nothing for ${deed.ms} ms`;
  }
}

/** JSON whose keys are in order, for they may come in any. */
function sorted(value: Json | Readonly<Record<string, string>>): string {
  return JSON.stringify(value, (_, item: unknown) =>
    typeof item === "object" && item !== null && !Array.isArray(item)
      ? Object.fromEntries(Object.entries(item).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : item,
  );
}

const ordinal = (n: number): string => {
  const tens = n % 100 > 10 && n % 100 < 14;
  return `${n}${tens ? "th" : (["th", "st", "nd", "rd"][n % 10] ?? "th")}`;
};
