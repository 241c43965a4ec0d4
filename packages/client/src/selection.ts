// A part of what has a value and listeners: a topic's state, a local model, who is here.
import type { Serialiser } from "@calla/shared";
import type { Stop } from "./base/notifier.ts";

/** A part of a state. */
export interface Selection<T> {
  readonly value: T;
  /** Subscribes; called when the selected part has changed. */
  onChange(listener: (value: T) => void): Stop;
}

/**
 * The memo of `select`, for bindings whose frameworks give another function at each look. What it returns gives for one
 * value the same object each time, and for the next value the same again if the picks are `equal`. Calls nobody but `pick`
 * and `equal`, and begins with what another memo has picked last (`before`), so that it may be made where a framework
 * renders.
 *
 * @example
 * const titleOf = memo(({ model }) => model?.title);
 * const title = titleOf(topic.state);
 */
export function memo<V, T>(
  pick: (value: V) => T,
  equal: (a: T, b: T) => boolean = Object.is,
  before?: { readonly value: T },
): (value: V) => T {
  let of: { readonly value: V } | undefined;
  let last = before;
  return (value) => {
    if (!of || !Object.is(of.value, value)) {
      const next = pick(value);
      if (!last || !equal(last.value, next)) last = { value: next };
      of = { value };
    }
    return (last as { readonly value: T }).value;
  };
}

/**
 * Selects from anything that has a value and listeners. `pick` is called at each look, for it may close over things
 * outside of the value. Its result for one value stays the same object where it says the same.
 */
export function selection<V, T>(
  read: () => V,
  onChange: (listener: () => void) => Stop,
  pick: (value: V) => T,
  { same: sameValues }: Pick<Serialiser, "same">,
  equal: (a: T, b: T) => boolean = Object.is,
): Selection<T> {
  let from: { readonly value: V } | undefined;
  let picked: T;
  const same = (a: T, b: T): boolean => equal(a, b) || sameValues(a, b);
  const current = (): T => {
    const value = read();
    const next = pick(value);
    // Of one value, what cannot even be compared with itself picked again (an instance of a class) says nothing new.
    if (
      !from ||
      (from.value === value ? !same(picked, next) && same(next, pick(value)) : !equal(picked, next))
    )
      picked = next;
    from = { value };
    return picked;
  };
  return {
    get value() {
      return current();
    },
    onChange(listener) {
      let told = current();
      return onChange(() => {
        const next = current();
        if (!Object.is(next, told)) listener((told = next));
      });
    },
  };
}
