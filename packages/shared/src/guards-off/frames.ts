// Stands for guards/frames.ts in a page that is built for production.
import type * as Guard from "../guards/frames.ts";
import type { ServerFrame } from "../wire/protocol.ts";

export const serverFrame: typeof Guard.serverFrame = (value) => value as ServerFrame | undefined;
