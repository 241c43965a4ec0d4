// Stands for dev/define-checks.ts where the condition "production" holds: definitions were checked in development.
// Bundlers leave out the calls of empty functions, esbuild only of declared ones.
export function checkTopic(_slice: object, _definition: object): void {}
export function checkEphemeral(_slice: object, _definition: object): void {}
export function checkLocal(_slice: object, _definition: object): void {}
export function checkSession(_slice: object, _definition: object): void {}
export function checkWiring(_session: unknown, _topics: unknown, _local: unknown): void {}
export function checkFormats(_formats: unknown): void {}
export function checkClasses(_classes: unknown): void {}
export function checkPresenceSchema(_schema: unknown): void {}
