// What a frame comes to for all bridged clients who hear it: made once. Only what the frame alone says: who is here is a
// table's to say (presence-table.ts).
import type { SharedEvent } from "../channels/wire/shared-message.ts";
import type { PlainFrame } from "./plain-frames.ts";

const TOLD = new WeakMap<PlainFrame, Map<string, SharedEvent>>();

/** The same event for each of them. `event`: its name, one of those that the frame comes to. */
export function told(frame: PlainFrame, event: string, make: () => SharedEvent): SharedEvent {
  let events = TOLD.get(frame);
  if (events === undefined) TOLD.set(frame, (events = new Map()));
  let made = events.get(event);
  if (made === undefined) events.set(event, (made = make()));
  return made;
}
