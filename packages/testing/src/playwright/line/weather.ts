// What a line does to its connections: it writes it, they read it.
import type { Request } from "./requests.ts";

/** Which way: what the server says, or what the page says. */
export type Direction = "toPage" | "toServer";

/** What a line does to its connections at this moment. */
export interface Weather {
  losing: Direction | undefined;
  /** Milliseconds in each direction. */
  delay: number;
  streamsHeld: boolean;
  /** What becomes of a request. */
  fateOf(request: Request): "carried" | "refused" | "ended";
}
