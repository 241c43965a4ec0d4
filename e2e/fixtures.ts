// What every test gets: a server, a board that nobody else uses, and as many visitors as it asks for. A test fails if
// anybody's console or the server had an error.
import { expect, test as base } from "@playwright/test";
import { BoardServer } from "./board-server.ts";
import { Visitor } from "./visitor.ts";
import { Wire } from "./wire.ts";

interface Fixtures {
  server: BoardServer;
  /** The id of an unused board. */
  id: string;
  /** A visitor with a browser context and a wire of their own, at the test's board. */
  arrive(name: string, format?: "json" | "messagepack", over?: (wire: Wire) => void): Promise<Visitor>;
}

/** Runs in the page, before its own scripts. */
const introduce = (person: string): void => {
  if (location.protocol === "http:") localStorage["person"] ??= person;
};

const colours = { Ann: "violet", Bo: "green", Cy: "orange" } as Record<string, string>;

export const test = base.extend<Fixtures>({
  // oxlint-disable-next-line no-empty-pattern -- reason: Playwright reads the fixtures to prepare off the pattern
  server: async ({}, use) => {
    const server = new BoardServer();
    await server.start();
    await use(server);
    await server.end();
    expect(server.errors).toEqual([]);
  },
  id: async ({ server }, use, { testId }) => {
    await use(`board-${server.port}-${testId.slice(-12)}`);
  },
  arrive: async ({ browser, server, id }, use) => {
    const visitors: Visitor[] = [];
    await use(async (name, format, over) => {
      const wire = await Wire.to(() => server.port);
      over?.(wire);
      const context = await browser.newContext();
      await context.addInitScript(introduce, JSON.stringify({ name, colour: colours[name] ?? "blue" }));
      const visitor = new Visitor(await context.newPage(), wire, []);
      visitors.push(visitor);
      await visitor.open(id, format);
      return visitor;
    });
    for (const { context, errors, wire } of visitors) {
      await context.close();
      wire.close();
      expect(errors).toEqual([]);
    }
  },
});

export { expect };
