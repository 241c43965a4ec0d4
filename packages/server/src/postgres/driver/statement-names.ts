// Names for statements, so that a server reads and plans each one once per connection: unnamed, that took a third of a short
// append's time.
import { createHash } from "node:crypto";

/** An app may ask through a driver too: what it makes anew each time must not fill the connections. */
const MOST = 100;

/** Which name a statement has: the same for the same text, wherever, for poolers let many share a connection. */
export class StatementNames {
  readonly #names = new Map<string, string>();

  of(text: string): string | undefined {
    const known = this.#names.get(text);
    if (known !== undefined || this.#names.size >= MOST) return known;
    const name = `calla_${createHash("sha256").update(text).digest("hex").slice(0, 24)}`;
    this.#names.set(text, name);
    return name;
  }
}

/**
 * Whether a named statement was refused before it ran, for what it names: a pooler that changes connections has none of that
 * name on the next one (26000), or another's (42P05); a function it calls gives other columns by now (0A000).
 */
export const isLostStatement = (error: unknown): boolean =>
  ["26000", "42P05", "0A000"].includes(String((error as { readonly code?: unknown }).code));
