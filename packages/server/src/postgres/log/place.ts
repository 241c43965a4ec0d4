// Places in the one order of a Postgres log: a transaction's number, a target's, a sequence (consuming.ts).
import type { Position } from "../../log/log.ts";

/** Texts, for the numbers may be larger than JavaScript's. */
export interface Place {
  readonly tx: string;
  readonly target: string;
  readonly sequence: string;
}

const BEGINNING: Place = { tx: "0", target: "0", sequence: "0" };
const PLACE = /^(\d{1,19})[.](\d{1,19})[.](\d{1,19})$/;

/**
 * A position as this kind of log gave it.
 *
 * @throws RangeError: anything else, which is the caller's mistake.
 */
export function placeOf(position: Position): Place {
  if (position === "") return BEGINNING;
  const [, tx, target, sequence] = PLACE.exec(position) ?? [];
  if (tx === undefined || target === undefined || sequence === undefined)
    throw new RangeError(`"${position}" is no position of this log.`);
  return { tx, target, sequence };
}

export const positionOf = ({ tx, target, sequence }: Place): Position => `${tx}.${target}.${sequence}`;
