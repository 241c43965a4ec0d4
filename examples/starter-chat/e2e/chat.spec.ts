// Two people in one room, in real browsers, on lines that the test can cut.
import { expect } from "@playwright/test";
import type { Page } from "@playwright/test";
import { createTest } from "@calla/testing/playwright";

const test = createTest({
  server: { command: ["node", "--import", "tsx", "server/main.ts"], database: "DATABASE" },
});

const lines = (page: Page) => page.getByRole("list", { name: "Lines" }).getByRole("listitem");
async function say(page: Page, text: string): Promise<void> {
  await page.getByLabel("Say something").fill(text);
  await page.getByLabel("Say something").press("Enter");
}

test("two people talk, and what is said in the tunnel is said once", async ({ person }) => {
  const [ann, bo] = [await person("Ann"), await person("Bo")];
  const [anns, bos] = [await ann.tab(), await bo.tab()];
  await expect(anns.getByLabel("Here")).toHaveText(/Visitor \d+, Visitor \d+/);
  await say(anns, "hello");
  await expect(lines(bos)).toHaveText([/Visitor \d+ hello/]);
  await bos.getByLabel("Say something").fill("hi");
  await expect(anns.getByLabel("Here")).toHaveText(/is typing/);

  await ann.goOffline();
  await say(anns, "in the tunnel");
  await expect(anns.getByRole("status")).toHaveText(/Offline: 1 not said yet/);
  await say(bos, "still there?");
  await ann.comeBack();
  for (const page of [anns, bos])
    await expect(lines(page)).toHaveText([/ hello/, / still there\?/, / in the tunnel/]);
});
