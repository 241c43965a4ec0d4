// The local slice: the same model, messages and updates, but this client's alone. Nothing of it is ever sent.
import { applyMessages, initialModel, messageId } from "@calla/shared";
import type {
  Clock,
  FieldsOf,
  LocalSlice,
  Message,
  MessagesOf,
  ModelOf,
  Random,
  Serialiser,
  Typed,
} from "@calla/shared";
import { accept } from "./engine/dispatch.ts";
import { oncePerTurn, signal } from "./base/notifier.ts";
import type { Stop } from "./base/notifier.ts";
import { selection } from "./topic.ts";
import type { Selection } from "./topic.ts";

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

export interface LocalOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly serialiser: Serialiser;
  readonly strict: boolean;
  readonly report: (error: unknown) => void;
}

export function createLocal<S extends LocalSlice>(slice: S, options: LocalOptions): Local<S> {
  const { clock, random, serialiser, strict, report } = options;
  let model = initialModel(slice, { strict });
  let told = model;
  const changes = signal<ModelOf<S>>(report);
  const notify = oncePerTurn(clock, () => {
    if (model !== told) changes.emit((told = model) as ModelOf<S>);
  });
  const local: Local<S> = {
    get model() {
      return model as ModelOf<S>;
    },
    dispatch(input) {
      const messages = accept(slice, input, serialiser, strict);
      const values = { at: clock.now(), userId: null, visitor: "", messageId: messageId(random) };
      const result = applyMessages(slice, model, messages as readonly Message[], values, { strict });
      if (!result.ok) throw result.kind === "threw" ? result.error : new Error(result.code);
      model = result.model;
      notify();
    },
    onChange: (listener) => changes.add(listener),
    select: (pick, equal) =>
      selection(
        () => local.model,
        (listener) => local.onChange(listener),
        pick,
        serialiser,
        equal,
      ),
  };
  return local;
}
