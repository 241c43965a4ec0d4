// What has come in and is not taken yet. Where nothing waits it is taken at once, for as long as one turn of the event
// loop may last; the rest waits, by connection, and is taken in rounds over users and addresses, so that nobody's
// thousand frames stand before another's one (LM22). Not here: what is done with a frame (router.ts), rates (rate-limiter.ts).
import type { Clock } from "@calla/shared";
import type { Budget } from "../base/budget.ts";
import type { Conversation } from "./conversation.ts";
import type { Party } from "./parties.ts";
import { Rounds } from "../base/rounds.ts";

/** Something a connection has said, and that is done step by step. */
export interface Work {
  /** What it holds in memory while it waits. */
  readonly bytes: number;
  /** Does one thing. False: that was the last. */
  step(): boolean;
}

/** What waits of one connection. */
class PendingInput {
  readonly works: Work[] = [];
  bytes = 0;
  /** It is not read until some of this is taken. */
  paused = false;
  /** Its socket has closed: once all this is taken, so is its end. */
  gone = false;
}

/** The targets lie above the intake that feeds them: it asks them by these calls whether they keep up. */
export interface IntakeParts {
  readonly clock: Pick<Clock, "defer">;
  readonly budget: Budget;
  /** Frames that a user or address may have taken one after the other when it is its turn first. */
  readonly inARow: number;
  /** Bytes that may wait of one connection, before it is read no more. */
  readonly most: number;
  /** What was taken before is not decided yet: the commit loop calls `free` when it is. */
  readonly busy: () => boolean;
  /** How many targets have been opened so far: that costs more than a frame. */
  readonly opened: () => number;
}

/** What is being done now. `pending` undefined: it was taken at once. */
interface Current {
  readonly conversation: Conversation;
  readonly works: Work[];
  readonly pending: PendingInput | undefined;
}

/** What opening a target weighs: reading it costs about as much as so many frames. */
const OPENING = 32;

/**
 * A turn in which somebody waits who has had nothing yet goes on, up to so many times its budget: what many have said at
 * once is then decided, and sent, together. With 1,000 users of 200 topics this is a third of the CPU a message.
 */
const MOST_EXTENDED = 8;

export class Intake {
  readonly #parts: IntakeParts;
  readonly #rounds = new Rounds<Party, Conversation>();
  /** Of each that waits in the rounds, or is being taken from. */
  readonly #pending = new Map<Conversation, PendingInput>();
  /** A turn of the event loop is counted. */
  #begun = false;
  /** Whose work is being done, and what it is: for works that are made of it. */
  #current: Current | undefined;

  constructor(parts: IntakeParts) {
    this.#parts = parts;
  }

