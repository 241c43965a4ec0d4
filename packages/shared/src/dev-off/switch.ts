// Stands for dev/switch.ts where the condition "production" holds.
import type * as Development from "../dev/switch.ts";

export const DEV: typeof Development.DEV = false;
export const isDevelopment: typeof Development.isDevelopment = () => false;
/** There is nothing to be strict with. */
export const strictness: typeof Development.strictness = () => false;
