// The outbox engine: what was dispatched and not yet decided, per target in dispatch order, with dense mids. It says
// what may be sent and what must be remembered. Pure but for its own state. Not here: storing (ledger.ts), what is
// shown (rebase.ts), who is told an outcome (targets.ts).
import { CallaError } from "@calla/shared";
import type { Cancel, TargetKey } from "@calla/shared";

/** `new`: not durable yet. `stored`: may leave. `sent`: on this connection. `decided`: the outcome is known. */
export type Stage = "new" | "stored" | "sent" | "decided";

/** One dispatch on its way to an outcome. */
export interface Entry {
  readonly target: TargetKey;
  readonly id: string;
  /** One message, or several with one fate; none: given up. */
  messages: readonly unknown[];
  readonly at: number;
  /** 0 until it is numbered. */
  mid: number;
  stage: Stage;
  /** It may have left this machine, in this page's life or an earlier one's. */
  out: boolean;
  /** When it was last sent, by the monotonic clock. */
  sentAt: number;
  /** Connections in a row that ended with it on its way. */
  cuts: number;
  /** How often it was alone on its way when one ended that had answered before (suspects.ts). */
  strikes: number;
  /** It ends the connections that carry it: it stays here until the app says what becomes of it (OB20). */
  held: boolean;
  /** In bytes, roughly. */
  readonly size: number;
}

/** Over any of these a dispatch is refused before anything has happened (OB5). */
export interface OutboxLimits {
  readonly maxPending: number;
  readonly maxPendingBytes: number;
  readonly maxPendingAge: number;
}

/** One target's undecided dispatches, in mid order; those without a mid at the end. */
export interface Queue<E> {
  readonly target: TargetKey;
  entries: E[];
  /** The highest mid ever given out. */
  last: number;
  /** Every outcome up to here is durable: what the server hears. */
  settled: number;
  /** Mids up to here were given out before this page was loaded. */
  loaded: number;
  /** The highest mid with an outcome: the server decides in order, so it has decided all up to here. */
  known: number;
  /** Nothing is sent while it is set: the server said to retry later. Ends that. */
  paused: Cancel | undefined;
  /** Nothing from this mid on is sent: it is taken under another message id (OB8). */
  conflict: number;
}

export interface Outbox<E extends Entry> {
  readonly queues: ReadonlyMap<TargetKey, Queue<E>>;
  readonly size: number;
  /** Those that stay until the app says what becomes of them (OB20). */
  readonly held: ReadonlySet<E>;
  /** Holds it, or lets it go. */
  hold(entry: E, on: boolean): void;
  queue(target: TargetKey): Queue<E>;
  add(entry: E): void;
  number(queue: Queue<E>): readonly E[];
  load(queue: Queue<E>, entries: readonly E[]): void;
  find(queue: Queue<E>, mid: number, id: string): E | undefined;
  sendable(queue: Queue<E>, maxInFlight: number): readonly E[];
  again(queue: Queue<E>, from: number, before: number): void;
  decide(queue: Queue<E>, entry: E): void;
}

export function createOutbox<E extends Entry>(limits: OutboxLimits): Outbox<E> {
  const { maxPending, maxPendingBytes, maxPendingAge } = limits;
  const queues = new Map<TargetKey, Queue<E>>();
  let size = 0;
  let bytes = 0;
  const held = new Set<E>();
  return {
    queues,
    held,
    hold(entry, on) {
      entry.held = on;
      if (on) held.add(entry);
      else held.delete(entry);
    },
    get size() {
      return size;
    },
    queue(target) {
      let queue = queues.get(target);
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
        queues.set(target, queue);
      }
      return queue;
    },
    /** Throws before anything has happened if the outbox is full (OB5). */
    add(entry) {
      const { entries } = this.queue(entry.target);
      const full =
        size >= maxPending
          ? { maxPending }
          : bytes + entry.size > maxPendingBytes
            ? { maxPendingBytes }
            : entries[0] && entry.at - entries[0].at > maxPendingAge && { maxPendingAge };
      if (full) throw new CallaError("queue-full", full);
      size++;
      bytes += entry.size;
      entries.push(entry);
    },
    /** Gives mids to those that have none; returns them. */
    number(queue) {
      const first = queue.entries.findLastIndex((entry) => entry.mid > 0) + 1;
      const fresh = queue.entries.slice(first);
      for (const entry of fresh) entry.mid = ++queue.last;
      return fresh;
    },
    load(queue, entries) {
      queue.entries = [...entries, ...queue.entries];
      size += entries.length;
      for (const entry of entries) {
        bytes += entry.size;
        if (entry.held) held.add(entry);
      }
    },
    find: ({ entries }, mid, id) => entries.find((entry) => entry.mid === mid && entry.id === id),
    /** What may leave now: durable, in order, and never so far ahead that the server must remember too much (OB4). */
    sendable(queue, maxInFlight) {
      const found: E[] = [];
      if (queue.paused) return found;
      const end = Math.min(queue.settled + maxInFlight + 1, queue.conflict);
      for (const entry of queue.entries) {
        if (entry.stage === "new" || entry.held || entry.mid >= end) break;
        if (entry.stage === "stored") found.push(entry);
      }
      return found;
    },
    /** What was sent before the given time, from this mid on, is to be sent again. */
    again({ entries }, from, before) {
      for (const entry of entries) {
        if (entry.stage === "sent" && entry.mid >= from && entry.sentAt < before) entry.stage = "stored";
      }
    },
    decide(queue, entry) {
      const { entries } = queue;
      const index = entries.indexOf(entry);
      if (index < 0) return;
      queue.known = Math.max(queue.known, entry.mid);
      entries.splice(index, 1);
      entry.stage = "decided";
      held.delete(entry);
      size--;
      bytes -= entry.size;
    },
  };
}

/** The highest mid up to which every outcome is known. */
export const settledMid = <E extends Entry>({ entries, last }: Queue<E>): number => {
  const first = entries[0]?.mid ?? 0;
  return first ? first - 1 : last;
};
