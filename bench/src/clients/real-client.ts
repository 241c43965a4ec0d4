// What the works with real clients ask of a system: its own client as its documentation shows it, joined to its own
// server, and what it shows.
import type { Item } from "../fixtures.ts";
import type { Dialect } from "../dialects.ts";

/** How the items are kept: by their ids, as most people write it, or one after the other. */
export type Kept = "record" | "list";

/** One of a system's own clients. */
export interface RealClient {
  /** Makes its `n`th change, from 1 on, as an app does: it is shown at once. */
  change(n: number): void;
  /** The item at this place as an app reads it. */
  item(at: number): Item | undefined;
  close(): unknown;
}

export interface RealSystem {
  /** The bundle that serves it, and its arguments. */
  readonly server: Dialect["server"];
  /** Resolves once it shows what the server has. `lost` is called when its connection ends before it is closed. */
  join(port: number, number: number, lost: (why: string) => void): Promise<RealClient>;
  /** What was counted before is forgotten: the measured time begins. */
  readonly begin?: () => void;
  /** After the clients have converged: what of the work were the app's updates, where the system has such. */
  readonly updates?: () => Updates;
}

export interface Updates {
  /** How many ran in the measured time. */
  readonly ran: number;
  /** How many had to. */
  readonly had: number;
  /** Models that replaced all there was, because a client had fallen behind. */
  readonly snapshots: number;
  /** CPU microseconds of one alone, on the same model in the same process. */
  readonly each: number;
}
