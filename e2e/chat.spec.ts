// The chat among people: two browsers, one behind a proxy that takes no WebSockets; tunnels, restarts, and a keyboard alone.
import { expect } from "@playwright/test";
import type { Locator, Page } from "@playwright/test";
import { createTest } from "@calla/testing/playwright";
import type { Line, Person } from "@calla/testing/playwright";
import { rooms } from "../examples/phoenix-chat/shared/chat.ts";
import { exampleServer } from "./example-server.ts";
import { expectSound } from "./sound.ts";

const ROOMS = rooms.map(({ name }) => name);

/** Somebody in a room. */
class Guest {
  readonly page: Page;
  readonly person: Person;

  constructor(page: Page, person: Person) {
    this.page = page;
    this.person = person;
  }

  get line(): Line {
    return this.person.line;
  }
  get log(): Locator {
    return this.page.getByRole("log");
  }
  /** The texts of all lines, in order. */
  get lines(): Locator {
    return this.log.locator(".bubble");
  }
  get field(): Locator {
    return this.page.getByRole("textbox", { name: /^Say something in/ });
  }
  get notice(): Locator {
    return this.page.locator(".notice");
  }
  room(name: string): Locator {
    return this.page.getByRole("navigation").getByRole("link", { name: new RegExp(`^${name}`) });
  }
  async say(...texts: string[]): Promise<void> {
    for (const text of texts) {
      await this.field.fill(text);
      await this.field.press("Enter");
    }
  }
  /** As those hear them who do not see whose they are. */
  async hears(...lines: string[]): Promise<void> {
    await expect(this.lines).toHaveText(lines);
  }
  /** How many look at the room, and who they are beside oneself. */
  get count(): Locator {
    return this.page.locator(".people-count");
  }
  get others(): Locator {
    return this.page.getByRole("list", { name: "Also here" }).getByRole("listitem").locator(".unseen");
  }
  async connected(): Promise<void> {
    await expect(this.page.locator(".state")).toHaveText(/^Connected/);
  }
}

interface Fixtures {
  arrive(name: string, room?: string, over?: (line: Line) => void): Promise<Guest>;
}

/** Runs in the page, before its own scripts. */
const introduce = ([name, key]: readonly [string, string]): void => {
  if (location.protocol === "http:") localStorage["chat:me"] ??= JSON.stringify({ name, key });
};

const test = createTest({ server: exampleServer("phoenix-chat", "CHAT") }).extend<Fixtures>({
  arrive: async ({ person }, use) => {
    await use(async (name, room = "lobby", over) => {
      const who = await person(name);
      over?.(who.line);
      await who.context.addInitScript(introduce, [name, `${name}-0123456789-0123456789`] as const);
      const guest = new Guest(await who.tab(`/#${room}`), who);
      await guest.connected();
      return guest;
    });
  },
});

// Without traces: there are many small steps.
test.use({ trace: "off" });

test("two browsers talk, one of them by LongPoll; another room hears nothing, and marks what is unread", async ({
  arrive,
}) => {
  const ann = await arrive("Ann");
  const bo = await arrive("Bo", "lobby", (line) => line.refuseWebSockets());
  const cy = await arrive("Cy", "garden");
  await expect(bo.page.locator(".state")).toHaveText("Connected by LongPoll");
  await expect(ann.log).toContainText("Nothing said here yet");

  await ann.say("Hello", "Is it <b>raining</b> there?");
  await bo.hears("Ann: Hello", "Ann: Is it <b>raining</b> there?");
  await bo.field.pressSequentially("It");
  await expect(ann.page.locator(".typing")).toHaveText("Bo is typing …");
  await expect(ann.room("Lobby")).toContainText("Bo is typing");
  await expect(bo.page.locator(".typing")).toHaveText("");
  await bo.say("It pours: https://example.org/rain.");
  await ann.hears(
    "You: Hello",
    "You: Is it <b>raining</b> there?",
    "Bo: It pours: https://example.org/rain.",
  );
  await expect(ann.page.locator(".typing")).toHaveText("");
  await expect(ann.log.getByRole("link")).toHaveAttribute("href", "https://example.org/rain");

  await cy.hears();
  await expect(cy.room("Lobby")).toHaveAccessibleName(/3 unread/);
  await expect(cy.page).toHaveTitle("(3) Garden · Rooms");
  await cy.room("Lobby").click();
  await expect(cy.log.locator(".new")).toHaveCount(1);
  await expect(cy.page).toHaveTitle("Lobby · Rooms");
  await cy.say("It is dry here.");
  await expect(cy.log.locator(".new")).toHaveCount(0);
  await expect(ann.lines.last()).toHaveText("Cy: It is dry here.");

  // Another name is heard from the next line on. Who types in the moment that the form opens is not overwritten by it.
  await bo.page.evaluate(async () => {
    document.querySelector<HTMLButtonElement>("button.me")?.click();
    const field = document.querySelector<HTMLInputElement>("#person-name");
    if (!field || document.activeElement !== field) throw new Error("The field has no focus.");
    if (field.value.slice(field.selectionStart ?? 0) !== "Bo") throw new Error("The name is not selected.");
    field.value = "Boris";
    await new Promise((opened) => setTimeout(opened, 50));
  });
  await bo.page.getByLabel("Your name").press("Enter");
  await bo.say("Lucky you.");
  await expect(ann.lines.last()).toHaveText("Boris: Lucky you.");
  await expect(ann.log.locator(".who").filter({ hasText: "Bo" })).toHaveCount(2);
});

