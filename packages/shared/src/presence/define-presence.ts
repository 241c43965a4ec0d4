// Who is here on a slice's topics: what each says of itself. Its code in a page comes with it, so that a page whose slices
// list nobody does not carry that (presence-page.ts).
import { checkPresenceSchema } from "#dev/define-checks";
import type { SlicePresence } from "../wiring/slice.ts";
import type { Describes, OutputOf, Schema } from "../wiring/standard.ts";
import { presencePage } from "./presence-page.ts";

/**
 * Lets clients be listed on a slice's topics, each with a meta of this form, which is gone when its client is.
 * A form that changes wants another `version` of its slice, as a message's does.
 *
 * @throws CallaError `wiring`: this is no schema.
 * @example
 * const board = defineTopic("board:*", {
 *   presence: definePresence(z.object({ name: z.string(), selected: z.string().optional() })),
 *   // model, initial, messages, update
 * });
 * client.topic(board, "42").presence.track({ name: "Ada" });
 */
export function definePresence<S extends Schema>(schema: S & Describes<S>): SlicePresence<OutputOf<S>> {
  checkPresenceSchema(schema);
  return Object.freeze({ schema, "~page": presencePage(schema) });
}
