// The local slice as the app sees it: the same model, messages and updates, but this client's alone. Not here: what it
// does, which comes with the slice (defineLocal).
import type { FieldsOf, LocalSlice, MessagesOf, ModelOf, Typed } from "@calla/shared";
import type { Stop } from "./base/notifier.ts";
import type { Selection } from "./selection.ts";

/**
 * The local slice of a page: a model that nobody else sees.
 *
 * @example
 * client.local.dispatch({ type: "panelOpened", id: "help" });
 * const open = client.local.select((model) => model.open);
 */
export interface Local<S extends LocalSlice> {
  readonly model: ModelOf<S>;
  /** Applies at once. Throws for an invalid message, and what the update threw. */
  // Written out so that the compiler's error is about the one message (topic.ts).
  dispatch<K extends keyof MessagesOf<S> & string = never>(
    message:
      | ({ readonly type: K } & FieldsOf<MessagesOf<S>, K>)
      | readonly {
          [P in keyof MessagesOf<S> & string]: Typed<P, MessagesOf<S>[P]>;
        }[keyof MessagesOf<S> & string][],
  ): void;
  /** Calls back when the model has changed, once per turn. Returns the undo. */
  onChange(listener: (model: ModelOf<S>) => void): Stop;
  /** A part of the model; its listeners are called when it has changed by `equal` (`Object.is`). */
  select<T>(pick: (model: ModelOf<S>) => T, equal?: (a: T, b: T) => boolean): Selection<T>;
}
