// The rebase engine: one target's confirmed model, the pending dispatches, and what is shown: confirmed with pending
// applied on top. Pure but for what it holds: no time, no chance. Not here: whether a frame continues the cursor
// (incoming.ts), who is told an outcome (outcomes.ts), whether the app has seen an equal model (state.ts).
import { applyMessages } from "@calla/shared";
import type { Cursor, EphemeralSlice, Message, ModelSlice, Serialiser } from "@calla/shared";
import type { PredictionRoom } from "./kept-predictions.ts";

/** What folds: a record, or a pending dispatch with the context it was predicted in (fixed when it was dispatched). */
export interface Act {
  readonly id: string;
  readonly messages: readonly unknown[];
  readonly at: number;
  readonly userId: string | null;
  /** The name of an author whom nobody has signed in; "" of others, and until the server has first named this client. */
  readonly visitor: string;
}

/** Why a prediction was skipped. */
export interface Skipped {
  readonly code: string;
  readonly details: unknown;
}

/** What was dispatched here. */
export interface Own extends Act {
  /** How much its messages may add to a model, in bytes, roughly. */
  readonly size: number;

  /** Once confirmed is at this sequence it leaves pending; Infinity: undecided (outbox.ts). */
  goneAt: number;

  // Written here.
  /** It is among what is pending. */
  shown: boolean;
  /** It has been predicted: that it failed has been said. */
  tried: boolean;
  /** What the app sees of it while it is pending. */
  view: { readonly id: string; readonly messages: readonly unknown[]; readonly skipped: Skipped | undefined };
}

/** Known true: the server's model at a place in its history. */
export interface Confirmed extends Cursor {
  readonly model: unknown;
}

/**
 * A pending dispatch and the model after it. A prediction that was refused or threw leaves the model as it was (RB4).
 * The model of the last is what is shown. Of those before it as many are kept as there is room for (RB10): where it is
 * undefined it is computed anew when it is needed.
 */
export interface Predicted<E> {
  readonly entry: E;
  model: unknown;
  readonly skipped: Skipped | undefined;
  /** What the model takes of the room. */
  held: number;
}

type Failure = { readonly ok: false } & Skipped;
type Folded<F> = { readonly ok: true; readonly model: unknown } | F;
/** Runs the slice's updates. Never throws. */
export type Fold<F extends Failure = FoldFailure> = (model: unknown, act: Act) => Folded<F>;
export type FoldFailure = Failure & { readonly kind: "rejected" | "threw"; readonly error?: unknown };

/** Records that continue the confirmed model, and the cursor after them. `own`: dispatched by this client. */
export interface Advance extends Cursor {
  readonly records: readonly { readonly act: Act; readonly own: boolean }[];
}

const UNKNOWN = { ok: false, kind: "rejected", code: "topic", details: {} } as const;
/** `goneAt` of what was refused or given up. */
export const AT_ONCE = -Infinity;
/** So many that have left may stay in the list before it is copied; and never more than are pending. */
const MOST_LEFT = 32;

export const foldOf =
  (slice: ModelSlice | EphemeralSlice | undefined, strict: boolean): Fold =>
  (model, { messages, at, userId, visitor, id }) => {
    if (!slice || !("update" in slice)) return UNKNOWN;
    const context = { at, userId, visitor, messageId: id };
    const result = applyMessages(slice, model, messages as readonly Message[], context, { strict });
    return result.ok || result.kind === "rejected"
      ? result
      : { ...result, code: "update-threw", details: {} };
  };

export class Replica<E extends Own, F extends Failure = FoldFailure> {
  /** undefined: nothing is known of the target, so nothing is predicted either. */
  confirmed: Confirmed | undefined;
  /** What is shown; undefined while nothing is confirmed. Not up to date while it is `behind`. */
  visible: unknown;
  /** Pending is to be replayed: it is done once for all that has come, when somebody looks (RB2). */
  behind = false;

  readonly #fold: Fold<F>;
  readonly #room: PredictionRoom;
  readonly #same: Serialiser["same"];
  readonly #failed: (failure: F) => void;
  /** From `first` on: what is pending, in dispatch order. It is only appended to: all else makes another list. */
  list: Predicted<E>[] = [];
  first = 0;
  /** Pending, but decided or given up: they leave once confirmed is at their `goneAt` (RB5). Whoever decides adds them. */
  readonly over = new Set<E>();

  /** `failed`: a prediction was skipped, for the first time. */
  constructor(fold: Fold<F>, room: PredictionRoom, same: Serialiser["same"], failed: (failure: F) => void) {
    this.#fold = fold;
    this.#room = room;
    this.#same = same;
    this.#failed = failed;
  }

  get count(): number {
    return this.list.length - this.first;
  }
  entries(): readonly E[] {
    return this.list.slice(this.first).map(({ entry }) => entry);
  }

  /** One more dispatch on top (RB1). Where all is to be replayed, so is this one. */
  predict(entry: E): void {
    if (this.count === 0) this.replay();
    this.#append(entry, this.confirmed && !this.behind ? this.#fold(this.visible, entry) : undefined);
  }

