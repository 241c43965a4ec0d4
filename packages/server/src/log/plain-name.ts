// Names that others chose (targets, clients, users, keys) as text that every engine holds. UTF-8 has no halves of surrogate
// pairs, and some databases end a text at NUL, or refuse it: names with those are escaped, all others stand as they are.

/** As it is stored. Names that differ are stored differently. */
export const plainName = (name: string): string =>
  name.startsWith('"') || name.includes("\u0000") || !name.isWellFormed() ? JSON.stringify(name) : name;

/** As it was. */
export const nameOfPlain = (text: string): string =>
  text.startsWith('"') ? (JSON.parse(text) as string) : text;
