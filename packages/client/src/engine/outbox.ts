// What was dispatched and has no outcome, per target in dispatch order, with dense mids: what may leave, and what must be
// remembered. Not here: storing (storage/ledger.ts), what is shown (replica.ts), who is told an outcome (outcomes.ts).
import { CallaError, DEV } from "@calla/shared";
import type { CallaRejectionCode, TargetKey } from "@calla/shared";
import { rejectedBy } from "../base/rejected-error.ts";
import { listedWrite } from "./dispatch.ts";
import type { Core, Dispatch, HeldWrite, Queue } from "./records.ts";
import { clear, doubt } from "./suspects.ts";

export function queueOf(core: Pick<Core, "queues">, target: TargetKey): Queue {
  let queue = core.queues.get(target);
  if (!queue) {
    queue = {
      target,
      entries: [],
      last: 0,
      settled: 0,
      loaded: 0,
      known: 0,
      paused: undefined,
      conflict: Infinity,
    };
    core.queues.set(target, queue);
  }
  return queue;
}

/** What waits, in all queues. */
export const undecided = (core: Pick<Core, "queues">): Dispatch[] =>
  [...core.queues.values()].flatMap(({ entries }) => entries);

/** Throws before anything has happened if the outbox is full (OB5). */
export function add(core: Core, entry: Dispatch): void {
  const { maxPending, maxPendingBytes, maxPendingAge } = core;
  const { entries } = queueOf(core, entry.target);
  const full =
    core.size >= maxPending
      ? { maxPending }
      : core.bytes + entry.size > maxPendingBytes
        ? { maxPendingBytes }
        : entries[0] && entry.at - entries[0].at > maxPendingAge && { maxPendingAge };
  if (full) throw new CallaError("queue-full", full);
  entries.push(entry);
  core.size++;
  core.bytes += entry.size;
}

/** Gives mids to those that have none; returns them. */
export function number(queue: Queue): readonly Dispatch[] {
  const first = queue.entries.findLastIndex(({ mid }) => mid > 0) + 1;
  const fresh = queue.entries.slice(first);
  for (const entry of fresh) entry.mid = ++queue.last;
  return fresh;
}

/** Of an earlier page: before all that this one has dispatched. */
export function load(core: Core, queue: Queue, entries: readonly Dispatch[]): void {
  queue.entries = [...entries, ...queue.entries];
  for (const entry of entries) {
    core.size++;
    core.bytes += entry.size;
    if (entry.held) core.held.add(entry);
  }
}

/** Mids are dense but for those that were decided out of turn, so it stands at its distance from the first, or before. */
function placeOf({ entries }: Queue, mid: number): number {
  let at = Math.min(mid - (entries[0]?.mid ?? 0), entries.length - 1);
  while (at >= 0 && entries[at]?.mid !== mid) at--;
  return at;
}

export function find(queue: Queue, mid: number, id: string): Dispatch | undefined {
  const entry = queue.entries[placeOf(queue, mid)];
  return entry?.id === id ? entry : undefined;
}

/** What may leave now: durable, in order, and never so far ahead that the server must remember too much (OB4). */
export function sendable(queue: Queue, maxInFlight: number): readonly Dispatch[] {
  const found: Dispatch[] = [];
  if (queue.paused) return found;
  const end = Math.min(queue.settled + maxInFlight + 1, queue.conflict);
  for (const entry of queue.entries) {
    if (entry.stage === "new" || entry.held || entry.mid >= end) break;
    if (entry.stage === "stored") found.push(entry);
  }
  return found;
}

/** What was sent before the given time, from this mid on, is to be sent again. */
export function again({ entries }: Queue, from: number, before: number): void {
  for (const entry of entries)
    if (entry.stage === "sent" && entry.mid >= from && entry.sentAt < before) entry.stage = "stored";
}

/** It has an outcome: it is not sent again. */
export function leave(core: Core, queue: Queue, entry: Dispatch): void {
  const { entries } = queue;
  const at = entry.mid ? placeOf(queue, entry.mid) : entries.indexOf(entry);
  if (entries[at] !== entry) return;
  queue.known = Math.max(queue.known, entry.mid);
  // An engine takes the first of an array away without moving the others.
  if (at === 0) entries.shift();
  else entries.splice(at, 1);
  entry.stage = "decided";
  core.held.delete(entry);
  core.size--;
  core.bytes -= entry.size;
}

/** The highest mid up to which every outcome is known. */
export const settledMid = ({ entries, last }: Queue): number => {
  const first = entries[0]?.mid ?? 0;
  return first ? first - 1 : last;
};

/** The same array until it changes. */
export function listPending(core: Core): Core["listed"] {
  const now = undecided(core)
    .filter(({ outcome }) => !outcome)
    .map(listedWrite);
  const { listed } = core;
  const same = now.length === listed.length && now.every((one, i) => one === listed[i]);
  return same ? listed : (core.listed = now);
}

/** Likewise. */
export function listHeld(core: Core, cancel: (entry: Dispatch) => boolean): readonly HeldWrite[] {
  const { heldWrites: held } = core;
  const now = [...core.held];
  if (now.length === held.length && now.every(({ id }, i) => held[i]?.id === id)) return held;
  return (core.heldWrites = now.map((entry) => ({
    ...listedWrite(entry),
    retry: () => retry(core, entry),
    cancel: () => cancel(entry),
  })));
}

// ------------------------------------------------------------- messages that end the connections that carry them (OB20)

function setHeld(core: Core, entry: Dispatch, on: boolean): void {
  entry.held = on;
  if (on) core.held.add(entry);
  else core.held.delete(entry);
  core.ledger?.keep(entry);
  core.due();
}

/** From here on it stays, and what stands behind it, until the app says what becomes of it. */
export function hold(core: Core, entry: Dispatch): void {
  setHeld(core, entry, true);
  entry.stage = "stored";
  const { target, id, size } = entry;
  core.report(
    new CallaError(
      "held",
      { target, id, bytes: size },
      DEV &&
        `Every connection ends that carries message ${id} to "${target}", of about ${size} bytes, and others do not: something on the way does not let it through. It is kept and not sent; \`client.status.held\` has its retry() and cancel().`,
    ),
  );
}

/** Sends a held one once more, alone. */
export function retry(core: Core, entry: Dispatch): boolean {
  if (core.closed || !entry.held || entry.outcome) return false;
  setHeld(core, entry, false);
  doubt(entry, 1);
  return true;
}

/** Its mid goes out as void. Whoever had taken it before says so, and that is its outcome. */
export function discard(core: Core, entry: Dispatch, code: CallaRejectionCode): void {
  entry.dropped = givenUp(code);
  entry.messages = [];
  clear(entry);
  setHeld(core, entry, false);
  if (entry.stage === "sent") entry.stage = "stored";
}

/** What the author of a message that was given up hears, unless it had been applied. */
export const givenUp = (code: CallaRejectionCode): CallaError<string> =>
  code === "cancelled" ? new CallaError(code) : rejectedBy(code);
