// What a tab remembers over a reload, in the browser's sessionStorage.
import type { TabMemory, TabNote } from "./tab-note.ts";

/** Where sessionStorage may not be used, nothing is remembered: a reload takes its user's most recent free client. */
export function tabMemory(key: string): TabMemory {
  let note: TabNote | undefined;
  const write = (next: TabNote): void => {
    note = next;
    try {
      sessionStorage.setItem(key, JSON.stringify(next));
    } catch {
      // Forbidden or full.
    }
  };
  // Only a page that goes says so. A duplicated tab gets its copy while this page lives.
  globalThis.addEventListener?.("pagehide", () => note && write({ ...note, left: true }));
  globalThis.addEventListener?.("pageshow", () => note && write({ ...note, left: false }));
  return {
    read() {
      try {
        const found = JSON.parse(sessionStorage.getItem(key) ?? "null") as Partial<TabNote> | null;
        return typeof found?.client === "string"
          ? { client: found.client, left: found.left === true }
          : undefined;
      } catch {
        return undefined;
      }
    },
    write,
  };
}
