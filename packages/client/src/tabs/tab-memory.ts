// What a tab remembers over a reload, in the browser's sessionStorage.
import type { TabMemory, TabNote } from "./tab-note.ts";

/** Where sessionStorage may not be used, nothing is remembered: a reload takes its user's most recent free client. */
export function tabMemory(name: string): TabMemory {
  const notes = new Map<string, TabNote>();
  const keyOf = (server: string): string => (server ? `${name} ${server}` : name);
  const write = (note: TabNote, server: string): void => {
    notes.set(server, note);
    try {
      sessionStorage.setItem(keyOf(server), JSON.stringify(note));
    } catch {
      // Forbidden or full.
    }
  };
  // Only a page that goes says so. A duplicated tab gets its copy while this page lives.
  for (const [type, left] of [
    ["pagehide", true],
    ["pageshow", false],
  ] as const)
    globalThis.addEventListener?.(type, () => {
      for (const [server, note] of notes) write({ ...note, left }, server);
    });
  return {
    read(server) {
      try {
        const found = JSON.parse(sessionStorage.getItem(keyOf(server)) ?? "null") as Partial<TabNote> | null;
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
