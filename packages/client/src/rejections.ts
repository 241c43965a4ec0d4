// Who hears that a message was rejected: listeners by slice, also of what an earlier page had dispatched, for which nobody
// holds a `write`. Not here: what becomes of a dispatch (engine/outcomes.ts).
import { OWN_SESSION } from "@calla/shared";
import type { MessageOf, ParamsOf, RejectionOf, Slice, TargetKey, Wiring } from "@calla/shared";
import { contain } from "./base/notifier.ts";
import type { Stop } from "./base/notifier.ts";
import type { RefusedWrite } from "./engine/records.ts";

/** A dispatch that was rejected, in the types of its slice. */
export interface RejectedWrite<S extends Slice = Slice> {
  readonly target: TargetKey;
  /** What stands for each "*" of the slice's pattern. */
  readonly params: ParamsOf<S>;
  /** The message id, as `write.id`. */
  readonly id: string;
  /** As they were dispatched: one, or several with one fate. */
  readonly messages: readonly MessageOf<S>[];
  /** Why, as `write.rejection` gives it. */
  readonly rejection: RejectionOf<S>;
  /** It was dispatched by an earlier page, so nobody here holds its `write`. */
  readonly earlier: boolean;
}

interface Listener {
  readonly slice: object;
  readonly listener: (rejected: RejectedWrite<never>) => void;
}

/** So many of earlier pages' wait for somebody who hears them. */
const MOST_UNHEARD = 100;

/** `later` runs what it is given once the turn's code is through. */
export function rejections(
  { session, sliceOf }: Pick<Wiring, "session" | "sliceOf">,
  report: (error: unknown) => void,
  later: (run: () => void) => void,
): { tell(refused: RefusedWrite): void; add(slice: object, listener: Listener["listener"]): Stop } {
  const listeners = new Set<Listener>();
  /** What earlier pages dispatched may be answered before this one has put its listeners in place. */
  let unheard: RefusedWrite[] = [];

  function tell(refused: RefusedWrite): void {
    const { target, id, messages, error: rejection, earlier } = refused;
    const { slice, params } =
      target === OWN_SESSION ? { slice: session, params: [] } : (sliceOf(target) ?? { params: [] });
    const rejected = { target, params, id, messages, rejection, earlier } as unknown as RejectedWrite<never>;
    let heard = false;
    for (const one of Array.from(listeners)) {
      if (one.slice !== slice || !listeners.has(one)) continue;
      heard = true;
      contain(report, one.listener, rejected);
    }
    if (earlier && !heard) unheard = [...unheard, refused].slice(-MOST_UNHEARD);
  }

  return {
    tell,
    add(slice, listener) {
      const one = { slice, listener };
      listeners.add(one);
      // Not at once: a framework may take away and put back what it has just put in place.
      later(() => {
        const waiting = unheard;
        unheard = [];
        waiting.forEach(tell);
      });
      return () => void listeners.delete(one);
    },
  };
}