test("who looks at a room is seen there, each once, and gone with the last tab", async ({ arrive }) => {
  const ann = await arrive("Ann");
  await expect(ann.count).toHaveText("Only you");
  const bo = await arrive("Bo", "lobby", (line) => line.refuseWebSockets());
  const cy = await arrive("Cy", "garden");
  for (const [guest, name] of [
    [ann, "Bo"],
    [bo, "Ann"],
  ] as const) {
    await expect(guest.others).toHaveText([name]);
    await expect(guest.count).toHaveText("2 here");
  }
  await expect(cy.count).toHaveText("Only you");
  await cy.room("Lobby").click();
  await expect(ann.others).toHaveText(["Bo", "Cy"]);
  await expect(cy.count).toHaveText("3 here");

  const tab = await cy.person.tab("/#lobby");
  await expect(ann.others).toHaveText(["Bo", "Cy, in 2 tabs"]);
  await expect(ann.count).toHaveText("3 here");
  await cy.page.reload();
  await expect(cy.count).toHaveText("3 here");
  await expect(ann.others).toHaveText(["Bo", "Cy, in 2 tabs"]);
  await tab.close();
  await expect(ann.others).toHaveText(["Bo", "Cy"]);
  await cy.room("Garden").click();
  await expect(ann.others).toHaveText(["Bo"]);
  await cy.page.close();
  await expect(ann.others).toHaveText(["Bo"]);

  // Another name is another meta of the same one.
  await ann.page.getByRole("button", { name: "Ann You · change name" }).click();
  await ann.page.getByLabel("Your name").fill("Anna");
  await ann.page.getByLabel("Your name").press("Enter");
  await expect(bo.others).toHaveText(["Anna"]);
  await expect(ann.others).toHaveText(["Bo"]);

  // Who is cut off does not know who is there, and shows nobody; the server has heard of the end at once.
  ann.line.cut();
  await expect(ann.count).toBeHidden();
  await expect(bo.count).toHaveText("Only you");
  ann.line.mend();
  await expect(ann.others).toHaveText(["Bo"]);
  await expect(bo.others).toHaveText(["Anna"]);
});

test("what is written in the tunnel waits, outlives a reload of it, and is said once", async ({ arrive }) => {
  const ann = await arrive("Ann");
  const bo = await arrive("Bo");
  await ann.say("Into the tunnel");
  await bo.hears("Ann: Into the tunnel");

  ann.line.cutButPages();
  await ann.say("one", "two");
  await expect(ann.notice).toHaveText(/No connection.*Your 2 lines wait and are sent once when you are back/);
  await expect(ann.log.locator("[data-state=waiting]")).toHaveCount(2);
  await bo.say("Still there?");
  await ann.page.reload();
  // What it has not fetched it does not show; what it keeps it does.
  await ann.hears("You: one", "You: two");
  // Another tab sends them, too.
  const tab = await ann.person.tab("/#lobby");
  await expect(tab.getByRole("log").locator("[data-state=waiting]")).toHaveCount(2);
  ann.line.mend();
  const all = ["Into the tunnel", "Still there?", "one", "two"];
  await expect(bo.lines).toHaveText(all.map((text) => new RegExp(`: ${text.replace("?", ".")}$`)));
  await ann.hears("You: Into the tunnel", "Bo: Still there?", "You: one", "You: two");
  await expect(ann.notice).toHaveText("");
  for (const { log } of [ann, new Guest(tab, ann.person)])
    await expect(log.locator("[data-state=said]")).toHaveCount(4);
});

test("an answer that is lost is asked for again, and the line is said once", async ({ arrive }) => {
  const ann = await arrive("Ann");
  const bo = await arrive("Bo");
  ann.line.lose("toPage");
  await ann.say("Do you hear me?");
  await bo.hears("Ann: Do you hear me?");
  await expect(ann.log.getByText("Sending …")).toBeVisible();
  ann.line.cut();
  await expect(ann.log.getByText("Waiting for a connection")).toBeVisible();
  await bo.say("I do.");
  ann.line.mend();
  await ann.hears("You: Do you hear me?", "Bo: I do.");
  await expect(ann.log.locator("[data-state=said]")).toHaveCount(2);
  await bo.hears("Ann: Do you hear me?", "You: I do.");
});

