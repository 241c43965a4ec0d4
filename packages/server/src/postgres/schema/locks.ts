// Keys of advisory locks. They end with their transaction, so a pooler that shares connections is no trouble.
import { literal } from "./names.ts";

const key = (text: string): string => `hashtextextended(${literal(`calla ${text}`)}, 0)`;

/** Held while consumers are made and garbage is deleted: one that begins sees all of it, or its end. */
export const keptLock = (schema: string): string => key(`kept ${schema}`);

/** Held while a schema is made or brought up to date. */
export const madeLock = (schema: string): string => key(`made ${schema}`);
