// One board, two kinds of clients: Ann's page has the package phoenix and nothing of Calla, Bo's page has Calla's client.
import { expect } from "@playwright/test";
import { createTest } from "@calla/testing/playwright";
import { exampleServer } from "./example-server.ts";
import { expectSound } from "./sound.ts";
import { Visitor } from "./visitor.ts";

class PhoenixVisitor extends Visitor {
  override async open(board: string): Promise<void> {
    await this.page.goto(`${this.line.url}/phoenix/#${board}`);
    await expect(this.column("To do")).toBeVisible();
  }
}

interface Fixtures {
  /** The id of an unused board. */
  id: string;
  /** By the package phoenix alone, and by Calla's client. */
  ann: PhoenixVisitor;
  bo: Visitor;
}

const test = createTest({ server: exampleServer("phoenix-board", "BOARDS") }).extend<Fixtures>({
  id: async ({ server }, use, { testId }) => {
    await use(`board-${server.port}-${testId.slice(-12)}`);
  },
  ann: async ({ person, id }, use) => {
    const who = await person("Ann");
    const ann = new PhoenixVisitor(await who.context.newPage(), who);
    await ann.open(id);
    await use(ann);
  },
  bo: async ({ person, id }, use) => {
    const who = await person("Bo");
    const bo = new Visitor(await who.context.newPage(), who);
    await bo.introduce("green");
    await bo.open(id);
    await use(bo);
  },
});

/** As others know this page's user: the server has named it. */
const nameOf = ({ page }: PhoenixVisitor) => page.locator(".me .name").innerText();
const title = ({ page }: Visitor) => page.getByLabel("Name of the board");

const others = ({ page }: Visitor) =>
  page.getByRole("list", { name: "Also here" }).getByRole("listitem").locator(".unseen");

test("what one edits the other sees, whichever client they have", async ({ ann, bo }) => {
  await ann.add("To do", "Water the plants", "Air the rooms");
  await expect(bo.cards("To do")).toHaveText(["Water the plants", "Air the rooms"]);
  await bo.add("Doing", "Feed the cat");
  await expect(ann.cards("Doing")).toHaveText(["Feed the cat"]);

  await bo.edit("Water the plants", "Water all the plants");
  await expect(ann.cards("To do")).toHaveText(["Water all the plants", "Air the rooms"]);
  await expect(ann.card("Water all the plants")).toContainText("Bo");
  await ann.edit("Feed the cat", "Feed both cats");
  await expect(bo.card("Feed both cats")).toContainText(await nameOf(ann));
  await expect(bo.cards("Doing")).toHaveText(["Feed both cats"]);

  await ann.grip("Air the rooms").press("ArrowUp");
  for (const { cards } of [ann, bo].map(bound))
    await expect(cards("To do")).toHaveText(["Air the rooms", "Water all the plants"]);
  await bo.grip("Water all the plants").press("Alt+ArrowRight");
  for (const { cards } of [ann, bo].map(bound))
    await expect(cards("Doing")).toHaveText(["Feed both cats", "Water all the plants"]);
  await expect(ann.grip("Air the rooms")).toBeFocused();

  await title(ann).fill("House");
  await title(ann).press("Enter");
  await ann.remove("Feed both cats");
  for (const visitor of [ann, bo]) {
    await expect(title(visitor)).toHaveValue("House");
    await expect(visitor.cards("Doing")).toHaveText(["Water all the plants"]);
    await visitor.saved();
  }
});

const bound = (visitor: Visitor) => ({ cards: (column: string) => visitor.cards(column) });

test("a card is dragged to another column", async ({ ann, bo }) => {
  await ann.add("To do", "One", "Two");
  await ann.add("Doing", "Three", "Four");
  await ann.card("One").dragTo(ann.card("Four"), { targetPosition: { x: 60, y: 5 } });
  for (const { cards } of [ann, bo].map(bound)) {
    await expect(cards("To do")).toHaveText(["Two"]);
    await expect(cards("Doing")).toHaveText(["Three", "One", "Four"]);
  }
});

test("each goes on while the other, or oneself, is offline, and nothing is lost or doubled on return", async ({
  ann,
  bo,
}) => {
  await ann.add("To do", "One", "Two");
  await expect(bo.cards("To do")).toHaveText(["One", "Two"]);

  await ann.goOffline();
  await expect(ann.banner).toContainText("You are offline.");
  await ann.add("To do", "Three");
  await ann.edit("One", "One by Ann");
  await ann.remove("Two");
  await expect(ann.cards("To do")).toHaveText(["One by Ann", "Three"]);
  await expect(ann.card("Three")).toContainText("Not saved yet");
  await expect(ann.banner).toContainText("Your 3 changes are kept while this page stays open");
  await bo.add("To do", "Four");
  await bo.edit("One", "One by Bo");
  await bo.saved();
  await ann.comeBack();
  for (const visitor of [ann, bo]) {
    await expect(visitor.cards("To do")).toHaveText(["One by Ann", "Four", "Three"]);
    await visitor.saved();
  }
  await expect(ann.banner).toBeEmpty();

  await bo.goOffline();
  await bo.add("To do", "Five");
  await ann.add("To do", "Six");
  await ann.saved();
  await bo.comeBack();
  for (const { cards } of [ann, bo].map(bound))
    await expect(cards("To do")).toHaveText(["One by Ann", "Four", "Three", "Six", "Five"]);
});