test("the history is there after a reload and a restart, also more of it than fits; a lost one is not mixed with it", async ({
  arrive,
  server,
}) => {
  const ann = await arrive("Ann");
  const texts = Array.from({ length: 55 }, (_, index) => `line ${index + 1}`);
  // Faster than the server lets anybody talk: what is refused for that is said a moment later.
  await ann.field.evaluate((field, all) => {
    for (const text of all) {
      (field as HTMLTextAreaElement).value = text;
      (field as HTMLTextAreaElement).form?.requestSubmit();
    }
  }, texts);
  await expect(ann.log.locator("[data-state=said]")).toHaveCount(55);
  await server.restart({ signal: "SIGKILL" });
  const bo = await arrive("Bo");
  await expect(bo.lines).toHaveCount(50);
  await expect(bo.lines.last()).toBeInViewport();
  await bo.page.getByRole("button", { name: "Show earlier lines" }).click();
  await bo.hears(...texts.map((text) => `Ann: ${text}`));
  // Who reads further up stays there, is told that there is more, and goes there.
  const top = bo.lines.first();
  await top.scrollIntoViewIfNeeded();
  await ann.connected();
  await ann.say("line 56");
  await expect(bo.lines).toHaveCount(56);
  await expect(top).toBeInViewport();
  await bo.page.getByRole("button", { name: "New lines" }).click();
  await expect(bo.lines.last()).toBeInViewport();
  await expect(bo.field).toBeFocused();
  await ann.page.reload();
  await expect(ann.lines.last()).toHaveText("You: line 56");

  await server.restart({ empty: true });
  await bo.say("Where has it all gone?");
  await ann.hears("Bo: Where has it all gone?");
});

test("a refused line says why and is sent again when its author wants it", async ({ arrive }) => {
  const ann = await arrive("Ann");
  // Somebody's page of another version lets more be written than the server takes.
  await ann.field.evaluate((field) => field.removeAttribute("maxlength"));
  await ann.say("x".repeat(1_001));
  const failed = ann.log.locator("[data-state=failed]");
  await expect(failed).toContainText("Not sent. The server does not take it.");
  await failed.getByRole("button", { name: /^Again/ }).click();
  await expect(ann.field).toBeFocused();
  await expect(failed).toHaveCount(1);
  await ann.say("shorter");
  await expect(ann.log.locator("[data-state=said]")).toHaveText(/shorter/);
  await failed.getByRole("button", { name: /^Remove/ }).click();
  await ann.hears("You: shorter");
});

test("by keyboard alone, with names, landmarks and contrast that hold in both colour schemes and at 360 pixels", async ({
  arrive,
}) => {
  const bo = await arrive("Bo", "kitchen");
  await bo.say("Soup at twelve");
  const ann = await arrive("Ann", "");
  const { page } = ann;
  const { keyboard } = page;
  await expect(page.getByRole("heading", { name: "Come in" })).toBeVisible();

  // Past what leads to the field, to the third room, and from there to the next and back.
  for (let tabs = 0; tabs < 4; tabs++) await keyboard.press("Tab");
  await expect(ann.room("Kitchen")).toBeFocused();
  await keyboard.press("Enter");
  await expect(ann.field).toBeFocused();
  await ann.hears("Bo: Soup at twelve");
  for (const [key, name] of [
    ["Alt+ArrowDown", "Library"],
    ["Alt+ArrowUp", "Kitchen"],
  ] as const) {
    await keyboard.press(key);
    await expect(page.getByRole("heading", { level: 1, name })).toBeVisible();
  }
  await keyboard.type("I come");
  await keyboard.press("Shift+Enter");
  await keyboard.type("and Cy, too");
  await keyboard.press("Enter");
  await bo.hears("You: Soup at twelve", "Ann: I come\nand Cy, too");
  await expect(ann.field).toBeFocused();
  // What others say takes no focus away, here from the log.
  await ann.log.focus();
  await bo.say("Good");
  await expect(ann.lines).toHaveCount(3);
  await expect(ann.log).toBeFocused();
  await expect(ann.log).toHaveAccessibleName("Lines in Kitchen");

  await page.emulateMedia({ colorScheme: "dark", reducedMotion: "reduce" });
  await expectSound(page);
  await page.emulateMedia({ colorScheme: "light" });
  ann.line.cut();
  await ann.say("waits");
  await expect(ann.notice).toContainText("Your line waits");
  await page.setViewportSize({ width: 360, height: 640 });
  await expectSound(page);
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(360);
  await page.getByRole("link", { name: "All rooms" }).focus();
  await keyboard.press("Enter");
  for (const name of ROOMS) await expect(ann.room(name)).toBeVisible();
  await expect(page.getByRole("heading", { name: "Rooms" })).toBeFocused();
  await expectSound(page);
});
