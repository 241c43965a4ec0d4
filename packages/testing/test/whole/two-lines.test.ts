// Packages of two lines of versions in one app: what is told, and by whom.
import { createClient } from "@calla/client";
import { webSocket } from "@calla/client/websocket";
import { createServer } from "@calla/server";
import { automatic, CallaError, defineWiring, json } from "@calla/shared";
import { expect, test } from "vitest";

const serialiser = automatic(json());
const wiring = { ...defineWiring({}), madeBy: "0.9" };

test("[PK5] a server and a client take no wiring that another line of @calla/shared has made", () => {
  const transport = webSocket({ url: "ws://localhost:1/ws", WebSocket: class {} as never });
  for (const [make, taker] of [
    [() => createServer({ wiring, serialiser }), "@calla/server"],
    [() => createClient({ wiring, serialiser, transport, connect: false }), "@calla/client"],
  ] as const) {
    expect(make).toThrow(CallaError);
    expect(make).toThrow(new RegExp(`made by @calla/shared of version 0.9, and ${taker} has one of`));
  }
});
