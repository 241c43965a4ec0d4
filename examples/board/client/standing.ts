// How it stands with what one changes: saved, about to be, or kept until the connection is back, and why.
import type { Client, ClientStatus } from "@calla/client";
import { announce } from "./toasts.ts";

export interface Standing {
  readonly is: "saved" | "saving" | "trouble";
  /** What is wrong, in sentences. */
  readonly trouble: readonly string[];
}

/** Whether the first attempt to connect is over. */
let tried = false;

function sentence({ connection, pending, storage }: ClientStatus, online: boolean): string {
  const kept = pending === 0 ? "Changes" : pending === 1 ? "Your change" : `Your ${pending} changes`;
  const until = storage === "failed" ? " if this page stays open" : "";
  const promise = `${kept} ${pending === 1 ? "is kept and sent" : "are kept and sent"} when you are back${until}.`;
  if (!tried && pending === 0 && online) return "Connecting …";
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
      return online ? `No connection; trying again. ${promise}` : `You are offline. ${promise}`;
  }
}

/** What a reload would lose; nothing while the browser keeps everything. */
const warning = ({ storage }: ClientStatus): string =>
  storage === "failed"
    ? "This browser cannot keep changes: what is not saved yet is lost with this page."
    : "";

/** `online`: what the browser says of its network. */
export function standingOf(status: ClientStatus, online: boolean): Standing {
  tried ||= !["connecting", "offline"].includes(status.connection);
  const trouble = [sentence(status, online), warning(status)].filter((text) => text !== "");
  return { is: trouble.length > 0 ? "trouble" : status.pending > 0 ? "saving" : "saved", trouble };
}

/** Calls back when the browser says otherwise of its network. Returns the end of it. */
export function onNetwork(listener: () => void): () => void {
  addEventListener("online", listener);
  addEventListener("offline", listener);
  return () => {
    removeEventListener("online", listener);
    removeEventListener("offline", listener);
  };
}

/** Says it to who cannot see it, when all is well again. */
export function announceReturn(client: Pick<Client, "status" | "onStatus">): void {
  let lost = false;
  const look = (): void => {
    const { status } = client;
    const { is, trouble } = standingOf(status, navigator.onLine);
    if (status.connection === "open" && lost && is === "saved")
      announce("Connected again, all changes are saved.");
    lost = tried && (trouble.length > 0 || (lost && status.pending > 0));
  };
  client.onStatus(look);
  onNetwork(look);
}
