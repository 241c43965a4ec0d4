// What guards against a peer that means harm, or errs. In a page that is built for production (the conditions "browser"
// and "production" together) ../guards-off stands in place of this folder: there the only peer is the app's own server,
// which has guarded itself. A server and every client in Node have this one, in production too.
import { asFrame } from "../wire/protocol.ts";
import type { ServerFrame } from "../wire/protocol.ts";
import { serverFrames } from "../wire/server-frames.ts";

/**
 * The server's frame that `value` is, or undefined.
 *
 * @example
 * const frame = serverFrame(format.decode(data));
 */
export const serverFrame = (value: unknown): ServerFrame | undefined => asFrame(serverFrames, value);
