// The README's first picture, made anew by `npm run pictures`: four people at one board.
import { writeFileSync } from "node:fs";
import { expect, test } from "../fixtures.ts";

test("four people at one board", async ({ arrive, id }) => {
  test.setTimeout(100_000);
  const [ann, bo, cy, di] = [
    await arrive("Ann"),
    await arrive("Bo Larsson"),
    await arrive("Cy"),
    await arrive("Di Mendes"),
  ];
  for (const { page } of [ann, bo, cy, di]) await page.setViewportSize({ width: 1280, height: 640 });
  await (await bo.tab()).open(id);
  await ann.page.getByLabel("Name of the board").fill("Summer party");
  await ann.page.getByLabel("Name of the board").press("Enter");
  const cards = [
    [ann, "To do", "Write the invitation"],
    [bo, "To do", "Ask Mira about the sound system; she has two speakers and knows the neighbours"],
    [cy, "To do", "Order lemonade"],
    [bo, "To do", "Vegetarian options?"],
    [ann, "To do", "Lanterns for the garden"],
    [ann, "Doing", "Find a place with a roof, just in case"],
    [bo, "Doing", "Playlist: everybody adds three songs"],
    [di, "Doing", "Ask the band"],
    [cy, "Done", "Pick a date: 21 June"],
    [ann, "Done", "Borrow the long tables from the fire brigade"],
  ] as const;
  for (const [who, column, text] of cards) {
    await who.add(column, text);
    await who.saved();
    await expect(ann.card(text)).toBeVisible();
  }

  await di.card("Ask Mira").locator(".grip").focus();
  await cy.card("Borrow the long tables").locator(".grip").focus();
  await bo.card("Playlist").locator(".text").click();
  await cy.card("Pick a date").hover({ position: { x: 165, y: 45 } });
  const beside = await bo.column("Doing").boundingBox();
  await bo.page.mouse.move(beside!.x + 80, beside!.y + 265);
  for (const text of ["Bo Larsson edits this card", "Di Mendes is at this card", "Cy is at this card"])
    await expect(ann.page.getByText(text)).toBeAttached();
  await expect(ann.page.locator(".cursor:visible")).toHaveCount(2);
  await expect(ann.allSaved).toBeVisible();

  const from = await ann.card("Order lemonade").boundingBox();
  const { mouse } = ann.page;
  await mouse.move(from!.x + 160, from!.y + 40);
  await mouse.down();
  await mouse.move(from!.x + 590, from!.y + 3, { steps: 6 });
  const picture = await ann.page.screenshot({ animations: "disabled" });
  writeFileSync(new URL("../../docs/board.png", import.meta.url), picture);
  await mouse.up();
});
