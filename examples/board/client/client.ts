// The one Calla client of this page. What is written offline is kept in the browser, each tab's by itself.
import { createClient } from "@calla/client";
import { auto } from "@calla/client/auto";
import { http } from "@calla/client/http";
import { indexedDb } from "@calla/client/indexeddb";
import { webSocket } from "@calla/client/websocket";
import { CallaError, hashValue } from "@calla/shared";
import { serialiser, wiring } from "../shared/wiring.ts";
import { account, rememberAccount } from "./account.ts";
import { rejectedEarlier } from "./rejected.ts";
import { toast } from "./toasts.ts";

/** `?format=messagepack` in the page's address. */
const format = new URLSearchParams(location.search).get("format") === "messagepack" ? "messagepack" : "json";

/** Said once: the page works without, and whoever closes it should know. */
let warned = false;
function warn(): void {
  if (!warned)
    toast("This browser cannot keep your changes: what is not saved yet would be lost with this page.");
  warned = true;
}

const { key, user } = await account();

export const client = createClient({
  wiring,
  serialiser: serialiser.use(format),
  transport: auto({ webSocket: webSocket({ url: "/ws" }), http: http({ url: "/calla" }) }),
  storage: indexedDb("boards"),
  // Now and then the server tells its model's hash: a replica that went astray is reported and fetched anew.
  digest: hashValue,
  // Nobody signs in here: the server makes a user of the browser's key.
  token: () => key,
  // Once it is known: said at once, so that a page without a connection may show what it has stored.
  ...(user !== undefined && { user }),
  onConnect({ userId }) {
    if (userId !== null) void rememberAccount({ key, user: userId });
  },
  onOutcome: rejectedEarlier,
  onError(error) {
    if (error instanceof CallaError && error.code === "storage") warn();
    else reportError(error);
  },
});
