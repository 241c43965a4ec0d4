// Who is here on a slice's topics: what each says of itself. Its code in a page comes with it, so that a page whose slices
// list nobody does not carry that.
import type { SlicePresence } from "./slice.ts";
import type { Describes, OutputOf, Schema } from "./standard.ts";

/**
 * Lets clients be listed on a slice's topics, each with a meta of this form, which is gone when its client is.
 *
 * @example
 * const board = defineTopic("board:*", {
 *   presence: definePresence(z.object({ name: z.string(), selected: z.string().optional() })),
 *   // model, initial, messages, update
 * });
 */
export const definePresence = <S extends Schema>(schema: S & Describes<S>): SlicePresence<OutputOf<S>> =>
  Object.freeze({ schema });
