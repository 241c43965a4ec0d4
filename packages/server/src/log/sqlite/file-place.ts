// Whether the files of an open database are still where they were opened: SQLite goes on writing to a file that was
// deleted or replaced, and what it commits there is lost. Like the executor it runs in this thread or is sent to a
// worker as text: no imports but types, no name from outside.
import type { Failure } from "./failure.ts";

/** As much of `node:fs` as it takes. */
export interface Files {
  statSync(
    path: string,
    options: { readonly bigint: true; readonly throwIfNoEntry: false },
  ): { readonly dev: bigint; readonly ino: bigint; readonly size: bigint } | undefined;
}

export interface FilePlace {
  /** Remembers where the files are that were opened since it was made. A failure: it is another file than then. */
  settle(): Failure | undefined;
  /** What has become of them since. */
  look(): Failure | undefined;
}

/**
 * Made before the file is opened. It looks by name and never opens a file itself: to close that would end the locks that
 * SQLite holds on it in this process.
 */
export function placeOf(files: Files, file: string): FilePlace {
  const made = {
    names: file === ":memory:" || file === "" ? [] : [file, `${file}-wal`, `${file}-shm`],
    /** Which files they are; "": none. */
    known: [] as string[],
    size: 0n,
    found(name: string): { readonly id: string; readonly size: bigint } {
      const stat = files.statSync(name, { bigint: true, throwIfNoEntry: false });
      return stat === undefined ? { id: "", size: 0n } : { id: `${stat.dev}:${stat.ino}`, size: stat.size };
    },
    failure(name: string, id: string): Failure {
      return id === ""
        ? { code: "CALLA_GONE", message: `${name} is not there any more` }
        : { code: "CALLA_REPLACED", message: `another file stands in the place of ${name}` };
    },
    settle(): Failure | undefined {
      const [before] = made.known;
      made.known = made.names.map((name) => made.found(name).id);
      made.size = 0n;
      const [now] = made.known;
      return before === undefined || before === "" || before === now || now === undefined
        ? undefined
        : made.failure(file, now);
    },
    look(): Failure | undefined {
      for (const [index, name] of made.names.entries()) {
        const known = made.known[index];
        if (known === "") continue;
        const { id, size } = made.found(name);
        if (id !== known) return made.failure(name, id);
        if (index > 0) continue;
        // It grows and never shrinks by itself: if somebody has cut it, it is looked through before anything else is written.
        if (size < made.size) return { code: "CALLA_REPLACED", message: `${name} has become smaller` };
        made.size = size;
      }
      return undefined;
    },
  };
  // What is there before it is opened is what must have been opened.
  if (made.names.length > 0) made.known = [made.found(file).id];
  return made;
}
