// A board among people who are connected.
import { devices } from "@playwright/test";
import type { Locator } from "@playwright/test";
import { expect, test } from "./fixtures.ts";
import { expectSound } from "./sound.ts";
import type { Visitor } from "./visitor.ts";

test("two tabs and two browsers edit one board and see each other", async ({ arrive, id }) => {
  const ann = await arrive("Ann");
  const annsTab = await ann.tab();
  await annsTab.open(id);
  const bo = await arrive("Bo");
  const everybody = [ann, annsTab, bo];

  await ann.add("To do", "Water the plants");
  await ann.saved();
  await annsTab.add("Doing", "Feed the cat");
  await bo.add("To do", "Air the rooms");
  for (const { cards } of everybody.map(bound)) {
    await expect(cards("To do")).toHaveText(["Water the plants", "Air the rooms"]);
    await expect(cards("Doing")).toHaveText(["Feed the cat"]);
  }

  await bo.edit("Water the plants", "Water all the plants");
  await ann.page.getByLabel("Name of the board").fill("House");
  await ann.page.getByLabel("Name of the board").press("Enter");
  await annsTab.remove("Air the rooms");
  for (const visitor of everybody) {
    await expect(visitor.cards("To do")).toHaveText(["Water all the plants"]);
    await expect(visitor.page.getByLabel("Name of the board")).toHaveValue("House");
    await expect(visitor.card("Water all the plants")).toContainText("Bo");
  }

  await annsTab.toasts.getByRole("button", { name: "Undo" }).click();
  for (const visitor of everybody)
    await expect(visitor.cards("To do")).toHaveText(["Water all the plants", "Air the rooms"]);
});

const bound = (visitor: Visitor) => ({ cards: (column: string) => visitor.cards(column) });

test("a card is moved by keyboard, keeps the focus and says where it is", async ({ arrive }) => {
  const ann = await arrive("Ann");
  const bo = await arrive("Bo");
  await ann.add("To do", "One", "Two", "Three");
  await ann.add("Done", "Zero");

  await ann.grip("Three").press("Enter");
  await ann.page.keyboard.press("ArrowUp");
  await expect(ann.page.locator("#announcements")).toHaveText("To do, 2 of 3");
  await expect(bo.cards("To do")).toHaveText(["One", "Three", "Two"]);
  await expect(ann.grip("Three")).toBeFocused();

  await ann.page.keyboard.press("ArrowRight");
  await ann.page.keyboard.press("ArrowRight");
  await ann.page.keyboard.press("ArrowUp");
  await expect(ann.page.locator("#announcements")).toHaveText("Done, 1 of 2");
  await expect(ann.grip("Three")).toBeFocused();
  for (const visitor of [ann, bo]) {
    await expect(visitor.cards("To do")).toHaveText(["One", "Two"]);
    await expect(visitor.cards("Done")).toHaveText(["Three", "Zero"]);
  }

  // Enter puts it down, and Escape puts back what was picked up.
  await ann.page.keyboard.press("Enter");
  await expect(ann.page.locator("#announcements")).toHaveText("Put down: Done, 1 of 2");
  await ann.page.keyboard.press("Enter");
  await ann.page.keyboard.press("ArrowDown");
  await ann.page.keyboard.press("ArrowLeft");
  await expect(bo.cards("Doing")).toHaveText(["Three"]);
  await ann.page.keyboard.press("Escape");
  await expect(ann.page.locator("#announcements")).toHaveText("Put back: Done, 1 of 2");
  await expect(bo.cards("Done")).toHaveText(["Three", "Zero"]);
  await ann.page.keyboard.press(" ");
  await expect(ann.grip("Three")).toHaveAttribute("aria-pressed", "true");
  await ann.page.keyboard.press("Enter");
  await expect(ann.grip("Three")).toHaveAttribute("aria-pressed", "false");

  // Alt and an arrow move it from its text, too; at an edge nothing happens.
  await bo.page.getByRole("button", { name: "Two", exact: true }).press("Alt+ArrowUp");
  await bo.page.getByRole("button", { name: "Two", exact: true }).press("Alt+ArrowUp");
  for (const visitor of [ann, bo]) await expect(visitor.cards("To do")).toHaveText(["Two", "One"]);

  // A list is one tab stop, and arrow keys go about in it.
  const focused = (visitor: Visitor) =>
    visitor.page.evaluate(
      () => document.activeElement?.getAttribute("aria-label") ?? document.activeElement?.textContent,
    );
  const keys = async (...pressed: [key: string, leads: string][]): Promise<void> => {
    for (const [key, leads] of pressed) {
      await bo.page.keyboard.press(key);
      expect(await focused(bo), key).toBe(leads);
    }
  };
  await bo.field("To do").focus();
  await keys(
    ["Shift+Tab", "Two"],
    ["ArrowDown", "One"],
    ["ArrowDown", "One"],
    ["ArrowRight", "Delete “One”"],
    ["ArrowUp", "Delete “Two”"],
    ["ArrowLeft", "Two"],
    ["ArrowLeft", "Move “Two”"],
    ["End", "Move “One”"],
    ["Tab", "New card in To do"],
    ["Shift+Tab", "Move “One”"],
    ["ArrowRight", "One"],
    ["Enter", "Card text"],
    ["Tab", "New card in To do"],
    ["Shift+Tab", "One"],
    ["Delete", "New card in To do"],
  );
  await expect(ann.cards("To do")).toHaveText(["Two"]);
  const stops = await bo.page
    .locator(".cards")
    .evaluateAll((lists) =>
      lists.map(
        (list) =>
          [...list.querySelectorAll<HTMLElement>("button")].filter(({ tabIndex }) => tabIndex === 0).length,
      ),
    );
  expect(stops).toEqual([1, 0, 1]);
});

