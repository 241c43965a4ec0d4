// The boards on three nodes over one Postgres, behind a balancer without sticky sessions.
import { expect } from "@playwright/test";
import type { Page } from "@playwright/test";
import { createTest } from "@calla/testing/playwright";
import { pgDriver } from "@calla/server/postgres";
import { findPostgres } from "../scripts/postgres/binaries.mjs";
import { startCluster } from "../scripts/scaled/cluster.mjs";
import { Visitor } from "./visitor.ts";

type Cluster = Awaited<ReturnType<typeof startCluster>>;
let cluster: Cluster | undefined;

const test = createTest({
  server: {
    async start({ report }) {
      // A node that is started again is no error; whatever else one says is.
      const say = (line: string): void => {
        if (!line.endsWith("is started again")) report(new Error(line));
      };
      const started = await startCluster({ env: { NODE_ENV: "test" }, say });
      cluster = started;
      return { port: started.port, stop: () => started.stop() };
    },
  },
});

// reason: there may be no Postgres and none to be had; `npm test` has installed one before otherwise, and says so.
test.skip(
  !process.env["CALLA_POSTGRES_URL"] && findPostgres() === undefined,
  "there is no Postgres on this machine",
);

/** How many connections each node has. */
const connections = (nodes: Cluster["nodes"]): Promise<number[]> =>
  Promise.all(
    nodes.map(async ({ port }) => {
      const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
      return Number(/^calla_connections (\d+)/m.exec(metrics)?.[1]);
    }),
  );

/** From now on, whatever the page says of its connection or in a toast. */
const listen = async (page: Page): Promise<() => Promise<string[]>> => {
  await page.evaluate(() => {
    const said: string[] = [];
    Object.assign(globalThis, { said });
    for (const part of document.querySelectorAll("#connection, #toasts"))
      new MutationObserver(() => void said.push(part.textContent ?? "")).observe(part, {
        childList: true,
        subtree: true,
        characterData: true,
      });
  });
  return () => page.evaluate(() => (globalThis as unknown as { said: string[] }).said.filter(Boolean));
};

test("[TE4] [TE14] a node is killed while two people on two nodes type: nothing is lost, nothing doubled, and one of them sees a line about it", async ({
  server,
  person,
}) => {
  const { nodes, database, balancer, engine } = cluster!;
  console.log(`three nodes: ${balancer}; ${engine}`);
  const board = `board-${server.port}`;
  const arrive = async (name: string): Promise<Visitor> => {
    const who = await person(name);
    const visitor = new Visitor(await who.context.newPage(), who);
    await visitor.introduce("green");
    await visitor.open(board);
    await expect(visitor.field("To do")).toBeVisible();
    await expect(visitor.allSaved).toBeVisible();
    return visitor;
  };
  const ann = await arrive("Ann");
  await expect.poll(async () => (await connections(nodes)).toSorted()).toEqual([0, 0, 1]);
  const anns = (await connections(nodes)).indexOf(1);
  const bo = await arrive("Bo");
  // The balancer asks nobody: Bo may have come to Ann's.
  await expect(async () => {
    if ((await connections(nodes))[anns] !== 1) await bo.page.reload();
    await expect
      .poll(async () => (await connections(nodes)).toSorted(), { timeout: 2_000 })
      .toEqual([0, 1, 1]);
  }).toPass();
  const [annHears, boHears] = [await listen(ann.page), await listen(bo.page)];

  const texts = (name: string) => Array.from({ length: 8 }, (_, n) => `${name} ${n + 1}`);
  ann.line.disturbed = true;
  const type = async (visitor: Visitor, column: string, name: string): Promise<void> => {
    for (const text of texts(name)) {
      await visitor.add(column, text);
      // What she has written last is under way, and he goes on too.
      if (text === "Sow 4") nodes[anns]!.kill("SIGKILL");
    }
  };
  await Promise.all([type(ann, "To do", "Sow"), type(bo, "Done", "Water")]);

  for (const visitor of [ann, bo]) {
    await expect(visitor.cards("To do")).toHaveText(texts("Sow"));
    await expect(visitor.cards("Done")).toHaveText(texts("Water"));
    await visitor.saved();
    await expect(visitor.banner).toBeEmpty();
  }
  expect(await boHears()).toEqual([]);
  const line = expect.stringContaining("No connection") as unknown;
  const heard = await annHears();
  expect(heard).toContainEqual(line);
  expect(heard).toEqual(heard.map(() => line));
  // A card that comes twice changes nothing, so the page could not tell: the log has one record for each.
  const driver = pgDriver({ url: database });
  const [row] = await driver.query("SELECT sequence::text FROM calla.targets WHERE name = $1", [
    `board:${board}`,
  ]);
  await driver.close?.();
  expect(row).toEqual({ sequence: "16" });
});
