// What a page stores, says and hears, as the history has it: one way for all pages that this kit opens.
import type { DecidedWrite } from "@calla/client";
import type { StorageChange } from "@calla/client/testing";
import type { ClientFrame } from "@calla/shared";
import type { HistoryEvent, PageName, Told } from "../history/history.ts";

/** A commit of the page's storage. */
export function committed(
  changes: readonly StorageChange[],
  stage: "asked" | "durable" | "failed",
  page: PageName,
): readonly HistoryEvent[] {
  const events: HistoryEvent[] = stage === "failed" ? [{ type: "unstored", ...page }] : [];
  /** Written anew after a failure: what is behind `settled` has an outcome there, without a change of its own. */
  const anew = changes.some(({ type }) => type === "begin");
  for (const change of changes) {
    if (change.type === "entry") {
      const { target, mid, id, at } = change.entry;
      events.push({ type: "stored", ...page, stage, target, mid, id, at });
    } else if (stage !== "durable") continue;
    else if (change.type === "outcome") {
      const { target, mid, sequence } = change;
      events.push({ type: "recorded", ...page, target, mid, sequence });
    } else if (change.type === "model")
      events.push({ type: "kept", ...page, target: change.target, sequence: change.model.sequence });
    else if (change.type === "begin") events.push({ type: "kept", ...page, target: null, sequence: 0 });
    else if (change.type === "target" && anew) {
      const { target } = change;
      for (let mid = 1; mid <= change.settled; mid++)
        events.push({ type: "recorded", ...page, target, mid, sequence: 0 });
    }
  }
  return events;
}

/** A message that was handed to the network; undefined for every other frame. */
export function sent(
  frame: ClientFrame,
  clientId: string | undefined,
  page: PageName,
): Extract<HistoryEvent, { type: "sent" }> | undefined {
  if (frame.type !== "TopicMessage" || frame.mid === 0) return undefined;
  const { target, mid, id, messages } = frame;
  return { type: "sent", ...page, clientId: clientId ?? "", target, mid, id, empty: messages.length === 0 };
}

/** What `onOutcome` heard. */
export const hookedBy = (
  decided: DecidedWrite,
): Pick<Extract<HistoryEvent, { type: "hooked" }>, "target" | "id" | "is" | "sequence" | "code"> => ({
  target: decided.target,
  id: decided.id,
  is: decided.is,
  sequence: "sequence" in decided ? decided.sequence : 0,
  code: "error" in decided ? decided.error.code : "",
});

/** What a caller is told whose dispatch was not applied. */
export function failedBy(error: { readonly code?: string; readonly from?: string }): Told {
  const code = error.code ?? String(error);
  const ended = error.from === undefined || code === "client-expired";
  return { is: ended ? "ended" : "rejected", code };
}
