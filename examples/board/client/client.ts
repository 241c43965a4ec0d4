// The one Calla client of this page.
import { createClient } from "@calla/client";
import { webSocket } from "@calla/client/websocket";
import { serialiser, wiring } from "../shared/wiring.ts";

/** `?format=messagepack` in the page's address. */
const format = new URLSearchParams(location.search).get("format") === "messagepack" ? "messagepack" : "json";

export const client = createClient({
  wiring,
  serialiser: serialiser.use(format),
  transport: webSocket({ url: "/ws" }),
});
