// Objects whose fields have numbers for names. V8 gives an object with a field named 1000 room for 1,500, 12 KB where
// the wire had 8 bytes: measured, 10,000 such objects (110 KB) took 122 MB and 2.8 s to make by assignment, and 2 MB once
// they have their table. JSON.parse makes the table by itself.

/** The largest name that counts as an index: an object that once had it keeps its indexes in a table. */
const LAST_INDEX = 4_294_967_294;

/** To be called once for an object that is being made, before its first field whose name `mayBeIndex`. */
export function useTable(fields: object): void {
  (fields as Record<number, unknown>)[LAST_INDEX] = undefined;
  delete (fields as Record<number, unknown>)[LAST_INDEX];
}

/** Whether a name is that of an index, or begins like one. */
export const mayBeIndex = (name: string): boolean => {
  const first = name.charCodeAt(0);
  return first <= 0x39 && first >= 0x30;
};
