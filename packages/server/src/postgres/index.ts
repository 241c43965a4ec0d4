// The public entry of @calla/server/postgres.
export type { PostgresDriver, PostgresLine, PostgresLineEvents, PostgresRow } from "./driver/driver.ts";
export { pgDriver } from "./driver/pg-driver.ts";
export type { PgDriverOptions, PgPool, PgPoolClient } from "./driver/pg-driver.ts";
export { pgliteDriver } from "./driver/pglite-driver.ts";
export type { PgliteDatabase } from "./driver/pglite-driver.ts";
export { postgresJsDriver } from "./driver/postgres-js-driver.ts";
export type {
  PostgresJsDriverOptions,
  PostgresJsQuery,
  PostgresJsRows,
  PostgresJsSql,
} from "./driver/postgres-js-driver.ts";
export type { PostgresConnection } from "./driver/settings.ts";
export { postgresLog } from "./log/create.ts";
export type { PostgresLog, PostgresLogOptions } from "./log/options.ts";
export type { PostgresLogProblem } from "./log/refusals.ts";
export { moveLog, undoMove } from "./move/move-log.ts";
export type { MoveOptions, MoveProgress, Moved } from "./move/move-log.ts";
export type { MoveProblem } from "./move/refusals.ts";
export { postgresPubSub } from "./pubsub/postgres-pubsub.ts";
export type { PostgresPubSub, PostgresPubSubOptions } from "./pubsub/postgres-pubsub.ts";
