// The app's code is called through here: what it throws, or a promise of it rejects with, is reported and goes no
// further. Not here: calls whose answer decides something (handlers.ts, hub.ts); they refuse on a throw.

import { messageOf } from "@calla/shared";
export type Report = (error: unknown) => void;

export const isThenable = <T = unknown>(value: unknown): value is PromiseLike<T> =>
  typeof value === "object" && value !== null && typeof (value as { then?: unknown }).then === "function";

/** Runs an observer. An async function is one too: its rejection must not end the process. */
export function contain(report: Report, call: () => unknown): void {
  try {
    const answer = call();
    if (isThenable(answer)) Promise.resolve(answer).then(undefined, report);
  } catch (error) {
    report(error);
  }
}

/** Where it was thrown; of what has no stack its text. */
const stackOf = (thrown: unknown): string => {
  const { stack } = (thrown ?? {}) as { readonly stack?: unknown };
  return typeof stack === "string" ? stack : messageOf(thrown);
};

/** The app's reporter, which must not throw either. Without one: a line on the standard error output. */
export function reporter(onError: ((error: unknown) => unknown) | undefined): Report {
  const print = (error: unknown): void => void process.stderr.write(`calla: ${stackOf(error)}\n`);
  return onError === undefined ? print : (error) => contain(print, () => onError(error));
}
