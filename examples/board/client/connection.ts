// The banner: nothing while all is well, otherwise what is wrong and what becomes of one's changes.
import type { ClientStatus } from "@calla/client";
import { client } from "./client.ts";
import { byId, h } from "./dom.ts";

function sentence({ connection, pending, storage }: ClientStatus): string {
  const kept = pending === 0 ? "Changes" : pending === 1 ? "Your change" : `Your ${pending} changes`;
  const until = storage === "failed" ? " if this page stays open" : "";
  const promise = `${kept} ${pending === 1 ? "is kept and sent" : "are kept and sent"} when you are back${until}.`;
  switch (connection) {
    case "open":
      return "";
    case "unsure":
      return `The server does not answer; it may be slow, or you may be offline. ${promise}`;
    case "outdated":
      return "There is a newer version of this page. Reload it to go on.";
    case "closed":
      return "The server has ended the connection. Reload the page to come back.";
    default:
      return navigator.onLine ? `No connection; trying again. ${promise}` : `You are offline. ${promise}`;
  }
}

/** What a reload would lose; nothing while the browser keeps everything. */
const warning = ({ storage }: ClientStatus): string =>
  storage === "failed"
    ? "This browser cannot keep changes: what is not saved yet is lost with this page."
    : "";

export function showConnection(): void {
  const show = (): void => {
    const texts = [sentence(client.status), warning(client.status)].filter((text) => text !== "");
    const banner = byId("connection");
    if (banner.textContent === texts.join("")) return;
    banner.replaceChildren(...texts.map((text) => h("p", {}, text)));
  };
  client.onStatus(show);
  addEventListener("online", show);
  addEventListener("offline", show);
  show();
}
