// better-sqlite3, which an app installs beside Calla.
import type BetterSqlite3 from "better-sqlite3";
import { peer, peerPath } from "../../base/peer.ts";

const LIBRARY = { name: "better-sqlite3", version: 12, neededBy: "@calla/server/sqlite" } as const;

/** @throws CallaError `wiring`: it is not installed. */
export const library = (): typeof BetterSqlite3 => peer(LIBRARY);

/** Where it is, for a worker. */
export const libraryPath = (): string => peerPath(LIBRARY.name);
