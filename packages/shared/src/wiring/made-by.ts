// Which @calla/shared made a wiring. Two can be in one app, where its packages are of different lines of versions; each half
// works by itself then, and both together would go wrong somewhere far from the cause.
import { CallaError } from "../base/errors.ts";

/**
 * The line of versions that go together: of 0.x each minor one, then each major one. `npm run version` writes it.
 */
export const MADE_BY = "0.1";

/**
 * For what takes a wiring: that it was made by this @calla/shared, or one that goes with it.
 *
 * @example
 * checkMadeBy(wiring, "@calla/server");
 * @throws CallaError `wiring`, with the cure.
 */
export function checkMadeBy(wiring: { readonly madeBy?: string }, taker: string): void {
  const { madeBy = "another line" } = wiring;
  if (madeBy === MADE_BY) return;
  throw new CallaError(
    "wiring",
    { madeBy, takes: MADE_BY },
    `The wiring was made by @calla/shared of version ${madeBy}, and ${taker} has one of ${MADE_BY}. Install all packages of @calla in one version; \`npm ls @calla/shared\` says who brings which.`,
  );
}