  /** Something has come in: taken at once, if nothing waits and there is time, or in its turn. */
  take(conversation: Conversation, work: Work): void {
    if (this.#pending.size > 0 || this.#current !== undefined || this.#parts.busy())
      return this.#wait(conversation, [work]);
    this.#begin();
    const works = [work];
    const current: Current = { conversation, works, pending: undefined };
    this.#current = current;
    while (works.length > 0 && conversation.phase !== "closed" && !this.#parts.budget.spent)
      this.#step(current);
    this.#current = undefined;
    // Before what it has said since: a transport may bring an answer while the step that asked for it is not over.
    if (works.length > 0 && conversation.phase !== "closed") this.#wait(conversation, works, "before");
  }

  /** Something that it has said is not taken yet. */
  waits(conversation: Conversation): boolean {
    return this.#pending.has(conversation);
  }

  /** What it has said turns out to be more than one thing: to be taken before whatever it has said since. */
  first(conversation: Conversation, work: Work): void {
    const current = this.#current?.conversation === conversation ? this.#current : undefined;
    const pending = current === undefined ? this.#pending.get(conversation) : current.pending;
    const works = (current ?? pending)?.works;
    if (works === undefined) return this.take(conversation, work);
    works.unshift(work);
    if (pending !== undefined) pending.bytes += work.bytes;
  }

  /** Its socket has closed: it is gone once what has come in before is taken. */
  closed(conversation: Conversation): void {
    const pending = this.#pending.get(conversation);
    if (pending === undefined || conversation.phase === "closed") return conversation.gone();
    pending.gone = true;
  }

  /** What waits of it is for nobody any more. */
  drop(conversation: Conversation): void {
    if (this.#pending.delete(conversation)) this.#rounds.remove(conversation.membership.party!, conversation);
  }

  /** What was taken before is decided. */
  free(): void {
    if (!this.#rounds.empty) this.#begin();
  }

  #wait(conversation: Conversation, works: readonly Work[], place: "before" | "behind" = "behind"): void {
    let pending = this.#pending.get(conversation);
    if (pending === undefined) this.#pending.set(conversation, (pending = new PendingInput()));
    pending.works.splice(place === "before" ? 0 : pending.works.length, 0, ...works);
    for (const { bytes } of works) pending.bytes += bytes;
    this.#rounds.add(conversation.membership.party!, conversation);
    this.#begin();
    if (pending.paused || pending.bytes <= this.#parts.most) return;
    pending.paused = true;
    conversation.connection.pause?.();
  }

  #begin(): void {
    if (this.#begun) return;
    this.#begun = true;
    this.#parts.budget.begin();
    this.#parts.clock.defer(() => this.#turn());
  }

  /** Sockets have been read: one round after the other, while there is time. */
  #turn(): void {
    this.#begun = false;
    if (this.#rounds.empty || this.#parts.busy()) return;
    this.#begin();
    const served = new Set<Party>();
    // One at least, however short a turn is to be, or nothing would ever be taken.
    do {
      const party = this.#rounds.first!;
      // A packet is not torn apart; what its party says besides is taken a frame at a time.
      const frames = served.has(party) ? 1 : this.#parts.inARow;
      served.add(party);
      const conversation = this.#rounds.next();
      if (conversation === undefined) return;
      const pending = this.#pending.get(conversation);
      if (pending === undefined) continue;
      if (conversation.phase === "closed") this.#pending.delete(conversation);
      else this.#one(conversation, pending, frames);
    } while (!this.#parts.budget.spent || this.#extends(served));
  }

  /** Somebody waits who has had nothing in this turn. */
  #extends(served: ReadonlySet<Party>): boolean {
    const { first } = this.#rounds;
    return first !== undefined && !served.has(first) && !this.#parts.budget.overspent(MOST_EXTENDED);
  }

  #one(conversation: Conversation, pending: PendingInput, frames: number): void {
    const { works } = pending;
    const current: Current = { conversation, works, pending };
    this.#current = current;
    const { budget } = this.#parts;
    const most = budget.spent ? MOST_EXTENDED : 1;
    let left = frames;
    do left -= this.#step(current);
    while (left > 0 && works.length > 0 && conversation.phase !== "closed" && !budget.overspent(most));
    this.#current = undefined;
    if (this.#pending.get(conversation) !== pending) return; // it has ended
    if (pending.paused && pending.bytes <= this.#parts.most / 2) {
      pending.paused = false;
      conversation.connection.resume?.();
    }
    if (pending.works.length > 0) return this.#rounds.add(conversation.membership.party!, conversation);
    this.#pending.delete(conversation);
    if (pending.gone) conversation.gone();
  }

  /** Takes one thing. Gives what it weighs. */
  #step({ conversation, works, pending }: Current): number {
    const [work] = works as [Work];
    const before = this.#parts.opened();
    let more = false;
    try {
      more = work.step();
    } catch (error) {
      conversation.fail(error);
    }
    if (!more) {
      works.splice(works.indexOf(work), 1);
      if (pending !== undefined) pending.bytes -= work.bytes;
    }
    const weight = 1 + OPENING * (this.#parts.opened() - before);
    this.#parts.budget.spend(weight);
    return weight;
  }
}