test("a refused card's text comes back, and toasts merge, go when told to and cover no field", async ({
  arrive,
}) => {
  const ann = await arrive("Ann");
  // At the foot of so low a page they would lie on the field.
  await ann.page.setViewportSize({ width: 800, height: 560 });
  await ann.add("Doing", "1", "2", "3", "4", "5", "One too many");
  const field = ann.field("Doing");
  const toast = ann.toasts.locator(".toast");
  await expect(field).toHaveValue("One too many");
  await expect(field).toBeFocused();
  await field.press("Enter");
  await expect(field).toHaveValue("One too many");
  await expect(toast).toHaveText(/Your text is back in the field\. ?×2$/);
  await toast.hover(); // and so it stays
  const [lies, used] = [await toast.boundingBox(), await field.boundingBox()];
  expect(lies!.y + lies!.height).toBeLessThan(used!.y);
  await expect(ann.toasts).toHaveAttribute("data-place", "head");
  await toast.getByRole("button", { name: "Dismiss" }).press("Enter");
  await expect(ann.toasts).toBeEmpty();
  await expect(field).toBeFocused();

  await ann.remove("1");
  await ann.remove("2");
  await expect(toast).toHaveText(/^Card deleted\. ?×2Undo$/);
  await toast.hover();
  await toast.getByRole("button", { name: "Undo" }).click();
  await expect(ann.cards("Doing")).toHaveText(["2", "3", "4", "5"]);
  await expect(toast).toHaveText(/^Card deleted\.Undo$/);
  await field.press("Enter");
  await expect(ann.cards("Doing")).toHaveText(["2", "3", "4", "5", "One too many"]);
  await expect(field).toHaveValue("");
});

test("a finger reaches delete, and who comes first gets a board that says what to try", async ({
  arrive,
  browser,
}) => {
  const ann = await arrive("Ann");
  const context = await browser.newContext({ ...devices["Pixel 7"] });
  const page = await context.newPage();
  await page.goto(ann.line.url);
  await page.getByRole("link", { name: "Look at an example" }).tap();
  await expect(page.getByLabel("Name of the board")).toHaveValue("A first look");
  const card = page.locator(".card").first();
  const remove = card.getByRole("button", { name: /^Delete/ });
  await expect(remove).toHaveCSS("opacity", "1");
  expect((await remove.boundingBox())!.width).toBeGreaterThanOrEqual(44);
  const text = (await card.locator(".text").textContent())!;
  await remove.tap();
  await expect(page.getByRole("button", { name: text, exact: true })).toBeHidden();
  await expect(page.getByText("All changes saved")).toBeInViewport();
  await context.close();
});

test("of those who have chosen no colour each gets another, and who has chosen keeps theirs", async ({
  arrive,
  browser,
  id,
}) => {
  const di = await arrive("Di"); // blue
  const given = (name: string): void => {
    sessionStorage["person"] ??= JSON.stringify({ name, colour: "blue" });
  };
  for (const name of ["Eve", "Flo"]) {
    const context = await browser.newContext();
    await context.addInitScript(given, name);
    await (await context.newPage()).goto(`${di.line.url}#${id}`);
  }
  const colour = (who: string) => faces(di).locator(`.avatar[title="${who}"]`).getAttribute("data-colour");
  await expectOthers(di).toEqual(["Eve", "Flo"]);
  await expect.poll(async () => new Set(["blue", await colour("Eve"), await colour("Flo")]).size).toBe(3);
  await expect(di.page.locator(".me .avatar")).toHaveAttribute("data-colour", "blue");
});

