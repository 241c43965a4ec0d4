// Two people at one board, in real browsers, on lines that the test can cut.
import { expect } from "@playwright/test";
import type { Locator, Page } from "@playwright/test";
import { createTest } from "@calla/testing/playwright";

const test = createTest({
  server: { command: ["node", "--import", "tsx", "server/main.ts"], database: "DATABASE" },
});

const cards = (page: Page, column: string): Locator =>
  page.getByRole("region", { name: column }).getByLabel("Card", { exact: true });
async function add(page: Page, column: string, text: string): Promise<void> {
  await page.getByLabel(`New card in ${column}`).fill(text);
  await page.getByLabel(`New card in ${column}`).press("Enter");
}

test("two people edit one board, and one of them goes through a tunnel", async ({ person, server }) => {
  const [ann, bo] = [await person("Ann"), await person("Bo")];
  const [anns, bos] = [await ann.tab(), await bo.tab()];
  await add(anns, "To do", "Water the plants");
  await expect(cards(bos, "To do")).toHaveValue("Water the plants");
  await expect(bos.getByLabel("Here")).toHaveText(/Visitor \d+, Visitor \d+ \(you\)|\(you\), Visitor \d+/);

  await ann.goOffline();
  await add(anns, "Doing", "Cut the grass");
  await expect(anns.getByRole("status")).toHaveText(/Offline: 1 not saved yet/);
  await cards(bos, "To do").fill("Water all the plants");
  await cards(bos, "To do").press("Enter");
  await expect(bos.getByRole("status")).toHaveText("Saved");
  // What is not sent yet outlives the server, too.
  await server.restart({ signal: "SIGKILL" });

  await ann.comeBack();
  for (const page of [anns, bos]) {
    await expect(cards(page, "To do")).toHaveValue("Water all the plants");
    await expect(cards(page, "Doing")).toHaveValue("Cut the grass");
    await expect(page.getByRole("status")).toHaveText("Saved");
  }
  await bos.getByLabel("Column").first().selectOption("Done");
  await expect(cards(anns, "Done")).toHaveValue("Water all the plants");
});
