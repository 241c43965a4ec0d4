// Two runs within one millisecond read the same clock, so an update that calls Date.now() would look pure. The second
// run of strict mode therefore happens "a day later". Only synchronous code runs meanwhile, and the clock is put back.

const DAY = 86_400_000;

/** Runs `work` with a clock that is a day ahead: `Date.now()`, `new Date()` and `Date()`. */
export function withLaterClock<T>(work: () => T): T {
  const real = globalThis.Date;
  try {
    globalThis.Date = laterDate(real);
  } catch {
    return work(); // A hardened realm: its Date cannot be replaced.
  }
  try {
    return work();
  } finally {
    globalThis.Date = real;
  }
}

/** A proxy and not a subclass: what it makes are real Dates, so results still compare as equal. */
const laterDate = (real: DateConstructor): DateConstructor => {
  const now = () => real.now() + DAY;
  const later: DateConstructor = new Proxy(real, {
    apply: () => new real(now()).toString(),
    construct: (_, args: unknown[], target) =>
      Reflect.construct(real, args.length === 0 ? [now()] : args, target === later ? real : target) as object,
    get: (_, key) => (key === "now" ? now : (Reflect.get(real, key) as unknown)),
  });
  return later;
};
