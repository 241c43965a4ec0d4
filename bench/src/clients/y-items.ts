// The items as shared types of Yjs.
import { Map as YMap } from "yjs";
import type { Doc } from "yjs";
import { firstItems } from "../fixtures.ts";
import type { Kept } from "./real-client.ts";

/** What the document is called, and what in it holds the items. */
export const document = "items";

export function fill(doc: Doc, kept: Kept): void {
  doc.transact(() => {
    for (const item of firstItems()) {
      const one = new YMap<unknown>(Object.entries(item));
      if (kept === "record") doc.getMap(document).set(item.id, one);
      else doc.getArray(document).push([one]);
    }
  });
}

/** Gives the item at a place. */
export function itemIn(doc: Doc, kept: Kept): (at: number) => YMap<unknown> | undefined {
  if (kept === "list") {
    const list = doc.getArray<YMap<unknown>>(document);
    return (at) => list.get(at);
  }
  const ids = firstItems().map(({ id }) => id);
  const map = doc.getMap<YMap<unknown>>(document);
  return (at) => map.get(ids[at]!);
}
