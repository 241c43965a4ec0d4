// Nobody has chosen the colours that the server gives, so they may change: of two who are at a board in one, one takes another.
import { colours } from "../shared/wiring.ts";
import type { Person } from "../shared/wiring.ts";

interface There {
  readonly key: string;
  readonly colour: Person["colour"];
}

/** Who of them has my colour. */
export const rivals = <One extends There>(mine: Person["colour"], others: readonly One[]): readonly One[] =>
  others.filter(({ colour }) => colour === mine);

/** The next colour after mine that nobody has; mine, where all are taken. */
export function freeColour(mine: Person["colour"], others: readonly There[]): Person["colour"] {
  const at = colours.indexOf(mine);
  const inTurn = [...colours.slice(at + 1), ...colours.slice(0, at)];
  return inTurn.find((colour) => rivals(colour, others).length === 0) ?? mine;
}
