// What nodes tell each other of presence, and how it is read: as a stranger's, for it came over a wire (PN30).
import type { ClockRange } from "./state/clock-set.ts";
import { within } from "./state/clock-set.ts";
import type { PresenceEntry, PresencePart } from "./state/entry.ts";

/** A node that speaks another one is not understood, and says so to its operator (PN30). */
const VERSION = 1;
/** UTF-16 units of a topic, a holder, a key, a node's name. */
export const LONGEST_TEXT = 4_096;
/** Entries of one message; nodes send at most `MOST_CHANGES` (tracker.ts). */
const MOST_ENTRIES = 10_000;
const MOST_RANGES = 1_000_000;

/** One life of a node. */
export interface PresenceNode {
  /** What its lives have in common. */
  readonly name: string;
  /** Another one in each life. */
  readonly replica: string;
  /** Wall time at which this life began. */
  readonly born: number;
}

interface FromNode {
  readonly node: PresenceNode;
  /** The clock up to which the sender has told of its changes. */
  readonly clock: number;
  /** After so many milliseconds without a word of it, the sender's members are gone. */
  readonly silence: number;
}

export type PresenceMessage<Meta> =
  /** Each period. `hello`: whoever hears it is asked to say one, too. */
  | (FromNode & { readonly type: "beat"; readonly hello: boolean })
  /** The sender's changes. `to`: for that replica alone, which has asked. */
  | (FromNode & {
      readonly type: "changes";
      readonly to: string | undefined;
      readonly part: PresencePart<Meta>;
    })
  /** Who knows all up to `after` wants the rest of a replica's changes. */
  | (FromNode & { readonly type: "ask"; readonly of: string; readonly after: number })
  /** The sender's life ends. */
  | (FromNode & { readonly type: "goodbye" });

/** As it is published: plain, with entries as rows. */
export function writePresenceMessage<Meta>(message: PresenceMessage<Meta>): unknown {
  const { node, clock, silence } = message;
  const said = { v: VERSION, type: message.type, node: [node.name, node.replica, node.born], clock, silence };
  switch (message.type) {
    case "beat":
      return message.hello ? { ...said, hello: true } : said;
    case "goodbye":
      return said;
    case "ask":
      return { ...said, of: message.of, after: message.after };
    case "changes":
      return {
        ...said,
        ...(message.to !== undefined && { to: message.to }),
        clocks: message.part.clocks.flat(),
        entries: message.part.entries.map(({ clock, topic, holder, key, meta, replaced, attempt }) =>
          attempt !== undefined
            ? [clock, topic, holder, key, meta, replaced ?? 0, attempt]
            : replaced === undefined
              ? [clock, topic, holder, key, meta]
              : [clock, topic, holder, key, meta, replaced],
        ),
      };
    default:
      message satisfies never;
      return undefined;
  }
}

/** The replica that a payload says it is from, before it is read: a node hears its own words, too. */
export function senderOf(payload: unknown): unknown {
  const { node } = (payload ?? {}) as { readonly node?: unknown };
  return Array.isArray(node) ? (node as readonly unknown[])[1] : undefined;
}

/** What was published; "version": of another one; undefined: it is no message. */
export function readPresenceMessage<Meta>(payload: unknown): PresenceMessage<Meta> | "version" | undefined {
  if (typeof payload !== "object" || payload === null) return undefined;
  const { v, type, node, clock, silence, ...rest } = payload as Readonly<Record<string, unknown>>;
  if (v !== VERSION) return isClock(v) ? "version" : undefined;
  const from = nodeOf(node);
  if (from === undefined || !isClock(clock) || !isTime(silence)) return undefined;
  const said = { node: from, clock, silence };
  switch (type) {
    case "beat":
      return { ...said, type, hello: rest["hello"] === true };
    case "goodbye":
      return { ...said, type };
    case "ask": {
      const { of, after } = rest;
      return isText(of) && isClock(after) ? { ...said, type, of, after } : undefined;
    }
    case "changes": {
      const { to = undefined } = rest;
      if (to !== undefined && !isText(to)) return undefined;
      const part = partOf<Meta>(from.replica, rest["clocks"], rest["entries"]);
      return part && { ...said, type, to, part };
    }
    default:
      return undefined;
  }
}

function nodeOf(given: unknown): PresenceNode | undefined {
  if (!Array.isArray(given) || given.length !== 3) return undefined;
  const [name, replica, born] = given as readonly unknown[];
  return isText(name) && isText(replica) && replica !== "" && isTime(born)
    ? { name, replica, born }
    : undefined;
}

function partOf<Meta>(replica: string, clocks: unknown, rows: unknown): PresencePart<Meta> | undefined {
  const ranges = rangesOf(clocks);
  if (ranges === undefined || !Array.isArray(rows) || rows.length > MOST_ENTRIES) return undefined;
  const entries: PresenceEntry<Meta>[] = [];
  let last = 0;
  for (const row of rows as readonly unknown[]) {
    const entry = entryOf<Meta>(replica, row);
    if (entry === undefined || entry.clock <= last || !within(ranges, entry.clock)) return undefined;
    entries.push(entry);
    last = entry.clock;
  }
  return { replica, clocks: ranges, entries };
}

/** Pairs, sorted and apart. */
function rangesOf(given: unknown): readonly ClockRange[] | undefined {
  if (!Array.isArray(given) || given.length % 2 === 1 || given.length > 2 * MOST_RANGES) return undefined;
  const numbers = given as readonly unknown[];
  const ranges: ClockRange[] = [];
  let last = 0;
  for (let i = 0; i < numbers.length; i += 2) {
    const [from, to] = [numbers[i], numbers[i + 1]];
    if (!isClock(from) || !isClock(to) || from <= last || to < from) return undefined;
    ranges.push([from, to]);
    last = to;
  }
  return ranges;
}

function entryOf<Meta>(replica: string, row: unknown): PresenceEntry<Meta> | undefined {
  if (!Array.isArray(row) || row.length < 5 || row.length > 7) return undefined;
  const [clock, topic, holder, key, meta, replaced, attempt] = row as readonly unknown[];
  if (!isClock(clock) || !isText(topic) || !isText(holder) || !isText(key)) return undefined;
  const entry = { topic, holder, key, meta: meta as Meta, replica, clock };
  if (row.length === 5) return entry;
  if (!isClock(replaced) || replaced >= clock) return undefined;
  if (row.length === 6) return replaced === 0 ? undefined : { ...entry, replaced };
  return isClock(attempt) ? { ...entry, ...(replaced > 0 && { replaced }), attempt } : undefined;
}

const isText = (value: unknown): value is string => typeof value === "string" && value.length <= LONGEST_TEXT;
const isClock = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
const isTime = (value: unknown): value is number =>
  typeof value === "number" && Number.isFinite(value) && value >= 0;
