// What every test of the board gets: its server, a board that nobody else uses, and as many visitors as it asks for.
import { expect } from "@playwright/test";
import { createTest } from "@calla/testing/playwright";
import type { Line } from "@calla/testing/playwright";
import { exampleServer } from "./example-server.ts";
import { Visitor } from "./visitor.ts";

interface Fixtures {
  /** The id of an unused board. */
  id: string;
  /** A visitor with a browser context and a line of their own, at the test's board. */
  arrive(name: string, format?: "json" | "messagepack", over?: (line: Line) => void): Promise<Visitor>;
}

const colours = { Ann: "violet", Bo: "green", "Bo Larsson": "green", Cy: "orange" } as Record<string, string>;

export const test = createTest({ server: exampleServer("board", "BOARDS") }).extend<Fixtures>({
  id: async ({ server }, use, { testId }) => {
    await use(`board-${server.port}-${testId.slice(-12)}`);
  },
  arrive: async ({ person, id }, use) => {
    await use(async (name, format, over) => {
      const who = await person(name);
      over?.(who.line);
      const visitor = new Visitor(await who.context.newPage(), who);
      await visitor.introduce(colours[name] ?? "blue");
      await visitor.open(id, format);
      return visitor;
    });
  },
});

export { expect };
