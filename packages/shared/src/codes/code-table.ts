// The form of a table of codes. A table is the only place where a code of its kind is made: the type of the field that
// carries it is the table's keys, and docs/codes.md is printed from it. Bundles for pages import the types alone.

/** What there is to say of a code. */
export interface CodeEntry {
  /** Whether Calla tries again by itself. `"either"`: the frame or the state that carries the code says which. */
  readonly retryable: boolean | "either";
  /** One sentence: what has happened. */
  readonly means: string;
  /** What the app, or whoever runs the server, does about it. */
  readonly cure: string;
}

/** A closed list of codes: what each means, whether Calla tries again by itself, and what to do. */
export type CodeTable<Code extends string = string> = Readonly<Record<Code, CodeEntry>>;

/** A table whose type has its codes, and not all that is said of them. */
export const codeTable = <Code extends string>(table: CodeTable<Code>): CodeTable<Code> => table;