test("a card is dragged to another column, and Escape puts it back", async ({ arrive }) => {
  const ann = await arrive("Ann");
  const bo = await arrive("Bo");
  await ann.add("To do", "One", "Two");
  await ann.add("Doing", "Three", "Four");
  const drag = async (text: string, before: string): Promise<void> => {
    const [from, to] = [await ann.card(text).boundingBox(), await ann.card(before).boundingBox()];
    if (!from || !to) throw new Error("a card is not there");
    await ann.page.mouse.move(from.x + 60, from.y + 20);
    await ann.page.mouse.down();
    await ann.page.mouse.move(to.x + 60, to.y + 10, { steps: 4 });
  };

  await drag("One", "Four");
  await ann.page.keyboard.press("Escape");
  await ann.page.mouse.up();
  await expect(ann.cards("To do")).toHaveText(["One", "Two"]);

  await drag("One", "Four");
  await ann.page.mouse.up();
  for (const visitor of [ann, bo]) {
    await expect(visitor.cards("To do")).toHaveText(["Two"]);
    await expect(visitor.cards("Doing")).toHaveText(["Three", "One", "Four"]);
  }
  await expect(ann.page.getByLabel("Card text")).toBeHidden();
});

test("who edits a card is not disturbed by what others do to it", async ({ arrive }) => {
  const ann = await arrive("Ann");
  const bo = await arrive("Bo");
  await ann.add("To do", "One", "Two");
  await bo.page.getByRole("button", { name: "Two", exact: true }).click();
  await bo.page.getByLabel("Card text").fill("Two and a half");
  await ann.grip("Two").press("Alt+ArrowUp");
  await expect(bo.page.locator(".card").first().getByLabel("Card text")).toBeFocused();
  await bo.page.keyboard.press("Enter");
  for (const visitor of [ann, bo]) await expect(visitor.cards("To do")).toHaveText(["Two and a half", "One"]);
});

const faces = ({ page }: Visitor): Locator => page.getByRole("list", { name: "Also here" });
/** Who else is there, as a screen reader hears it, by name. */
const expectOthers = (visitor: Visitor, options = {}) =>
  expect.poll(
    async () => (await faces(visitor).getByRole("listitem").locator(".unseen").allTextContents()).toSorted(),
    options,
  );
/** What is said of who else is at a card. */
const at = (visitor: Visitor, text: string): Locator => visitor.card(text).locator(".at");
/** The same of the one that is being edited here. */
const atEdited = ({ page }: Visitor): Locator => page.locator(".card:has(textarea) .at");
const edit = ({ page }: Visitor, text: string): Promise<void> =>
  page.getByRole("button", { name: text, exact: true }).click();

test("[SP5] cursors and faces of the others come, move and go", async ({ arrive }) => {
  const ann = await arrive("Ann");
  const bo = await arrive("Bo");
  const cursor = ann.page.locator(".cursor", { hasText: "Bo" });
  await expect(faces(ann)).toContainText("Bo");
  await expect(cursor).toBeHidden();

  await bo.column("Doing").hover();
  await expect(cursor).toBeVisible();
  const place = await cursor.boundingBox();
  await bo.column("Done").hover();
  await expect.poll(async () => (await cursor.boundingBox())?.x).toBeGreaterThan((place?.x ?? 0) + 100);

  // Whoever comes later sees who is there already.
  const cy = await arrive("Cy");
  await expect(cy.page.locator(".cursor", { hasText: "Bo" })).toBeVisible();

  await bo.page.mouse.move(1, 1);
  await expect(cursor).toBeHidden();
  await expectOthers(ann).toEqual(["Bo", "Cy"]);
  // Who closes the page is gone, and not some seconds later.
  await bo.page.close();
  await expectOthers(ann, { timeout: 3_000 }).toEqual(["Cy"]);
});

test("[SP3] several tabs of one browser are one face with a number", async ({ arrive, id }) => {
  const ann = await arrive("Ann");
  const bo = await arrive("Bo");
  const tab = await bo.tab();
  await tab.open(id);
  await expectOthers(ann).toEqual(["Bo, in 2 tabs"]);
  for (const visitor of [bo, tab]) {
    await expectOthers(visitor).toEqual(["Ann"]);
    await expect(visitor.page.getByRole("button", { name: "You are Bo, in 2 tabs." })).toBeVisible();
  }
  // Somebody else of the same name is somebody else.
  const other = await arrive("Bo");
  await expectOthers(ann).toEqual(["Bo", "Bo, in 2 tabs"]);
  await other.page.close();

  await tab.page.close();
  await expectOthers(ann).toEqual(["Bo"]);
  await expect(bo.page.getByRole("button", { name: "You are Bo." })).toBeVisible();
  await bo.open("another-board");
  await expectOthers(ann).toEqual([]);
  await bo.open(id);
  await expectOthers(ann).toEqual(["Bo"]);
});

