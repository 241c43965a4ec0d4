// Stands for strict.ts in production bundles (the condition "production" of `imports` in package.json): the checks of
// development are not there, whatever the option says.
import { runUpdate } from "./run-update.ts";
import type * as Strict from "./strict.ts";

export const strictUpdate: typeof Strict.strictUpdate = runUpdate;
export const checkInitial: typeof Strict.checkInitial = () => undefined;
export const conversion: typeof Strict.conversion = () => undefined;
