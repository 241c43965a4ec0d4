// What an update may read beside its model and message. Everything in it is in the record, so every fold, on any
// machine and day, gives the same model. Not here: how a context is made (run-update.ts).

/**
 * The third argument of an update. `Rejections` maps each rejection code to its details.
 *
 * @example
 * cardMoved: (board, { id }, context) => has(board, id) ? moved(board, id) : context.reject("noSuchCard", { id })
 */
export interface Context<Rejections = Record<never, never>> {
  /** When the server took the message, in milliseconds; it never goes back. While pending, the client's prediction. */
  readonly at: number;
  /** Who dispatched it; null for the server itself and for clients without a user. */
  readonly userId: string | null;
  /**
   * An id that nobody else can make, the same on client and server: of the message's own id, a count and the author (the
   * user; a name for this target of whom nobody has signed in; none for the server). Letters, digits, "-", "_" and "~".
   * A user's id can be read in it. A prediction's may change until the server has first said who its author is.
   */
  id(): string;
  /** Refuses the message for good: nothing of its dispatch is applied, and the caller hears code and details. */
  reject<Code extends keyof Rejections & string>(code: Code, details: Rejections[Code]): never;
}
