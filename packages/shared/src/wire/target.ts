// Which store a message is for, and "I have up to here".

/** A target's key: a topic's id; `"@"` on the wire for the speaker's own session; `"@<clientId>"` in a log. */
export type TargetKey = string;

/** The speaker's own session, as the wire names it. Topic ids never begin with "@". */
export const OWN_SESSION: TargetKey = "@";

/**
 * The log's key of a client's session.
 *
 * @example
 * sessionKey("c1"); // "@c1"
 */
export const sessionKey = (clientId: string): TargetKey => `@${clientId}`;

/**
 * Whether the key names a session; then `key.slice(1)` is its client.
 *
 * @example
 * isSession("@c1"); // true
 * isSession("board:42"); // false
 */
export const isSession = (key: TargetKey): boolean => key.charCodeAt(0) === 64;

/** "I have up to here": a place in a target's history and which history it is. */
export interface Cursor {
  readonly sequence: number;
  readonly mark: number;
}

/** Before the first record: the place of a target that does not exist yet. */
export const ORIGIN: Cursor = { sequence: 0, mark: 0 };
