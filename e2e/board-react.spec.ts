// One board, two pages of one server: Ann's is React's, Bo's is the plain one. What the plain page is held to in board.spec.ts,
// and shares with this one, is not tried again.
import { expect } from "@playwright/test";
import { createTest } from "@calla/testing/playwright";
import { exampleServer } from "./example-server.ts";
import { expectSound } from "./sound.ts";
import { Visitor } from "./visitor.ts";

class ReactVisitor extends Visitor {
  override async open(board: string): Promise<void> {
    await this.page.goto(`${this.line.url}/react/#${board}`);
  }
}

interface Fixtures {
  ann: ReactVisitor;
  bo: Visitor;
}

const test = createTest({ server: exampleServer("board-react", "BOARDS") }).extend<Fixtures>({
  ann: async ({ person }, use) => {
    const who = await person("Ann");
    const ann = new ReactVisitor(await who.context.newPage(), who);
    await ann.introduce("violet");
    await ann.open("together");
    await use(ann);
  },
  bo: async ({ person }, use) => {
    const who = await person("Bo");
    const bo = new Visitor(await who.context.newPage(), who);
    await bo.introduce("green");
    await bo.open("together");
    await use(bo);
  },
});

test("the plain page and React's edit one board, see each other, and go on offline", async ({ ann, bo }) => {
  await ann.add("To do", "Water the plants", "Air the rooms");
  await expect(bo.cards("To do")).toHaveText(["Water the plants", "Air the rooms"]);
  await bo.edit("Water the plants", "Water all the plants");
  await expect(ann.card("Water all the plants")).toContainText("Bo");
  await bo.page.getByRole("button", { name: "Air the rooms", exact: true }).click();
  await expect(ann.card("Air the rooms").locator(".at")).toContainText("Bo edits this card");
  await ann.page.getByRole("button", { name: "Water all the plants", exact: true }).click();
  await expect(bo.card("Water all the plants").locator(".at")).toContainText("Ann edits this card");
  await bo.page.keyboard.press("Escape");
  await expectSound(ann.page);

  // A card that one edits is moved to another column: the editor stays, with what was written in it.
  await ann.page.getByLabel("Card text").fill("Water them all");
  await bo.grip("Water all the plants").press("Alt+ArrowRight");
  await expect(ann.column("Doing").getByLabel("Card text")).toBeFocused();
  await ann.page.keyboard.press("Enter");
  await expect(bo.cards("Doing")).toHaveText(["Water them all"]);
  await expect(ann.page.getByRole("button", { name: "Water them all", exact: true })).toBeFocused();

  await ann.page.getByLabel("Name of the board").fill("House");
  await ann.page.getByLabel("Name of the board").press("Enter");
  await expect(bo.page.getByLabel("Name of the board")).toHaveValue("House");

  await ann.goOffline();
  await expect(ann.banner).toContainText("You are offline.");
  await ann.add("Done", "Feed the cat");
  await ann.remove("Air the rooms");
  await expect(ann.card("Feed the cat")).toContainText("Not saved yet");
  await expect(ann.banner).toContainText("Your 2 changes are kept and sent when you are back.");
  await ann.page.setViewportSize({ width: 390, height: 800 });
  await ann.page.emulateMedia({ colorScheme: "dark" });
  await expectSound(ann.page);
  await bo.edit("Air the rooms", "Air all rooms");
  await bo.saved();
  await ann.comeBack();
  await expect(ann.allSaved).toBeVisible();
  await ann.saved();
  await expect(bo.cards("To do")).toHaveText([]);
  await expect(bo.cards("Done")).toHaveText(["Feed the cat"]);
});

test("by keyboard a card is moved and deleted with the focus on it, and what the server refuses comes back", async ({
  ann,
  bo,
}) => {
  await ann.add("Doing", "1", "2", "3", "4");
  await ann.add("To do", "5", "6");
  await ann.grip("5").press("Enter");
  await ann.page.keyboard.press("ArrowRight");
  await expect(ann.page.locator("#announcements")).toHaveText("Doing, 1 of 5");
  await expect(ann.grip("5")).toBeFocused();
  await expect(ann.grip("5")).toHaveAttribute("aria-pressed", "true");
  await ann.page.keyboard.press("ArrowDown");
  await ann.page.keyboard.press("Enter");
  await expect(bo.cards("Doing")).toHaveText(["1", "5", "2", "3", "4"]);

  await ann.add("Doing", "One too many");
  await expect(ann.field("Doing")).toHaveValue("One too many");
  await expect(ann.field("Doing")).toBeFocused();
  await ann.field("Doing").press("Enter");
  await expect(ann.toasts.locator(".toast")).toHaveText(/Your text is back in the field\. ?×2$/);

  // A list is one tab stop; a deleted card leaves the focus to the next, the last one to the field.
  await ann.page.keyboard.press("Shift+Tab");
  await expect(ann.grip("5")).toBeFocused();
  await ann.page.keyboard.press("ArrowUp");
  await ann.page.keyboard.press("ArrowRight");
  await expect(ann.page.locator(":focus")).toHaveText("1");
  await ann.page.keyboard.press("Delete");
  await expect(ann.page.locator(":focus")).toHaveText("5");
  await ann.page.keyboard.press("Control+z");
  await expect(bo.cards("Doing")).toHaveText(["1", "5", "2", "3", "4"]);
  await ann.grip("6").press("Delete");
  await expect(ann.field("To do")).toBeFocused();
  const stops = await ann.page
    .locator(".cards")
    .evaluateAll((lists) => lists.map((list) => list.querySelectorAll('[tabindex="0"]').length));
  expect(stops).toEqual([0, 1, 0]);

  // Somebody deletes what one is editing: it comes back, too.
  await ann.page.getByRole("button", { name: "2", exact: true }).click();
  await ann.page.getByLabel("Card text").fill("Two and a half");
  await bo.remove("2");
  await expect(ann.toasts).toContainText("Somebody has deleted this card meanwhile.");
  await expect(ann.field("To do")).toHaveValue("Two and a half");
});
