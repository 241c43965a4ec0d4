// How it stands with what one changes, always in sight: saved, about to be, or kept until the connection is back, and why.
import type { ClientStatus } from "@calla/client";
import { client } from "./client.ts";
import { h, icon } from "./dom.ts";
import { announce } from "./toasts.ts";

/** Whether the first attempt to connect is over. */
let tried = false;

function sentence({ connection, pending, storage }: ClientStatus): string {
  const kept = pending === 0 ? "Changes" : pending === 1 ? "Your change" : `Your ${pending} changes`;
  const until = storage === "failed" ? " if this page stays open" : "";
  const promise = `${kept} ${pending === 1 ? "is kept and sent" : "are kept and sent"} when you are back${until}.`;
  if (!tried && pending === 0 && navigator.onLine) return "Connecting …";
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

/** What is wrong, where something is; heard when it changes, which "saved" after each key would be too often. */
const trouble = h("span", { id: "connection", role: "status" });
/** The one line of it, which each page puts into its head: of one height, so that nothing moves when it changes. */
export const statusLine = h(
  "div",
  { class: "state", "data-state": "saved" },
  h("span", { class: "saved" }, icon("check"), "All changes saved"),
  h("span", { class: "saving" }, icon("dots"), "Saving …"),
  trouble,
);

export function showConnection(): void {
  let lost = false;
  const show = (): void => {
    const { status } = client;
    tried ||= !["connecting", "offline"].includes(status.connection);
    const texts = [sentence(status), warning(status)].filter((text) => text !== "");
    statusLine.dataset["state"] = texts.length > 0 ? "trouble" : status.pending > 0 ? "saving" : "saved";
    if (status.connection === "open" && lost && statusLine.dataset["state"] === "saved")
      announce("Connected again, all changes are saved.");
    lost = tried && (texts.length > 0 || (lost && status.pending > 0));
    if (trouble.textContent === texts.join("")) return;
    trouble.replaceChildren(...texts.map((text) => h("span", { class: "line" }, text)));
  };
  client.onStatus(show);
  addEventListener("online", show);
  addEventListener("offline", show);
  show();
}
