// Stands for dev/strict.ts where the condition "production" holds.
import { runUpdate } from "../updates/run-update.ts";
import type * as Strict from "../dev/strict.ts";

export const strictUpdate: typeof Strict.strictUpdate = runUpdate;
export const checkInitial: typeof Strict.checkInitial = () => undefined;
export const conversion: typeof Strict.conversion = () => undefined;
