// What was dispatched and has no outcome, per target in dispatch order, with dense mids: what waits, what leaves, and what
// the server has decided. Not here: storing (storage/ledger.ts), what is shown and who is told (outcomes.ts), what ends
// the connections that carry it (holding.ts).
import { CallaError } from "@calla/shared";
import type { ClientFrame } from "@calla/shared";
import { listedWrite, says } from "./entry.ts";
import { renewIdentity } from "./identity.ts";
import { conclude } from "./outcomes.ts";
import type { Core, Dispatch, Outcome, Queue, Target } from "./records.ts";
import { AT_ONCE } from "./replica.ts";
import { isDoubted } from "./suspects.ts";

/** What waits, in all queues. */
export const undecided = (core: Pick<Core, "queues">): Dispatch[] =>
  [...core.queues.values()].flatMap(({ entries }) => entries);

// --------------------------------------------------------------------------------------------------------- what waits

/** Throws before anything has happened if the outbox is full (OB5). */
export function add(core: Core, queue: Queue, entry: Dispatch): void {
  const { maxPending, maxPendingBytes, maxPendingAge } = core;
  const { entries } = queue;
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
  core.unsaved.add(queue);
}

/** Of an earlier page: before all that this one has dispatched. */
export function load(core: Core, queue: Queue, entries: readonly Dispatch[]): void {
  queue.entries = [...entries, ...queue.entries];
  queue.said = 0;
  for (const entry of entries) {
    core.size++;
    core.bytes += entry.size;
    if (entry.held) core.held.add(entry);
  }
  core.unsent.add(queue);
}

/** Gives mids to those that have none; returns them. */
export function number(queue: Queue): readonly Dispatch[] {
  const first = queue.entries.findLastIndex(({ mid }) => mid > 0) + 1;
  const fresh = queue.entries.slice(first);
  for (const entry of fresh) entry.mid = ++queue.last;
  return fresh;
}

/** Where the first above this mid stands: at its distance from the first, or before, for some were decided out of turn. */
function placeAfter({ entries }: Queue, mid: number): number {
  let at = Math.max(0, Math.min(mid + 1 - (entries[0]?.mid || mid + 1), entries.length));
  for (; at > 0; at--) {
    const before = entries[at - 1]?.mid ?? 0;
    if (before > 0 && before <= mid) break;
  }
  return at;
}

export function find(queue: Queue, mid: number, id: string): Dispatch | undefined {
  const entry = queue.entries[placeAfter(queue, mid - 1)];
  return entry?.id === id && entry.mid === mid ? entry : undefined;
}

/** The same array until it changes. */
export function listPending(core: Core): Core["listed"] {
  const now = undecided(core)
    .filter(({ outcome }) => !outcome)
    .map(listedWrite);
  const { listed } = core;
  const same = now.length === listed.length && now.every((one, i) => one === listed[i]);
  return same ? listed : (core.listed = now);
}

// -------------------------------------------------------------------------------------------------------- what leaves

/** The highest mid up to which every outcome is known. */
export const settledMid = ({ entries, last }: Queue): number => {
  const first = entries[0]?.mid ?? 0;
  return first ? first - 1 : last;
};

/** Where nothing is stored: what the turn has dispatched may leave. */
function admit(core: Core): void {
  for (const queue of core.unsaved) {
    for (const entry of number(queue)) {
      entry.stage = "stored";
      entry.stored ??= true;
      entry.wake?.();
    }
    queue.settled = settledMid(queue);
    core.unsent.add(queue);
  }
  core.unsaved.clear();
}

/** Where nothing is stored: all that waits for a turn's end, at the client's own. */
export function commit(core: Core): void {
  admit(core);
  tellDecided(core);
}

/** Takes what has been decided; it is recorded by now. */
export function tellDecided(core: Core, decided = core.decided): void {
  if (decided === core.decided) core.decided = [];
  for (const entry of decided) {
    entry.recorded = true;
    conclude(core, entry);
  }
}

/** What may leave now: durable, in order, and never so far ahead that the server must remember too much (OB4). */
export function sendable(queue: Queue, maxInFlight: number, said = queue.said): readonly Dispatch[] {
  const found: Dispatch[] = [];
  if (queue.paused) return found;
  const { entries } = queue;
  const end = Math.min(queue.settled + maxInFlight + 1, queue.conflict);
  for (let at = placeAfter(queue, said); at < entries.length; at++) {
    const entry = entries[at] as Dispatch;
    if (entry.stage === "new" || entry.held || entry.voided || entry.mid >= end) break;
    if (entry.stage === "stored") found.push(entry);
  }
  return found;
}

/** It may leave (again). */
export function offer(core: Core, queue: Queue, entry: Dispatch): void {
  entry.stage = "stored";
  queue.said = Math.min(queue.said, entry.mid - 1);
  core.unsent.add(queue);
  entry.wake?.();
}

/** What was sent before the given time, from this mid on, is to be sent again. */
export function again(core: Core, queue: Queue, from: number, before: number): void {
  for (const entry of queue.entries)
    if (entry.stage === "sent" && entry.mid >= from && entry.sentAt < before) offer(core, queue, entry);
}

/** At the end of each turn: what it has dispatched is stored, and whatever may leave is sent. */
export function send(core: Core): void {
  if (core.ledger) core.ledger.commit();
  else admit(core);
  flush(core);
}

