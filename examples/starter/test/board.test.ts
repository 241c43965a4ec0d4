// The board's rules, and seeded runs: several servers and pages, lines that are cut, servers that are killed.
import { createServer } from "@calla/server";
import { action, runSeeds } from "@calla/testing";
import { expect, test } from "vitest";
import { board, columns, serialiser, wiring } from "../shared/board.ts";

test("a card that is gone is not edited", async () => {
  const server = createServer({ wiring, serialiser });
  server.handle(board, { public: true });
  const topic = server.topic(board, "test");
  await topic.dispatch({ type: "added", id: "a", column: "To do", text: "Water the plants" });
  await topic.dispatch({ type: "removed", id: "a" });
  const edit = topic.dispatch({ type: "edited", id: "a", text: "Water all plants" });
  await expect(edit).rejects.toMatchObject({ code: "rejected", details: { code: "gone" } });
  expect((await topic.read()).model).toEqual({ cards: [] });
  await server.stop();
});

test("pages and servers agree, whatever the network does", async () => {
  const report = await runSeeds(
    { count: 5, print: (text) => void process.stdout.write(`${text}\n`) },
    {
      wiring,
      serialiser,
      server: (server) => server.handle(board, { public: true }),
      actions: [
        action(board, ["1"], (random) => ({
          type: "added",
          id: random.pick(["a", "b", "c", "d"]),
          column: random.pick(columns),
          text: random.pick(["eggs", "milk", "tea"]),
        })),
        action(board, ["1"], (random, model) => ({
          type: "moved",
          id: random.pick(["a", ...(model?.cards ?? []).map(({ id }) => id)]),
          column: random.pick(columns),
        })),
      ],
    },
  );
  expect(report.failures).toEqual([]);
}, 60_000);
