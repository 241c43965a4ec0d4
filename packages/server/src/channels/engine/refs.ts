// Refs are the client's own, and any JSON (W2): they are echoed, and compared by type and value.
import type { Json } from "../wire/message.ts";

/** Whether two refs are the same: 1 is not "1", and two equal objects are one. */
export const sameRef = (a: Json, b: Json): boolean =>
  a === b ||
  (typeof a === "object" &&
    typeof b === "object" &&
    a !== null &&
    b !== null &&
    JSON.stringify(a) === JSON.stringify(b));