test("what somebody has selected is outlined, and two who edit one card are told of each other", async ({
  arrive,
}) => {
  const ann = await arrive("Ann");
  const bo = await arrive("Bo");
  const cy = await arrive("Cy");
  await ann.add("To do", "One", "Two");
  await ann.saved();

  await bo.grip("One").focus();
  await expect(ann.card("One")).toHaveAttribute("data-colour", "green");
  await expect(at(ann, "One")).toHaveText("BBo is at this card");
  // Oneself one knows where one is.
  await expect(at(bo, "One")).toHaveText("");
  await bo.grip("Two").focus();
  await expect(at(ann, "Two")).toHaveText("BBo is at this card");
  await expect(ann.card("One")).not.toHaveAttribute("data-colour");

  await edit(bo, "One");
  await expect(at(ann, "One").getByText("Bo edits this card")).toBeVisible();
  await expect(ann.page.getByRole("button", { name: "One", exact: true })).toHaveAccessibleDescription(
    /Bo edits this card/,
  );
  await edit(cy, "One");
  await expect(at(ann, "One")).toContainText(/(Bo and Cy|Cy and Bo) edit this card/);
  await expect(atEdited(cy)).toContainText("Bo edits this card");
  await expect(atEdited(bo)).toContainText("Cy edits this card");
  await expect(bo.page.locator("#announcements")).toHaveText("Cy edits this card");
  await expect(bo.page.getByLabel("Card text")).toBeFocused();

  await cy.page.keyboard.press("Escape");
  await expect(atEdited(bo)).toContainText("Cy is at this card");
  await bo.page.getByLabel("Card text").fill("One and a half");
  await bo.page.keyboard.press("Enter");
  await expect(at(ann, "One and a half")).toContainText(/(Bo and Cy|Cy and Bo) are at this card/);
  // With the page goes what it had selected.
  await bo.page.reload();
  await expect(at(ann, "One and a half")).toHaveText("CCy is at this card");
  await expectOthers(ann).toEqual(["Bo", "Cy"]);
  await cy.page.close();
  await expect(at(ann, "One and a half")).toHaveText("");
  await expectOthers(ann).toEqual(["Bo"]);
});

test("names and contrast hold with others at the cards, in both colour schemes", async ({ arrive }) => {
  test.setTimeout(120_000); // axe looks four times
  const ann = await arrive("Ann");
  const bo = await arrive("Bo");
  await ann.add("To do", "One", "Two");
  await ann.saved();
  await edit(bo, "One");
  await expect(at(ann, "One").getByText("Bo edits this card")).toBeVisible();
  await edit(ann, "Two");
  const sound = async (colorScheme: "light" | "dark", only?: "colours"): Promise<void> => {
    await ann.page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    await expectSound(ann.page, only);
  };
  await sound("light");
  await sound("dark", "colours");
  await expect(ann.allSaved).toBeVisible();
  // Narrow, offline, with something to be dismissed and a card picked up.
  await ann.page.keyboard.press("Escape");
  await ann.page.setViewportSize({ width: 360, height: 640 });
  await ann.goOffline();
  await ann.add("Done", "Three");
  await ann.remove("Three");
  await ann.grip("Two").press("Enter");
  await expect(ann.banner.locator(".line")).toBeVisible();
  await ann.page.evaluate(() => scrollTo(0, document.body.scrollHeight));
  await expect(ann.banner.locator(".line")).toBeInViewport({ ratio: 1 });
  await sound("dark");
  await ann.page.getByRole("link", { name: "All boards" }).click();
  await expect(ann.banner.locator(".line")).toBeInViewport({ ratio: 1 });
  await sound("light");
});

