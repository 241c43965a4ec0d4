// The local slice: a model of one page alone. Nothing of it is sent or stored. Its code in a page comes with it, so that a
// page without one does not carry that (wiring/slice.ts).
import { checkLocal } from "#dev/define-checks";
import { messageId } from "../base/random.ts";
import { oncePerTurn } from "../base/turn.ts";
import { modelSlice } from "../wiring/define.ts";
import type { MessageSchemas, serverOnlyMark, Updates } from "../wiring/define.ts";
import type { LocalPage, LocalSlice, Message, ModelSlice } from "../wiring/slice.ts";
import type { Describes, OutputOf, Schema, Schemas } from "../wiring/standard.ts";
import { applyMessages, initialModel } from "./apply.ts";

type NoServer = { "a local slice has no server: serverOnly means nothing here": never };
type LocalSchemas<M extends Schemas> = MessageSchemas<M> & {
  readonly [K in keyof M]: M[K] extends { readonly [serverOnlyMark]: true } ? NoServer : unknown;
};

/** What `defineLocal` takes. */
export interface LocalDefinition<S extends Schema, M extends Schemas> {
  /** What the model looks like: any Standard Schema that describes and does not convert. */
  readonly model: S & Describes<S>;
  /** Gives the model that a page begins with. */
  readonly initial: () => NoInfer<OutputOf<S>>;
  /** Message type to the schema of its fields. */
  readonly messages: LocalSchemas<M>;
  /** Message type to its update: (model, message, context) → model, pure. */
  readonly update: Updates<OutputOf<S>, M, Record<never, never>>;
}

/**
 * State of this client alone, which no server sees.
 *
 * @example
 * const local = defineLocal({
 *   model: z.object({ open: z.boolean() }),
 *   initial: () => ({ open: false }),
 *   messages: { toggled: z.object({}) },
 *   update: { toggled: (local) => ({ open: !local.open }) },
 * });
 */
export function defineLocal<S extends Schema, const M extends Schemas>(
  definition: LocalDefinition<S, M>,
): LocalSlice<{
  model: OutputOf<S>;
  messages: { [K in keyof M & string]: OutputOf<M[K]> };
  serverOnly: never;
  rejections: Record<never, never>;
}> {
  const slice = { kind: "local" as const, ...modelSlice("local", definition) };
  checkLocal(slice, definition);
  return Object.freeze({ ...slice, "~page": localPage(slice) });
}

const localPage =
  (slice: ModelSlice): LocalPage =>
  (host, changes, accept, select) => {
    const { clock, random } = host;
    let model = initialModel(slice, host);
    let told = model;
    const notify = oncePerTurn(clock, () => {
      if (model !== told) changes.emit((told = model));
    });
    return {
      get model() {
        return model;
      },
      dispatch(input: unknown) {
        const messages = accept(slice, input, host) as readonly Message[];
        const values = { at: clock.now(), userId: null, visitor: "", messageId: messageId(random) };
        const result = applyMessages(slice, model, messages, values, host);
        if (!result.ok) throw result.kind === "threw" ? result.error : new Error(result.code);
        model = result.model;
        notify();
      },
      onChange: changes.add,
      select: (pick: (model: unknown) => unknown, equal?: (a: unknown, b: unknown) => boolean) =>
        select(() => model, changes.add, pick, host, equal),
    };
  };
