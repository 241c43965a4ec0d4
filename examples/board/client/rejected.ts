// What becomes of what the server refused: it says why, and gives back what was written.
import type { DecidedWrite } from "@calla/client";
import type { RejectionOf } from "@calla/shared";
import type { BoardMessage } from "../shared/inverse.ts";
import type { board, Column } from "../shared/wiring.ts";
import { reason } from "./reasons.ts";
import { giveBack } from "./returned.ts";
import { toast } from "./toasts.ts";

/** `column`: where an edited card was; who knows it no more gets the text back in the first. */
export function rejected(
  id: string,
  message: BoardMessage,
  rejection: RejectionOf<typeof board>,
  column: Column = "todo",
): void {
  const text = message.type === "cardAdded" || message.type === "cardEdited" ? message.text : undefined;
  if (text !== undefined)
    giveBack(id, { column: message.type === "cardAdded" ? message.column : column, text });
  toast(`${reason(rejection)}${text === undefined ? "" : " Your text is back in the field."}`);
}

/** What this browser dispatched before a reload, and hears of only now. */
export function rejectedEarlier(decided: DecidedWrite): void {
  const [slice, id] = decided.target.split(":");
  if (!decided.earlier || decided.is === "applied" || slice !== "board" || id === undefined) return;
  const { from, code, details } = decided.error;
  for (const message of decided.messages as readonly BoardMessage[])
    rejected(id, message, { from, code, details } as RejectionOf<typeof board>);
}