  /**
   * Folds records over confirmed; what it contains then leaves pending in the same step, and is returned. As long as the
   * records are the predictions, what is shown stays the same object and nothing is computed but the records themselves
   * and those predicted models that were not kept (RB3); after the first that is not, the rest is replayed (RB2).
   */
  advance({ records, sequence, mark }: Advance): { readonly ok: true; readonly left: readonly E[] } | F {
    let model = this.confirmed?.model;
    let asPredicted = !this.behind;
    let next = this.first;
    for (const { act, own } of records) {
      const result = this.#fold(model, act);
      if (!result.ok) return result;
      const head = this.list[next];
      let expected = model;
      let same = !head || result.model === model;
      if (own && head?.entry.id === act.id) {
        next++;
        if (asPredicted) {
          expected = head.model ?? folded(this.#fold(model, head.entry), model);
          same = this.#same(result.model, expected);
        }
      }
      asPredicted &&= same;
      model = head && same && asPredicted ? expected : result.model;
    }
    const left = this.#shift(next);
    this.confirmed = { model, sequence, mark };
    left.push(...this.#drop(sequence));
    if (!asPredicted) this.repeat();
    else if (this.count === 0) this.visible = model;
    return { ok: true, left };
  }

  /** Another confirmed model: a snapshot, or none any more. What it contains leaves pending in the same step (RB5). */
  reset(confirmed: Confirmed | undefined, sequence: number): readonly E[] {
    this.confirmed = confirmed;
    this.repeat();
    return this.#drop(sequence);
  }

  /** Confirmed is as far as this by now: what it contains leaves (RB5). */
  settle(sequence: number): readonly E[] {
    return this.#drop(sequence);
  }

  /** No predicted model is right any more, so that all pending is predicted anew. */
  repeat(): void {
    if (this.behind) return;
    this.behind = true;
    for (let i = this.first; i < this.list.length; i++) this.#free(this.list[i] as Predicted<E>);
  }

  /** Nothing continues from here, but it is shown until another model comes. */
  distrust(): void {
    if (this.confirmed) this.confirmed = { ...this.confirmed, sequence: -1 };
  }

  /** What was shown before is equal: it stays, so that nobody is notified of nothing (RB6). */
  keep(model: unknown): void {
    this.visible = model;
    const last = this.list[this.list.length - 1];
    if (last && this.count > 0) last.model = model;
    else if (this.confirmed) this.confirmed = { ...this.confirmed, model };
  }

  /** Pending on top of confirmed, if anything has changed below it. */
  replay(): void {
    if (!this.behind) return;
    const entries = this.entries();
    this.hold([]);
    this.behind = false;
    this.visible = this.confirmed?.model;
    // Of these models the last alone is kept: the next record of somebody else would make all of them wrong again, and
    // what lives longer costs the collector more than the update that makes it (twenty pages of 1,000 items: a third).
    for (const entry of entries) {
      const last = this.list[this.list.length - 1];
      if (last) last.model = undefined;
      this.#append(entry, this.confirmed && this.#fold(this.visible, entry));
    }
  }

  /** The model of what was the last stays if there is room for it; the first one's does in any case. */
  #append(entry: E, result: Folded<F> | undefined): void {
    const last = this.list[this.list.length - 1];
    if (last && this.count > 1 && last.model !== undefined) {
      last.held = this.#room.take(last.model, last.entry.size);
      if (last.held === 0) last.model = undefined;
    }
    const failed = result?.ok === false ? result : undefined;
    const skipped = failed && { code: failed.code, details: failed.details };
    if (result?.ok) this.visible = result.model;
    if (failed && !entry.tried) this.#failed(failed);
    if (result) entry.tried = true;
    if (!this.#same(skipped, entry.view.skipped)) entry.view = { ...entry.view, skipped };
    entry.shown = true;
    const model = this.behind ? undefined : this.visible;
    this.list.push({ entry, model, skipped: entry.view.skipped, held: 0 });
  }

  /** What stands before `next` has left. */
  #shift(next: number): E[] {
    const left = this.list.slice(this.first, next).map((one) => {
      this.#free(one);
      return this.#leave(one.entry);
    });
    this.first = next;
    if (next > MOST_LEFT && next > this.count) {
      this.list = this.list.slice(next);
      this.first = 0;
    }
    return left;
  }

  /** What is over and contained in confirmed at this sequence has left. */
  #drop(sequence: number): readonly E[] {
    if (this.over.size === 0) return [];
    const left = [...this.over].filter(({ goneAt }) => goneAt <= sequence);
    if (left.length === 0) return left;
    left.forEach((entry) => this.#leave(entry));
    this.repeat();
    this.hold(this.entries().filter(({ shown }) => shown));
    return left;
  }

  #leave(entry: E): E {
    entry.shown = false;
    this.over.delete(entry);
    return entry;
  }

  #free(one: Predicted<E>): void {
    if (one.held > 0) this.#room.give(one.held);
    one.held = 0;
    one.model = undefined;
  }

  /** Another list: one that was listed before stays as it is. */
  hold(entries: readonly E[]): void {
    this.first = 0;
    this.list = entries.map((entry) => ({ entry, model: undefined, skipped: entry.view.skipped, held: 0 }));
  }
}

/** Dispatches of an earlier page, before all others; on what they are shown is said next (`reset`). */
export function precede<E extends Own>(
  replica: Pick<Replica<E>, "repeat" | "entries" | "hold" | "over" | "confirmed" | "visible">,
  entries: readonly E[],
): void {
  replica.repeat();
  for (const entry of entries) {
    entry.shown = entry.tried = true;
    if (entry.goneAt < Infinity) replica.over.add(entry);
  }
  replica.hold([...entries, ...replica.entries()]);
  replica.confirmed = replica.visible = undefined;
}

const folded = <F extends Failure>(result: Folded<F>, before: unknown): unknown =>
  result.ok ? result.model : before;
