// Two people at one board, each at a server of their own over one Postgres, in real browsers; one of the servers is killed.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect } from "@playwright/test";
import type { Locator, Page } from "@playwright/test";
import { pgDriver } from "@calla/server/postgres";
import { createTest } from "@calla/testing/playwright";

process.loadEnvFile("development.env");
/** The tests' boards are no others'. */
const env = { SCHEMA: `test_${process.pid}` };
const program = ["node", "--import", "tsx", "server/main.ts"] as const;
const test = createTest({ server: { command: program, env } });
test.afterAll(async () => {
  const driver = pgDriver({ url: process.env.DATABASE_URL });
  await driver.query(`DROP SCHEMA IF EXISTS ${env.SCHEMA} CASCADE`, []);
  await driver.close?.();
});

/** One more server. */
async function another() {
  const [command, ...args] = program;
  const child = spawn(command, args, {
    env: { ...process.env, ...env, NODE_ENV: "test", PORT: "0" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const gone = once(child, "exit");
  const [said] = (await Promise.race([once(child.stdout, "data"), gone])) as [unknown];
  const end = async (): Promise<void> => {
    child.kill();
    await gone;
  };
  return { url: /http:\S+/.exec(String(said))![0], end };
}

const cards = (page: Page, column: string): Locator =>
  page.getByRole("region", { name: column }).getByLabel("Card", { exact: true });
async function add(page: Page, column: string, text: string): Promise<void> {
  await page.getByLabel(`New card in ${column}`).fill(text);
  await page.getByLabel(`New card in ${column}`).press("Enter");
}

test("two people at two servers edit one board, and one of the servers is killed", async ({
  person,
  server,
}) => {
  const [other, ann, bo] = await Promise.all([another(), person("Ann"), person("Bo")]);
  const [anns, bos] = [await ann.tab(), await bo.context.newPage()];
  await bos.goto(other.url);
  await add(anns, "To do", "Water the plants");
  await expect(cards(bos, "To do")).toHaveValue("Water the plants");
  await expect(bos.getByLabel("Here")).toHaveText(/Visitor \d+, Visitor \d+ \(you\)|\(you\), Visitor \d+/);

  await server.stop("SIGKILL");
  await add(anns, "Doing", "Cut the grass");
  await expect(anns.getByRole("status")).toHaveText(/1 not saved yet/);
  await cards(bos, "To do").fill("Water all the plants");
  await cards(bos, "To do").press("Enter");
  await expect(bos.getByRole("status")).toHaveText("Saved");

  await server.start();
  for (const page of [anns, bos]) {
    await expect(cards(page, "To do")).toHaveValue("Water all the plants");
    await expect(cards(page, "Doing")).toHaveValue("Cut the grass");
    await expect(page.getByRole("status")).toHaveText("Saved");
  }
  await bo.context.close();
  await other.end();
});
