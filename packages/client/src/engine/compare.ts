// Whether two models of a target are equal, computed once: comparing a model that is a record or a Map takes in
// proportion to its entries, and the rebase and the shown state ask about the same two.
import type { Serialiser } from "@calla/shared";

/** As the serialiser's `same`. */
export type Compare = (model: unknown, before: unknown) => boolean;

/** Remembers the last two models that were found to differ; what is dispatched and folded does not change. */
export function createCompare({ same }: Pick<Serialiser, "same">): Compare {
  let [one, other]: unknown[] = [];
  return (model, before) => {
    if (model === one && before === other && model !== before) return false;
    const equal = same(model, before);
    if (!equal) [one, other] = [model, before];
    return equal;
  };
}
