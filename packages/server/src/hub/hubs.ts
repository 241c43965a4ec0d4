// Which hub belongs to a server. An app holds the server, and sees nothing of what a bridge needs.
import { CallaError } from "@calla/shared";
import type { Hub } from "./hub.ts";

const HUBS = new WeakMap<object, Hub>();

/** @throws CallaError `wiring`: it is no server. */
export function hubOf(server: object): Hub {
  const hub = HUBS.get(server);
  if (hub === undefined)
    throw new CallaError("wiring", {}, "syncChannel(server, slice) needs what createServer gives.");
  return hub;
}
/** Remembers it; the server shows an app nothing of it. */
export const setHub = (server: object, hub: Hub): void => void HUBS.set(server, hub);
