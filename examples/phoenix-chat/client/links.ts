// Finds addresses in a text. What is no address stays text.

export interface Piece {
  readonly text: string;
  readonly href: string | undefined;
}

const ADDRESS = /\bhttps?:\/\/[^\s<>"']+/g;

export function pieces(text: string): Piece[] {
  const found: Piece[] = [];
  let at = 0;
  for (const match of text.matchAll(ADDRESS)) {
    // What ends a sentence does not belong to an address.
    const href = match[0].replace(/[.,;:!?)\]]+$/, "");
    if (!URL.canParse(href)) continue;
    if (match.index > at) found.push({ text: text.slice(at, match.index), href: undefined });
    found.push({ text: href, href });
    at = match.index + href.length;
  }
  if (at < text.length) found.push({ text: text.slice(at), href: undefined });
  return found;
}
