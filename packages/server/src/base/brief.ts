// A peer's text where it is written down: as much of it as tells what it is.

const MOST = 256;

export const brief = (text: string): string => (text.length <= MOST ? text : `${text.slice(0, MOST)}…`);

/** Without the query, which may hold what nobody should read in a record. */
export const briefUrl = (url: string): string => brief(url.replace(/[?#].*$/s, ""));
