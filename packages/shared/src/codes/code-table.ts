// The form of a table of codes. A table is the only place where a code of its kind is made: the type of the field that
// carries it is the table's keys, and docs/codes.md is printed from it. Bundles for pages import the types alone.

/** What there is to say of a code. */
export interface CodeEntry<Retryable = boolean | "either"> {
  /** Whether Calla tries again by itself. `"either"`: the frame or the state that carries the code says which. */
  readonly retryable: Retryable;
  /** One sentence: what has happened. */
  readonly means: string;
  /** What the app or the operator does about it. */
  readonly cure: string;
}

/** A closed list of codes: what each means, whether Calla tries again by itself, and what to do. `Open`: those that are "either". */
export type CodeTable<Code extends string = string, Open extends Code = Code> = {
  readonly [K in Code]: CodeEntry<K extends Open ? boolean | "either" : boolean>;
};

/** A table's codes that are "either": whoever says one says whether Calla tries again. */
export type OpenCode<Table> = {
  readonly [K in keyof Table]: Table[K] extends CodeEntry<boolean> ? never : K;
}[keyof Table] &
  string;

/** A table whose type has its codes, and which of them are "either"; not all that is said of them. */
export const codeTable = <const Table extends CodeTable>(
  table: Table,
): CodeTable<
  keyof Table & string,
  // Written out: by its name it would print the whole table into the declarations.
  { readonly [K in keyof Table]: Table[K] extends CodeEntry<boolean> ? never : K }[keyof Table] & string
> => table as never;
