// Stands for dev/define-checks.ts where the condition "production" holds: definitions were checked in development.
import type * as Checks from "../dev/define-checks.ts";

export const checkTopic: typeof Checks.checkTopic = () => undefined;
export const checkEphemeral: typeof Checks.checkEphemeral = () => undefined;
export const checkLocal: typeof Checks.checkLocal = () => undefined;
export const checkSession: typeof Checks.checkSession = () => undefined;
export const checkWiring: typeof Checks.checkWiring = () => undefined;
