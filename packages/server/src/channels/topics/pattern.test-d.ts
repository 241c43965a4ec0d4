import { extractId, extractWildcards, parsePattern, topicOf } from "./pattern.ts";

const room = parsePattern("room:*");
const document = parsePattern("document:*:*");
const system = parsePattern("system");

export const id: string | undefined = extractId(room, "room:1");
export const pair: [string, string] | undefined = extractWildcards(document, "document:a:b");
export const none: [] | undefined = extractWildcards(system, "system");
// @ts-expect-error reason: there are two
export const one: [string] | undefined = extractWildcards(document, "document:a:b");

topicOf(document, "a", "b");
topicOf(system);
// @ts-expect-error reason: one is missing
topicOf(document, "a");
// @ts-expect-error reason: it has none
topicOf(system, "a");
// @ts-expect-error reason: no text
topicOf(room, 5);
