// Refs are the client's own, and any JSON (W2): they are echoed, and compared by type and value. A join's ref and topic are
// held and said with all that its channel says, so they are bounded (JN31).
import type { Json } from "../wire/message.ts";

/** Whether two refs are the same: 1 is not "1", and two equal objects are one. */
export const sameRef = (a: Json, b: Json): boolean =>
  a === b ||
  (typeof a === "object" &&
    typeof b === "object" &&
    a !== null &&
    b !== null &&
    JSON.stringify(a) === JSON.stringify(b));

/** UTF-16 units of a join's refs, as JSON, and of its topic. Phoenix clients count from 1 or make UUIDs. */
const LONGEST = 1_024;

/** Whether a join names itself by more than is held for it. */
export const isTooLong = (name: Json): boolean =>
  typeof name === "string"
    ? name.length > LONGEST
    : typeof name === "object" && name !== null && JSON.stringify(name).length > LONGEST;
