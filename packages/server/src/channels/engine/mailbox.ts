// What waits for one channel: one thing at a time, in order. While nothing is under way it is run at once, in the turn in
// which it came; behind an asynchronous handler it waits.

export interface MailboxOwner<Item> {
  /** Never throws and never rejects. */
  handle(item: Item): void | Promise<void>;
  /** Whether what still waits is of no use any more. */
  readonly ended: boolean;
  /** Called for what had to wait, when it waits no more. */
  taken(item: Item): void;
}

export class Mailbox<Item> {
  readonly #owner: MailboxOwner<Item>;
  #waiting: Item[] | undefined;
  #busy = false;

  constructor(owner: MailboxOwner<Item>) {
    this.#owner = owner;
  }

  /** Something is being handled, so what is put in waits. */
  get busy(): boolean {
    return this.#busy;
  }

  put(item: Item): void {
    if (this.#busy) (this.#waiting ??= []).push(item);
    else this.#run(item);
  }

  /** Gives back what still waits; it will not be handled. */
  empty(): readonly Item[] {
    const left = this.#waiting ?? [];
    this.#waiting = undefined;
    return left;
  }

  #run(item: Item): void {
    this.#busy = true;
    const working = this.#owner.handle(item);
    if (working === undefined) this.#next();
    else void working.then(() => this.#next());
  }

  /** A loop, for many that need not wait would be as many frames of the stack. */
  #next(): void {
    for (;;) {
      const item = this.#waiting?.shift();
      if (item === undefined || this.#owner.ended) {
        this.#busy = false;
        return;
      }
      this.#owner.taken(item);
      const working = this.#owner.handle(item);
      if (working !== undefined) return void working.then(() => this.#next());
    }
  }
}
