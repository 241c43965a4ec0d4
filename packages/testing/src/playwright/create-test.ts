// Playwright's `test` with people in it: a server, lines to it, browsers on them, and what may not go wrong.
import { expectNone } from "./errors/complaints.ts";
import { library } from "./library.ts";
import { Line } from "./line/line.ts";
import type { LineOptions } from "./line/line.ts";
import { Person } from "./person.ts";
import { tabsOf, untilSettled } from "./settled.ts";
import { TestServer } from "./server/test-server.ts";
import type { CallaTest, TestFixtures, TestOptions } from "./test-api.ts";

/**
 * Playwright's `test` for an app with a server: each test has its own server and as many people as it asks for. It fails
 * if a console, an uncaught exception, or the server says an error that was not allowed; what browsers say of a line that
 * the test has cut is allowed.
 *
 * @throws Error: `@playwright/test` is not installed.
 * @example
 * export const test = createTest({ server: { command: ["node", "server.js"], database: "DATABASE" } });
 *
 * test("two people see each other's cards", async ({ person }) => {
 *   const [ann, bo] = [await person("Ann"), await person("Bo")];
 *   const page = await ann.tab("/board/42");
 * });
 */
export function createTest({ server: how, syncPaths }: TestOptions): CallaTest {
  const { test } = library();
  const lineOptions: LineOptions = syncPaths ? { syncPaths } : {};
  return test.extend<TestFixtures & { people: Person[] }>({
    // oxlint-disable-next-line no-empty-pattern -- reason: Playwright reads the fixtures to prepare off the pattern
    people: async ({}, use) => {
      await use([]);
    },
    server: [
      async ({ people }, use, info) => {
        const server = new TestServer(how, () => {
          for (const { line } of people) line.disturbed = true;
        });
        try {
          await server.start();
          await use(server);
        } finally {
          await server.end();
        }
        if (info.status !== info.expectedStatus && server.output.length > 0)
          await info.attach("what the server printed", { body: server.output.join("\n") });
        expectNone(new Map([["The server", server.errors]]));
      },
      // A test's own time is often no longer than what a server may take, and would be over without a word of it.
      { timeout: longest(how) },
    ],
    person: async ({ browser, server, people }, use) => {
      await use(async (name, options) => {
        const line = await Line.to(() => server.port, lineOptions);
        const context = await browser.newContext({ baseURL: line.url, ...options });
        const person = await Person.of(name, context, line);
        people.push(person);
        return person;
      });
      for (const { context, line } of people) {
        await context.close();
        await line.close();
      }
      expectNone(new Map(people.map(({ name, errors }) => [name, errors])));
    },
    settled: async ({ people, server }, use) => {
      await use(async (who = people, options = {}) => {
        if (!server.running) throw new Error("settled: the server does not run.");
        await untilSettled(tabsOf(who), options);
      });
    },
  }) as CallaTest;
}

/** Milliseconds until the server itself has been given up, with something to say. */
function longest(how: TestOptions["server"]): number {
  const { startTimeout = 30_000, stopTimeout = 10_000 } = "command" in how ? how : {};
  return startTimeout + 2 * stopTimeout + 5_000;
}
