// How frames that many receive name an author: nothing personal, and another name in each target.
import { hashString } from "../values/hash.ts";
import type { TargetKey } from "./target.ts";

// The target comes first. A hash can be run backwards: from what it was before the target's name follows what it is with
// any other target's, and a tag would tell who somebody is elsewhere.

/**
 * The author's tag in frames, by which a client finds its own records.
 *
 * @example
 * const own = records.filter(([tag]) => tag === authorTag(clientId, target));
 */
export const authorTag = (clientId: string, target: TargetKey): number =>
  hashString(`${target}\n${clientId}`);

/**
 * 32 bits more. Both together name an author that nobody has signed in, where ids are made: client ids are drawn at
 * random by servers, so nobody can come by one that has another's 64 bits.
 *
 * @example
 * visitorName(authorTag(clientId, target), restOfTag(clientId, target));
 */
export const restOfTag = (clientId: string, target: TargetKey): number =>
  hashString(`${target}\n${clientId}`, 1);

/**
 * A visitor's name, of both parts of its tag.
 *
 * @example
 * visitorName(authorTag(clientId, target), restOfTag(clientId, target));
 */
export const visitorName = (tag: number, rest: number): string => `${tag.toString(36)}-${rest.toString(36)}`;

/**
 * The visitor's name of an author that nobody has signed in; "" of a user.
 *
 * @example
 * visitorOf(clientId, null, "board:42"); // "1x2y3z-4a5b6c"
 * visitorOf(clientId, "anna", "board:42"); // ""
 */
export const visitorOf = (clientId: string, userId: string | null, target: TargetKey): string =>
  userId === null ? visitorName(authorTag(clientId, target), restOfTag(clientId, target)) : "";