test("what the server has taken and could not say is not sent into the board twice", async ({ ann, bo }) => {
  await ann.add("To do", "One");
  await ann.saved();
  ann.line.lose("toPage");
  await ann.add("To do", "Two");
  await expect(bo.cards("To do")).toHaveText(["One", "Two"]);
  await expect(ann.card("Two")).toContainText("Not saved yet");
  await bo.edit("Two", "Two by Bo");
  await bo.saved();
  await ann.goOffline();
  await ann.comeBack();
  for (const visitor of [ann, bo]) {
    await expect(visitor.cards("To do")).toHaveText(["One", "Two by Bo"]);
    await visitor.saved();
  }
});

test("a move that is refused goes back, and says why", async ({ ann, bo }) => {
  await ann.add("Doing", "1", "2", "3", "4");
  await ann.add("To do", "Left out");
  await ann.saved();
  // It fits as Ann sees it, but Bo was faster.
  await ann.goOffline();
  await bo.add("Doing", "5");
  await bo.saved();
  await ann.grip("Left out").press("ArrowRight");
  await expect(ann.cards("Doing")).toHaveText(["Left out", "1", "2", "3", "4"]);
  await ann.comeBack();
  await expect(ann.toasts).toContainText("“Doing” holds 5 cards at most.");
  for (const { cards } of [ann, bo].map(bound)) {
    await expect(cards("Doing")).toHaveText(["1", "2", "3", "4", "5"]);
    await expect(cards("To do")).toHaveText(["Left out"]);
  }
});

test("each sees that the other is there, and at which card", async ({ ann, bo }) => {
  await expect(others(ann)).toHaveText(["Bo"]);
  const name = await nameOf(ann);
  await expect(others(bo)).toHaveText([name]);
  await ann.add("To do", "One");
  await bo.page.getByRole("button", { name: "One", exact: true }).click();
  await expect(ann.card("One").locator(".at")).toContainText("Bo edits this card");
  await bo.page.keyboard.press("Escape");
  await ann.page.getByRole("button", { name: "One", exact: true }).click();
  await expect(bo.card("One").locator(".at")).toContainText(`${name} edits this card`);

  await ann.page.close();
  await expect(others(bo)).toHaveCount(0);
});

test("a reload and a server that is killed leave the board as it is; who was there comes back and goes on", async ({
  ann,
  bo,
  server,
}) => {
  await ann.add("To do", "One");
  await ann.saved();
  await ann.page.reload();
  await expect(ann.cards("To do")).toHaveText(["One"]);
  await server.restart({ signal: "SIGKILL" });
  await ann.add("To do", "Two");
  await bo.add("To do", "Three");
  for (const visitor of [ann, bo]) {
    await expect(visitor.cards("To do")).toHaveCount(3);
    await visitor.saved();
  }
  await expect(ann.cards("To do")).toHaveText(await bo.cards("To do").allTextContents());
});

test("by LongPoll, where no WebSocket gets through, it is the same", async ({ person, id, bo }) => {
  const who = await person("Ann");
  who.line.refuseWebSockets();
  const ann = new PhoenixVisitor(await who.context.newPage(), who);
  await ann.open(id);
  await ann.add("To do", "One", "Two");
  await expect(bo.cards("To do")).toHaveText(["One", "Two"]);
  await bo.edit("One", "One by Bo");
  await expect(ann.cards("To do")).toHaveText(["One by Bo", "Two"]);
  await ann.goOffline();
  await ann.add("To do", "Three");
  await bo.remove("Two");
  await bo.saved();
  await ann.comeBack();
  for (const visitor of [ann, bo]) {
    await expect(visitor.cards("To do")).toHaveText(["One by Bo", "Three"]);
    await visitor.saved();
  }
});

test("a board that is nobody's business is not shown, and the page says so", async ({ ann }) => {
  await ann.page.goto(`${ann.line.url}/phoenix/#private-board`);
  await expect(ann.page.getByRole("heading", { name: "This board is private" })).toBeVisible();
});

test("the page has names for what it shows, and enough contrast", async ({ ann }) => {
  await ann.add("To do", "One");
  await ann.saved();
  await ann.page.emulateMedia({ colorScheme: "light" });
  await expectSound(ann.page);
  await ann.page.emulateMedia({ colorScheme: "dark" });
  await expectSound(ann.page, "colours");
});
