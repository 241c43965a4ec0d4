// Whether all show the same, and what they show is what was said. What is read is what an app reads, so nothing that a
// client has not shown yet can count. One that still waits shows its own change, which the others do not: so when all
// show what the server has, nothing is under way that would alter it.
import type { Places } from "../control.ts";
import { firstItems, ITEMS, moved } from "../fixtures.ts";
import type { RealClient } from "./real-client.ts";

/** How many of the clients do not show these places. */
export const astray = (clients: readonly RealClient[], places: Places): number =>
  clients.filter(
    (client) =>
      !places.every(([x, y], at) => {
        const shown = client.item(at);
        return shown?.x === x && shown.y === y;
      }),
  ).length;

/** Whether all show the same. Where they do not, which is most of the time, it shows in the first items. */
export const agree = ([first, ...others]: readonly RealClient[]): boolean =>
  others.every((other) => {
    for (let at = 0; at < ITEMS; at++) {
      const [one, two] = [first!.item(at), other.item(at)];
      if (one === undefined || one.x !== two?.x || one.y !== two.y) return false;
    }
    return true;
  });

/**
 * What is wrong with these places after `clients` have made `each` changes: an item that somebody changed is as it was
 * first, one that nobody changed is not, or one is as nobody made it. No client changes an item twice, so whichever
 * change is the last is one of these.
 */
export function mistake(places: Places, clients: number, each: number): string | undefined {
  if (places.length !== ITEMS) return `there are ${places.length} items`;
  const made = new Map<number, Set<string>>();
  for (let from = 0; from < clients; from++) {
    for (let n = 1; n <= each; n++) {
      const { item, x, y } = moved(from, n);
      const of = made.get(item) ?? new Set();
      made.set(item, of.add(`${x},${y}`));
    }
  }
  for (const [at, { x, y }] of firstItems().entries()) {
    const shown = String(places[at]);
    const wanted = made.get(at);
    if (wanted === undefined ? shown !== `${x},${y}` : !wanted.has(shown))
      return `item ${at} is at ${shown}, ${wanted === undefined ? "and nobody changed it" : "where nobody put it"}`;
  }
  return undefined;
}