test("[SP6] whose line is cut for a moment stays, and nothing flickers", async ({ arrive }) => {
  const ann = await arrive("Ann");
  const bo = await arrive("Bo");
  await ann.add("To do", "One");
  await ann.saved();
  await bo.grip("One").focus();
  await expect(ann.card("One")).toHaveAttribute("data-colour", "green");
  await ann.page.evaluate(() => {
    const changes: string[] = [];
    const note = (): void => void changes.push(document.querySelector("#page")?.textContent ?? "");
    for (const part of document.querySelectorAll(".faces, .at"))
      new MutationObserver(note).observe(part, { childList: true, subtree: true, characterData: true });
    Object.assign(globalThis, { changes });
  });

  for (const column of ["Doing", "Done"]) {
    bo.line.cut();
    await expect(bo.banner).toContainText("No connection");
    bo.line.mend();
    await bo.comeBack();
    await expect(bo.banner).toBeEmpty();
    await expectOthers(bo).toEqual(["Ann"]);
    await bo.page.keyboard.press("Alt+ArrowRight");
    await expect(ann.cards(column)).toHaveText(["One"]);
  }
  expect(await ann.page.evaluate(() => (globalThis as unknown as { changes: string[] }).changes)).toEqual([]);
  await expectOthers(ann).toEqual(["Bo"]);
});

test("a name is changed, seen by others and kept across a reload", async ({ arrive }) => {
  const ann = await arrive("Ann");
  const bo = await arrive("Bo");
  await bo.page.getByRole("button", { name: "You are Bo" }).click();
  await bo.page.getByLabel("Your name").fill("Bodil");
  await bo.page.getByRole("radio", { name: "red" }).check();
  await bo.page.getByRole("button", { name: "Save" }).click();
  await expectOthers(ann).toEqual(["Bodil"]);
  await bo.add("To do", "Sign here");
  await expect(ann.card("Sign here").locator(".by")).toHaveAttribute("data-colour", "red");
  await bo.page.reload();
  await expect(bo.page.getByRole("button", { name: "You are Bodil" })).toBeVisible();
});

test("a refused board says so, and the way out leads to a board of one's own", async ({ arrive }) => {
  const ann = await arrive("Ann");
  await ann.open("private-diary");
  await expect(ann.page.getByRole("heading", { name: "This board is private" })).toBeVisible();
  await expect(ann.page.getByLabel("New card in To do")).toBeHidden();

  await ann.page.getByRole("main").getByRole("link", { name: "All boards" }).click();
  await ann.page.getByRole("link", { name: "New board" }).click();
  await ann.add("To do", "Mine");
  await expect(ann.cards("To do")).toHaveText(["Mine"]);
  const address = ann.page.url();
  await ann.page.getByRole("link", { name: "All boards" }).click();
  await expect(ann.page.getByRole("link", { name: new URL(address).hash.slice(1) })).toHaveAttribute(
    "href",
    new URL(address).hash,
  );
});

test("[S45] one visitor speaks JSON, another MessagePack, and both see one board", async ({ arrive, id }) => {
  const [ann, bo] = [await arrive("Ann"), await arrive("Bo")];
  const kinds = async (visitor: Visitor, format: "json" | "messagepack"): Promise<string> => {
    await visitor.page.goto("about:blank");
    // Listening from the moment the socket opens: a first frame that is missed is followed by none for a heartbeat.
    const kind = new Promise<string>((resolve) => {
      visitor.page.once("websocket", (socket) => {
        socket.once("framereceived", ({ payload }) => resolve(typeof payload));
      });
    });
    await visitor.open(id, format);
    return kind;
  };
  expect(await kinds(ann, "json")).toBe("string");
  expect(await kinds(bo, "messagepack")).toBe("object");
  const odd = "ünï©ødé 🪴 <b>&amp;</b> \u2028";
  await ann.add("To do", odd);
  await ann.saved();
  await bo.add("To do", "plain");
  for (const visitor of [ann, bo]) await expect(visitor.cards("To do")).toHaveText([odd.trim(), "plain"]);
});

test("what one did oneself is undone and done again, and nobody else's", async ({ arrive }) => {
  const ann = await arrive("Ann");
  const bo = await arrive("Bo");
  const back = ann.page.getByRole("button", { name: "Undo", exact: true });
  const again = ann.page.getByRole("button", { name: "Redo" });
  await ann.add("To do", "Sow");
  await expect(bo.cards("To do")).toHaveText(["Sow"]);
  await ann.edit("Sow", "Sow the beans");
  await bo.add("To do", "Water them");
  await expect(ann.cards("To do")).toHaveText(["Sow the beans", "Water them"]);
  await expect(again).toBeDisabled();

  await back.click();
  await expect(bo.cards("To do")).toHaveText(["Sow", "Water them"]);
  await ann.page.keyboard.press("Control+z");
  await expect(bo.cards("To do")).toHaveText(["Water them"]);
  await expect(back).toBeDisabled();
  await again.click();
  await ann.page.keyboard.press("Control+Shift+z");
  await expect(bo.cards("To do")).toHaveText(["Sow the beans", "Water them"]);
});
