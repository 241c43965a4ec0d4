// What has come in and is not taken yet. Where nothing waits it is taken at once, for as long as one turn of the event
// loop may last; the rest waits, by connection, and is taken in rounds over users and addresses, so that nobody's
// thousand frames stand before another's one (LM22). Not here: what is done with a frame (router.ts), rates (rate-limiter.ts).
import type { Clock } from "@calla/shared";
import type { Budget } from "../base/budget.ts";
import type { Conversation } from "./conversation.ts";
import type { Party } from "./parties.ts";
import { Rounds } from "../base/rounds.ts";
import { PendingInput } from "./pending-input.ts";
import type { Work } from "./pending-input.ts";

export interface IntakeParts {
  readonly clock: Pick<Clock, "defer">;
  readonly budget: Budget;
  /** Frames that a connection may have taken one after the other when it is its turn. */
  readonly inARow: number;
  /** Bytes that may wait of one connection, before it is read no more. */
  readonly most: number;
  /** What was taken before is not decided yet: `free` is called when it is. */
  readonly busy: () => boolean;
  /** How many targets have been opened so far: that costs more than a frame. */
  readonly opened: () => number;
  /** All that had come in of a connection that has gone is taken. */
  readonly gone: (conversation: Conversation) => void;
  readonly failed: (conversation: Conversation, error: unknown) => void;
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
  /** A turn of the event loop is counted. */
  #begun = false;
  /** Whose work is being done, and what it is: for works that are made of it. */
  #current: { readonly conversation: Conversation; readonly works: Work[] } | undefined;

  constructor(parts: IntakeParts) {
    this.#parts = parts;
  }

  /** Something has come in: taken at once, if nothing waits and there is time, or in its turn. */
  take(conversation: Conversation, work: Work): void {
    if (
      conversation.pendingInput !== undefined ||
      !this.#rounds.empty ||
      this.#current !== undefined ||
      this.#parts.busy()
    )
      return this.#wait(conversation, [work]);
    this.#begin();
    const works = [work];
    this.#current = { conversation, works };
    while (works.length > 0 && conversation.phase !== "closed" && !this.#parts.budget.spent)
      this.#step(conversation, works);
    this.#current = undefined;
    if (works.length > 0 && conversation.phase !== "closed") this.#wait(conversation, works);
  }

  /** What it has said turns out to be more than one thing: to be taken before whatever it has said since. */
  first(conversation: Conversation, work: Work): void {
    const works =
      this.#current?.conversation === conversation ? this.#current.works : conversation.pendingInput?.works;
    if (works === undefined) return this.take(conversation, work);
    works.unshift(work);
    if (conversation.pendingInput !== undefined) conversation.pendingInput.bytes += work.bytes;
  }

  /** Its socket has closed. True: what has come in before is taken first, and `gone` called then. */
  closing(conversation: Conversation): boolean {
    const { pendingInput } = conversation;
    if (pendingInput === undefined || conversation.phase === "closed") return false;
    pendingInput.gone = true;
    return true;
  }

  /** What waits of it is for nobody any more. */
  drop(conversation: Conversation): void {
    const { pendingInput, party } = conversation;
    if (pendingInput === undefined) return;
    conversation.pendingInput = undefined;
    this.#rounds.remove(party!, conversation);
  }

  /** What was taken before is decided. */
  free(): void {
    if (!this.#rounds.empty) this.#begin();
  }

  #wait(conversation: Conversation, works: readonly Work[]): void {
    const pendingInput = (conversation.pendingInput ??= new PendingInput());
    for (const work of works) {
      pendingInput.works.push(work);
      pendingInput.bytes += work.bytes;
    }
    this.#rounds.add(conversation.party!, conversation);
    this.#begin();
    if (pendingInput.paused || pendingInput.bytes <= this.#parts.most) return;
    pendingInput.paused = true;
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
      served.add(this.#rounds.first!);
      const conversation = this.#rounds.next();
      if (conversation === undefined) return;
      const { pendingInput } = conversation;
      if (pendingInput === undefined) continue;
      if (conversation.phase === "closed") conversation.pendingInput = undefined;
      else this.#one(conversation, pendingInput);
    } while (!this.#parts.budget.spent || this.#extends(served));
  }

  /** Somebody waits who has had nothing in this turn. */
  #extends(served: ReadonlySet<Party>): boolean {
    const { first } = this.#rounds;
    return first !== undefined && !served.has(first) && !this.#parts.budget.overspent(MOST_EXTENDED);
  }

  #one(conversation: Conversation, pendingInput: PendingInput): void {
    const { works } = pendingInput;
    this.#current = { conversation, works };
    let left = this.#parts.inARow;
    do left -= this.#step(conversation, works);
    while (left > 0 && works.length > 0 && conversation.phase !== "closed");
    this.#current = undefined;
    if (conversation.pendingInput !== pendingInput) return; // it has ended
    if (pendingInput.paused && pendingInput.bytes <= this.#parts.most / 2) {
      pendingInput.paused = false;
      conversation.connection.resume?.();
    }
    if (pendingInput.works.length > 0) return this.#rounds.add(conversation.party!, conversation);
    conversation.pendingInput = undefined;
    if (pendingInput.gone) this.#parts.gone(conversation);
  }

  /** Takes one thing. Gives what it weighs. */
  #step(conversation: Conversation, works: Work[]): number {
    const [work] = works as [Work];
    const before = this.#parts.opened();
    let more = false;
    try {
      more = work.step();
    } catch (error) {
      this.#parts.failed(conversation, error);
    }
    if (!more) {
      works.splice(works.indexOf(work), 1);
      if (conversation.pendingInput !== undefined) conversation.pendingInput.bytes -= work.bytes;
    }
    const weight = 1 + OPENING * (this.#parts.opened() - before);
    this.#parts.budget.spend(weight);
    return weight;
  }
}
