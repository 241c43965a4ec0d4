// The one Calla client of this page, and the board that its address names. What is done offline is kept in the browser.
import { createClient } from "@calla/client";
import { auto } from "@calla/client/auto";
import { http } from "@calla/client/http";
import { indexedDb } from "@calla/client/indexeddb";
import { webSocket } from "@calla/client/websocket";
import { serialiser, wiring } from "../shared/board.ts";

export const client = createClient({
  wiring,
  serialiser,
  transport: auto({ webSocket: webSocket({ url: "/ws" }), http: http({ url: "/calla" }) }),
  storage: indexedDb("boards"),
  user: null, // nobody signs in
});

/** What the address has behind its #. Whoever has the same address is at the same board. */
export const boardId = (): string => location.hash.slice(1) || "first";

/** A name for those who are here together. */
export const myName: string = (localStorage["name"] ??= `Visitor ${Math.floor(Math.random() * 900) + 100}`);

/** What the page says of its connection. */
export function sentence({ connection, pending }: typeof client.status): string {
  if (connection === "open") return pending === 0 ? "Saved" : "Saving…";
  return pending === 0 ? "Offline" : `Offline: ${pending} not saved yet, kept in this browser`;
}
