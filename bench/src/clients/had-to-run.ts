// How many updates Calla's clients have to run at least, counted from what came over their sockets, whatever the client
// makes of it: its own change once, to show it at once; each record once, over what is confirmed; and what still waits
// once for each frame that is not as predicted, which is a frame with somebody else's record in it. Where all of a frame
// is its own in the order in which it was said, nothing has to run: what is shown is right already.
import type { Moved } from "../fixtures.ts";

/** A frame at one client, and how many changes the client had made by then. */
export interface Came {
  readonly data: Uint8Array;
  readonly made: number;
}
type Record = readonly [
  kind: unknown,
  author: unknown,
  mid: unknown,
  id: unknown,
  messages: readonly Moved[],
];
interface Frame {
  readonly type: string;
  readonly records?: readonly Record[];
}

export interface Had {
  /** Updates. */
  readonly updates: number;
  /** Models that replaced all there was: a client that fell behind got one in place of records. */
  readonly snapshots: number;
}

/** Of the client that says `x: own`, with what came in order, and what it has made in all. */
export function hadToRun(own: number, came: readonly Came[], made: number): Had {
  let [updates, snapshots, settled] = [made, 0, 0];
  for (const { data, made: before } of came) {
    const said = JSON.parse(Buffer.from(data).toString()) as Frame | readonly Frame[];
    for (const { type, records = [] } of Array.isArray(said) ? (said as Frame[]) : [said as Frame]) {
      if (type === "Snapshot") snapshots++;
      if (type !== "TopicUpdate") continue;
      const authors = records.flatMap(([, , , , messages]) => messages.map(({ x }) => x));
      const mine = authors.filter((x) => x === own).length;
      settled += mine;
      if (mine < authors.length) updates += authors.length + Math.max(0, before - settled);
    }
  }
  return { updates, snapshots };
}
