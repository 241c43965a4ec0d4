// Listeners: one that throws is reported and does not disturb the others.

/** Undo of a subscription. Calling it again does nothing. */
export type Stop = () => void;

export interface Signal<T> {
  add(listener: (value: T) => void): Stop;
  emit(value: T): void;
}

/** `report` hears what listeners throw. */
export function signal<T>(report: (error: unknown) => void): Signal<T> {
  // One object per subscription, so that the same function can subscribe twice and leave once.
  const all = new Set<{ readonly listener: (value: T) => void }>();
  return {
    add(listener) {
      const subscription = { listener };
      all.add(subscription);
      return () => void all.delete(subscription);
    },
    emit(value) {
      // Those that listen now: a listener that stops and listens again while it is called would be called for ever.
      for (const one of Array.from(all)) if (all.has(one)) contain(report, one.listener, value);
    },
  };
}

/** Calls the app's function, if there is one. */
export function contain<T>(
  report: (error: unknown) => void,
  run: ((value: T) => unknown) | undefined,
  value: T,
): void {
  try {
    run?.(value);
  } catch (error) {
    report(error);
  }
}
