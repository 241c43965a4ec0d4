// `@calla/shared/codes`: all tables of codes, for tools that show a code to people with its sentence and its cure, and
// for documentation (docs/codes.md). Apps that switch over codes need the types of `@calla/client` alone.
export type { CodeEntry, CodeTable, OpenCode } from "./code-table.ts";
export { closingCodes } from "./closing-codes.ts";
export { connectionCodes } from "./connection-codes.ts";
export { errorCodes } from "./error-codes.ts";
export { observedCodes } from "./observed-codes.ts";
export { pausedCodes } from "./paused-codes.ts";
export { rejectionCodes } from "./rejection-codes.ts";
export { requestCodes } from "./request-codes.ts";
export { storageCodes } from "./storage-codes.ts";
export { unsubscribedCodes } from "./unsubscribed-codes.ts";
export { untrackedCodes } from "./untracked-codes.ts";
