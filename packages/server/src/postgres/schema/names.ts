// Names and texts in SQL.

/** A name, as SQL has it. */
export const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/** Postgres cuts longer names. */
const LONGEST_NAME = 63;

/** Why a schema cannot be named so; undefined: it can. What makes it is quoted by dollars. */
export function problemOfSchema(name: string): string | undefined {
  const fits = name !== "" && Buffer.byteLength(name) <= LONGEST_NAME && name.isWellFormed();
  if (!fits || name.includes("$") || name.includes("\u0000"))
    return `must be a name of at most ${LONGEST_NAME} bytes, without $ and NUL`;
  return name.startsWith("pg_") ? "must not begin with pg_, as Postgres's own do" : undefined;
}

/** A text, as SQL has it. */
export const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`;
