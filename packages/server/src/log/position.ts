// Positions of a log that counts what it takes: whole numbers as texts. The empty one is the beginning.
import type { Position } from "./log.ts";

/**
 * A position as such a log gave it.
 *
 * @throws RangeError: anything else, which is the caller's mistake, also where it looks like a number.
 */
export function numberOf(position: Position): number {
  if (position === "") return 0;
  const number = Number(position);
  if (Number.isSafeInteger(number) && number >= 0 && String(number) === position) return number;
  throw new RangeError(`"${position}" is no position of this log.`);
}
