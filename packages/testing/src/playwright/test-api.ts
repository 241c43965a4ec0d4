// What a user's test is given, as types.
import type {
  BrowserContextOptions,
  PlaywrightTestArgs,
  PlaywrightTestOptions,
  PlaywrightWorkerArgs,
  PlaywrightWorkerOptions,
  TestType,
} from "@playwright/test";
import type { LineOptions } from "./line/line.ts";
import type { Person } from "./person.ts";
import type { ServerOptions } from "./server/server-options.ts";
import type { TestServer } from "./server/test-server.ts";
import type { SettledOptions } from "./settled.ts";

/** What `createTest` takes. */
export interface TestOptions {
  /** How your server is started, for each test anew. */
  readonly server: ServerOptions;
  /** What the paths of your sync over HTTP begin with. Default: `/calla` and `/socket`. */
  readonly syncPaths?: LineOptions["syncPaths"];
}

/** What each test is given beside what Playwright gives. */
export interface TestFixtures {
  /** Your server: it runs when the test begins. */
  server: TestServer;
  /**
   * Somebody with a browser and a line of their own, without a tab yet; `options` as for Playwright's `newContext`. Call it
   * as often as there are people.
   */
  person(name: string, options?: BrowserContextOptions): Promise<Person>;
  /**
   * Resolves when every open tab shows the server's model: all are connected, no dispatch is without an outcome, and each
   * topic is at the server's place with the server's model, in all tabs alike. The server is asked by a second client that
   * each page makes for it, with the page's own rights. Rejects with what is not so. Of all people, or those you name.
   *
   * Pages show their clients where they are built for development, without the condition `production`.
   */
  settled(people?: readonly Person[], options?: SettledOptions): Promise<void>;
}

/** What `createTest` returns: Playwright's `test`, with the fixtures of Calla. */
export type CallaTest = TestType<
  PlaywrightTestArgs & PlaywrightTestOptions & TestFixtures,
  PlaywrightWorkerArgs & PlaywrightWorkerOptions
>;
