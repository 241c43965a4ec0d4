// What the bridged clients of one topic are told of its model: the patch from its last state to this one, or all of it, each
// computed when the first needs it and written once for all who do.
import type { Cursor } from "@calla/shared";
import { SharedEvent } from "../channels/wire/shared-message.ts";
import { jsonText } from "../channels/wire/json.ts";
import type { JsonObject } from "../channels/wire/message.ts";
import { patchOf } from "./patch/patch.ts";
import type { PatchBudget } from "./patch/patch.ts";

export interface ViewState extends Cursor {
  readonly model: unknown;
}

export interface TopicViewOptions {
  /** The topic's state now; undefined: it is not in memory. */
  state(): ViewState | undefined;
  plainOf(model: unknown): unknown;
  readonly budget?: PatchBudget;
}

/** A state of the topic, as it is shown. */
export class ShownState implements Cursor {
  readonly sequence: number;
  readonly mark: number;
  readonly #model: unknown;
  readonly #plainOf: (model: unknown) => unknown;
  #plain: { readonly value: unknown } | undefined;
  #json: string | undefined;
  readonly #snapshots = new Map<string, SharedEvent>();

  constructor({ sequence, mark, model }: ViewState, plainOf: (model: unknown) => unknown) {
    this.sequence = sequence;
    this.mark = mark;
    this.#model = model;
    this.#plainOf = plainOf;
  }

  /** Not, where the same place was folded anew (VE9). */
  is(state: ViewState): boolean {
    return isSame(this, state) && this.#model === state.model;
  }
  get plain(): unknown {
    return (this.#plain ??= { value: this.#plainOf(this.#model) }).value;
  }
  /** The model's JSON. */
  get json(): string {
    return (this.#json ??= jsonText(this.plain));
  }
  /** All of it, as a push. */
  snapshot(reason: string): SharedEvent {
    let event = this.#snapshots.get(reason);
    if (event === undefined) {
      const { sequence, mark } = this;
      const head = jsonText({ sequence, mark, reason });
      event = new SharedEvent(
        "snapshot",
        () => ({ sequence, mark, reason, model: this.plain }) as JsonObject,
        `${head.slice(0, -1)},"model":${this.json}}`,
      );
      this.#snapshots.set(reason, event);
    }
    return event;
  }
}

/** From the state before to the last one. */
interface Step {
  readonly after: Cursor;
  /** Not there any more once the event has been made. */
  before: ShownState | undefined;
  event: SharedEvent | undefined;
}

export class TopicView {
  readonly #options: TopicViewOptions;
  #last: ShownState | undefined;
  #step: Step | undefined;

  constructor(options: TopicViewOptions) {
    this.#options = options;
  }

  /** The topic's state now. */
  now(): ShownState | undefined {
    const state = this.#options.state();
    const last = this.#last;
    if (state === undefined || last?.is(state) === true) return state && last;
    // What was told of this place before leads nowhere by a patch.
    this.#step =
      last && !isSame(last, state)
        ? {
            after: { sequence: last.sequence, mark: last.mark },
            before: last,
            event: undefined,
          }
        : undefined;
    return (this.#last = new ShownState(state, this.#options.plainOf));
  }

  /** What leads who was told a state to the one that `now` gave: a patch, or all of it. */
  from(told: Cursor): SharedEvent | undefined {
    const [last, step] = [this.#last, this.#step];
    if (last === undefined) return undefined;
    if (step === undefined || !isSame(step.after, told)) return last.snapshot("missed");
    return (step.event ??= this.#patch(step, last));
  }

  #patch(step: Step, last: ShownState): SharedEvent {
    const { after, before } = step;
    const result = patchOf(before?.plain, last.plain, this.#options.budget);
    step.before = undefined;
    if (!result.ok) return last.snapshot("cheaper");
    const { sequence, mark } = last;
    return new SharedEvent("patch", {
      after: after.sequence,
      sequence,
      mark,
      patch: result.patch,
    } as unknown as JsonObject);
  }
}

export const isSame = (a: Cursor, b: Cursor): boolean => a.sequence === b.sequence && a.mark === b.mark;
