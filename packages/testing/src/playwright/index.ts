// The public list of @calla/testing/playwright: a user's own server, people with tabs and lines of their own, and what may
// not go wrong meanwhile.
export { createTest } from "./create-test.ts";
export type { CallaTest, TestFixtures, TestOptions } from "./test-api.ts";
export { Line } from "./line/line.ts";
export type { LineOptions } from "./line/line.ts";
export type { Direction } from "./line/weather.ts";
export { Person } from "./person.ts";
export type { SettledOptions } from "./settled.ts";
export { TestServer } from "./server/test-server.ts";
export type { RestartOptions } from "./server/test-server.ts";
export type {
  CommandOptions,
  RunningServer,
  ServerOptions,
  ServerPlace,
  StartOptions,
  StopSignal,
} from "./server/server-options.ts";
