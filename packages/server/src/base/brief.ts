// A peer's text, cut to what identifies it, for records and errors.

const MOST = 256;

export const brief = (text: string): string => (text.length <= MOST ? text : `${text.slice(0, MOST)}…`);

/** Without the query, which may hold what nobody should read in a record. */
export const briefUrl = (url: string): string => brief(url.replace(/[?#].*$/s, ""));