function flush(core: Core): void {
  const { suspects, unsent } = core;
  if (!core.open) return;
  if (movable(core)) return core.line.renew("mid-conflict");
  const now = core.clock.monotonic();
  const frames: ClientFrame[] = [];
  const say = ({ target, mid, id }: Dispatch, settled: number, messages: readonly unknown[]): void => {
    frames.push({ type: "TopicMessage", target, mid, id, settled, messages });
  };
  const out = (entry: Dispatch, queue: Queue): void => {
    entry.stage = "sent";
    entry.out = true;
    entry.sentAt = now;
    entry.wake?.();
    say(entry, queue.settled, entry.messages);
  };
  if (suspects.busy) withDoubts(core, out);
  else
    for (const queue of unsent)
      for (const entry of sendable(queue, core.maxInFlight)) {
        out(entry, queue);
        queue.said = entry.mid;
      }
  unsent.clear();
  if (core.conflicted && !suspects.alone)
    for (const queue of core.queues.values())
      for (const entry of vacated(queue, now - core.answerTimeout)) {
        entry.voided = true;
        entry.sentAt = now;
        say(entry, queue.settled, []);
      }
  if (frames.length > 0) core.line.send(frames);
}

/**
 * Of a queue whose identity is to be left: what is held, and what had left behind it, may have arrived. In order their mids
 * are made void unless they were applied (OB33), so that nothing is applied twice and what moves keeps its order.
 */
function vacated({ entries, conflict }: Queue, before: number): readonly Dispatch[] {
  const first = entries.findIndex(({ held, voided }) => held || voided);
  const behind = first < 0 ? [] : entries.slice(first).filter(({ out, mid }) => out && mid < conflict);
  const early = behind.findIndex(({ sentAt }) => sentAt > before);
  return early < 0 ? behind : behind.slice(0, early);
}

/** What is doubted leaves last and alone (OB20). */
function withDoubts(
  { queues, suspects, maxInFlight }: Core,
  send: (entry: Dispatch, queue: Queue) => void,
): void {
  if (suspects.alone) return;
  const doubted: Dispatch[] = [];
  const free: Dispatch[] = [];
  let beside = false;
  suspects.busy = false;
  for (const entry of undecided({ queues }))
    if (isDoubted(entry)) suspects.busy = true;
    else beside ||= entry.stage === "sent";
  for (const queue of queues.values()) {
    // What stands behind a doubted one waits for it, also when that has left.
    let behind = suspects.waitsFor(queue.target);
    for (const entry of sendable(queue, maxInFlight, 0)) {
      if (isDoubted(entry)) doubted.push(entry);
      else if (behind) break;
      else free.push(entry);
      behind ||= isDoubted(entry);
    }
  }
  for (const entry of suspects.next(doubted, free, beside)) send(entry, queues.get(entry.target) as Queue);
}

/** A conflict is known, and nothing else of this identity is undecided: it can be left behind (OB8). */
export const movable = (core: Core): boolean =>
  core.conflicted &&
  [...core.queues.values()].every(({ entries, conflict }) =>
    entries.every(({ out, mid }) => !out || mid >= conflict),
  );

// ---------------------------------------------------------------------------------------------------- what is decided

/** What the server says of a mid. `messages`: what was taken, where it was amended. */
export type Verdict =
  | { readonly sequence: number; readonly messages?: readonly unknown[] | undefined }
  | { readonly error: CallaError<string> };

/**
 * The server has decided. The caller hears it when that is durable and confirmed has it (OB3): `settle` comes next.
 * False: of that mid nothing waits here.
 */
export function decide(core: Core, one: Target, mid: number, id: string, verdict: Verdict): boolean {
  const entry = find(one.queue, mid, id);
  if (!entry) return false;
  const cancelled = "error" in verdict && says(verdict.error, "cancelled");
  // Only its mid is void: it will never have arrived, so it moves, held as before, to another identity (OB33). What an
  // earlier page has made void stays so: this page has sent what it dispatched meanwhile, and order is kept.
  if (entry.voided && cancelled) entry.out = false;
  else {
    leave(core, one.queue, entry);
    // Void because of its version: its author hears why. Applied or refused before the reload, it hears that.
    const known = (entry.outcome ??=
      entry.dropped && cancelled ? { error: entry.dropped } : asTaken(entry, verdict));
    entry.goneAt = "sequence" in known ? known.sequence : AT_ONCE;
    if (entry.shown) one.replica.over.add(entry);
    entry.decidedUnder = one.subscription.ref;
    core.ledger?.decided(entry, "sequence" in verdict ? verdict.sequence : 0);
    if (core.renewal) renewIdentity(core, entry);
    core.decided.push(entry);
  }
  return true;
}

function asTaken({ messages, earlier, view }: Dispatch, verdict: Verdict): Outcome {
  if ("error" in verdict) return verdict;
  const { sequence, messages: amended = [] } = verdict;
  // What was given up here had been applied before.
  const sent = messages.length > 0 || earlier ? messages : view.messages;
  return { sequence, messages: amended.length > 0 ? amended : sent };
}

/** It has an outcome: it is not sent again. */
export function leave(core: Core, queue: Queue, entry: Dispatch): void {
  const { entries } = queue;
  const at = entry.mid ? placeAfter(queue, entry.mid - 1) : entries.indexOf(entry);
  if (entries[at] !== entry) return;
  queue.known = Math.max(queue.known, entry.mid);
  // An engine takes the first of an array away without moving the others.
  if (at === 0) entries.shift();
  else entries.splice(at, 1);
  entry.stage = "decided";
  if (entry.held) core.held.delete(entry);
  core.size--;
  core.bytes -= entry.size;
  core.unsaved.add(queue);
}
