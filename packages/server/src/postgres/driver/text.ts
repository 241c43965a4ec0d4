// Values as Postgres reads them. Client libraries guess types by what a value is in JavaScript, each in its own way: text
// leaves nothing to guess.

/** What a statement takes. An array is one of Postgres's, of one dimension. */
export type PostgresValue =
  | string
  | number
  | bigint
  | boolean
  | null
  | readonly (string | number | bigint | boolean | null)[];

/**
 * A value as text, arrays as Postgres's literals.
 *
 * @example
 * postgresText([true, null, 'a "b"']); // {true,NULL,"a \"b\""}
 */
export function postgresText(value: PostgresValue): string | null {
  if (value === null || typeof value === "string") return value;
  if (!isList(value)) return String(value);
  let text = "{";
  for (const item of value) {
    if (text.length > 1) text += ",";
    text += typeof item === "string" ? quoted(item) : item === null ? "NULL" : String(item);
  }
  return `${text}}`;
}

// Array.isArray leaves a readonly array among the rest.
const isList = (value: PostgresValue): value is Extract<PostgresValue, readonly unknown[]> =>
  Array.isArray(value);

const quoted = (text: string): string => `"${text.replace(/["\\]/g, "\\$&")}"`;
