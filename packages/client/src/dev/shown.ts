// Lets a browser test see what the clients of a page show, beside what the server has. Nothing happens unless a test has put
// a list there before the page's scripts ran. Not in builds for production.
import { isSession } from "@calla/shared";
import type { Core, Target } from "../engine/records.ts";
import { retain } from "../engine/subscriptions.ts";
import { targetOf } from "../engine/targets.ts";

/** `globalThis[Symbol.for("calla.tests")]`: where a test looks for the clients of the page. */
const LIST = Symbol.for("calla.tests");

/** One topic that the page holds. `place`: which state of it, in the words of its log. */
export interface ShownTopic {
  readonly key: string;
  readonly status: string;
  readonly place: string;
  /** What the server has, as far as it has been asked. */
  readonly its: { readonly status: string; readonly place: string } | undefined;
  /** Whether both models are the same. */
  readonly same: boolean;
  /** Both, shortened, where they are not. */
  readonly models: readonly [ours: string, its: string] | undefined;
}

/** What one client of the page shows. */
export interface Shown {
  readonly connection: string;
  /** Dispatches without an outcome. */
  readonly pending: number;
  readonly topics: readonly ShownTopic[];
}

/** One client of the page, as a test sees it. */
export interface ShownClient {
  look(): Shown;
  /**
   * Asks the server anew for what this client's topics are: by a second client with the same rights, for the first may be
   * what is wrong. `look` tells what it hears.
   */
  ask(): void;
  /** It need not listen any more. */
  rest(): void;
}

type Second = { connect(): void; close(): Promise<void> };
/** Set while a second client is made: it is shown to nobody. */
let second: ((core: Core) => void) | undefined;

/** `again` makes a client of the same options that stores nothing and does not connect by itself. */
export function showToTests(core: Core, again: () => Second): void {
  if (second) return second(core);
  const list = (globalThis as Record<symbol, unknown>)[LIST];
  if (Array.isArray(list)) list.push(shownClient(core, again));
}

function shownClient(core: Core, again: () => Second): ShownClient {
  let witness: { readonly core: Core; readonly client: Second } | undefined;

  function begin(): NonNullable<typeof witness> {
    let its: Core | undefined;
    second = (core) => void (its = core);
    try {
      const client = again();
      return { core: its!, client };
    } finally {
      second = undefined;
    }
  }

  return {
    look: () => ({
      connection: core.connection,
      pending: core.size,
      topics: heldTopics(core).map((one) => compared(core, one, witness?.core)),
    }),
    ask() {
      void witness?.client.close();
      // A new one each time: it knows nothing, so what it shows is the server's word and no fold of this page's.
      witness = begin();
      for (const { key } of heldTopics(core)) retain(witness.core, targetOf(witness.core, key));
      witness.client.connect();
    },
    rest: () => void witness?.client.close(),
  };
}

/** Those with a model: the session is this client's alone, and pushes are gone. */
const heldTopics = ({ targets }: Core): readonly Target[] =>
  [...targets.values()].filter(
    ({ key, slice, subscription }) => subscription.holders > 0 && slice?.kind === "topic" && !isSession(key),
  );

function compared(core: Core, one: Target, witness: Core | undefined): ShownTopic {
  // What listeners heard last: nothing is computed for a test that a page would not compute.
  const { status, model } = one.told;
  const shown = { key: one.key, status, place: placeOf(one) };
  const other = witness?.targets.get(one.key);
  if (!witness || !other) return { ...shown, its: undefined, same: false, models: undefined };
  const { status: its, model: itsModel } = other.told;
  const same = core.same(model, itsModel);
  return {
    ...shown,
    its: { status: its, place: placeOf(other) },
    same,
    models: same ? undefined : [textOf(model), textOf(itsModel)],
  };
}

const placeOf = ({ replica: { confirmed } }: Target): string =>
  confirmed === undefined ? "nothing" : `${confirmed.sequence} (${confirmed.mark})`;

function textOf(model: unknown): string {
  const plain = (_: string, value: unknown): unknown =>
    value instanceof Map || value instanceof Set
      ? [...(value as Iterable<unknown>)]
      : typeof value === "bigint"
        ? String(value)
        : value;
  return (JSON.stringify(model, plain) ?? "nothing").slice(0, 500);
}
