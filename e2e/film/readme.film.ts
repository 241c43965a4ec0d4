// The README's moving picture, made anew by `npm run pictures`: somebody goes offline and comes back, beside somebody who
// stays.
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Page } from "@playwright/test";
import { expect, test } from "../fixtures.ts";
import type { Visitor } from "../visitor.ts";
import { movingPng, readPng } from "./png.ts";
import type { Frame } from "./png.ts";

const docs = (name: string): string => fileURLToPath(new URL(`../../docs/${name}`, import.meta.url));
/** Animations have come to their end, so that each take is the same. */
const take = (page: Page): Promise<Buffer> => page.screenshot({ animations: "disabled" });

/** Two windows beside each other, with a line above each. */
const STAGE = `<!doctype html><style>
  body { margin: 0; padding: 12px 16px 16px; display: flex; gap: 16px; background: #fff; font: 16px/24px system-ui, sans-serif; color: #1d221f; }
  figure { margin: 0; } figcaption { padding: 0 4px 8px; } b { margin-right: 8px; }
  .off { color: #b3261e; } img { display: block; border-radius: 10px; box-shadow: 0 0 0 1px #d6d3c8, 0 3px 12px #0002; }
</style>
<figure><figcaption><b>Ann, on a train</b><span id="ann"></span></figcaption><img width="340" height="520"></figure>
<figure><figcaption><b>Bo, at home</b><span id="bo"></span></figcaption><img width="740" height="520"></figure>`;

test("somebody goes offline and comes back", async ({ arrive, browser }) => {
  test.setTimeout(300_000);
  const ann = await arrive("Ann");
  const bo = await arrive("Bo");
  await ann.page.setViewportSize({ width: 340, height: 520 });
  await bo.page.setViewportSize({ width: 740, height: 520 });
  const context = await browser.newContext({ viewport: { width: 1128, height: 580 } });
  const stage = await context.newPage();
  await stage.setContent(STAGE);

  const frames: Frame[] = [];
  let [network, offline] = ["", false];
  const film = async (milliseconds: number): Promise<void> => {
    const windows = await Promise.all(
      [ann, bo].map(async ({ page }) => (await take(page)).toString("base64")),
    );
    await stage.evaluate(
      async ({ windows, network, offline }) => {
        const line = document.querySelector("#ann");
        if (line) [line.textContent, line.className] = [network, offline ? "off" : ""];
        for (const [i, image] of document.querySelectorAll("img").entries()) {
          image.src = `data:image/png;base64,${windows[i]}`;
          await image.decode();
        }
      },
      { windows, network, offline },
    );
    frames.push({ picture: readPng(await take(stage)), milliseconds });
  };
  const write = async ({ page }: Visitor, text: string): Promise<void> => {
    for (const letters of text.match(/.{1,4}/g) ?? []) {
      await page.keyboard.type(letters);
      await film(110);
    }
  };

  await bo.page.getByLabel("Name of the board").fill("Summer party");
  await bo.page.getByLabel("Name of the board").press("Enter");
  await bo.add("To do", "Write the invitation", "Order lemonade");
  await bo.add("Done", "Pick a date: 21 June");
  await expect(ann.cards("Done")).toHaveCount(1);
  await ann.add("Doing", "Find a place with a roof");
  for (const { allSaved } of [ann, bo]) await expect(allSaved).toBeVisible();
  await ann.page.mouse.click(5, 515);
  await film(1_500);

  await ann.goOffline();
  [network, offline] = ["no network", true];
  await expect(ann.banner.locator(".line")).toBeVisible();
  await expect(ann.page.getByRole("list", { name: "Also here" })).toBeHidden();
  await film(1_400);
  await ann.field("To do").focus();
  await write(ann, "Bring lanterns");
  await ann.page.keyboard.press("Enter");
  await expect(ann.page.locator(".card[data-pending]")).toHaveCount(1);
  await film(900);
  await ann.page.getByRole("button", { name: "Write the invitation", exact: true }).click();
  await ann.page.keyboard.press("End");
  await write(ann, ", with a map");
  await ann.page.keyboard.press("Enter");
  await expect(ann.page.locator(".card[data-pending]")).toHaveCount(2);
  await film(1_000);

  await drag(bo, "Order lemonade", "Pick a date", () => film(120));
  await film(700);
  await bo.field("To do").focus();
  await write(bo, "Ask the band");
  await bo.page.keyboard.press("Enter");
  await bo.saved();
  await film(1_400);

  [network, offline] = ["back again", false];
  await ann.comeBack();
  for (const { cards } of [ann, bo].map((visitor) => ({ cards: visitor.cards("To do") })))
    await expect(cards).toHaveText(["Write the invitation, with a map", "Ask the band", "Bring lanterns"]);
  for (const visitor of [ann, bo]) {
    await visitor.saved();
    await expect(visitor.allSaved).toBeVisible();
    await expect(visitor.page.getByRole("list", { name: "Also here" })).toBeVisible();
  }
  await film(4_500);
  await context.close();

  const file = movingPng(frames);
  expect(file.length).toBeLessThan(1_000_000);
  writeFileSync(docs("offline.png"), file);
});

/** By the mouse, told at each step. */
async function drag({ page }: Visitor, text: string, onto: string, step: () => Promise<void>): Promise<void> {
  const find = (text: string) => page.getByRole("listitem").filter({ hasText: text }).boundingBox();
  const [from, to] = [await find(text), await find(onto)];
  if (!from || !to) throw new Error("a card is not there");
  await page.mouse.move(from.x + 60, from.y + 20);
  await page.mouse.down();
  for (let i = 1; i <= 6; i++) {
    await page.mouse.move(
      from.x + 60 + ((to.x - from.x) * i) / 6,
      from.y + 20 + ((to.y - from.y - 8) * i) / 6,
    );
    await step();
  }
  await page.mouse.up();
}
