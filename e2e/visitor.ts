// Somebody at a board: a tab, whose it is, and what one does there.
import { expect } from "@playwright/test";
import type { BrowserContext, Locator, Page } from "@playwright/test";
import type { Line, Person } from "@calla/testing/playwright";

/** Runs in the page, before its own scripts. */
const introduce = (person: string): void => {
  if (location.protocol === "http:") localStorage["person"] ??= person;
};

export class Visitor {
  readonly page: Page;
  readonly person: Person;

  constructor(page: Page, person: Person) {
    this.page = page;
    this.person = person;
  }

  get line(): Line {
    return this.person.line;
  }
  /** What the console and uncaught exceptions said, in all tabs of this browser. */
  get errors(): string[] {
    return this.person.errors;
  }
  get context(): BrowserContext {
    return this.page.context();
  }

  /** In pages that are opened from now on. */
  async introduce(colour: string): Promise<void> {
    await this.context.addInitScript(introduce, JSON.stringify({ name: this.person.name, colour }));
  }

  /** Another tab of the same browser. */
  async tab(): Promise<Visitor> {
    return new Visitor(await this.context.newPage(), this.person);
  }

  async open(board: string, format?: "json" | "messagepack"): Promise<void> {
    await this.page.goto(`${this.line.url}/${format ? `?format=${format}` : ""}#${board}`);
  }

  column(name: string): Locator {
    return this.page.getByRole("region", { name });
  }
  /** The texts of a column's cards, in order. */
  cards(column: string): Locator {
    return this.column(column).locator(".card .text");
  }
  card(text: string): Locator {
    return this.page.getByRole("listitem").filter({ hasText: text });
  }
  grip(text: string): Locator {
    return this.page.getByRole("button", { name: `Move “${text}”` });
  }
  get banner(): Locator {
    return this.page.locator("#connection");
  }
  /** Whether all is saved, always in sight. */
  get allSaved(): Locator {
    return this.page.getByText("All changes saved");
  }
  /** Where a column's new cards are written. */
  field(column: string): Locator {
    return this.page.getByLabel(`New card in ${column}`);
  }
  get toasts(): Locator {
    return this.page.locator("#toasts");
  }

  async add(column: string, ...texts: string[]): Promise<void> {
    const field = this.field(column);
    for (const text of texts) {
      await field.fill(text);
      await field.press("Enter");
    }
  }
  async edit(text: string, edited: string): Promise<void> {
    await this.page.getByRole("button", { name: text, exact: true }).click();
    await this.page.getByLabel("Card text").fill(edited);
    await this.page.getByLabel("Card text").press("Enter");
  }
  async remove(text: string): Promise<void> {
    await this.page.getByRole("button", { name: `Delete “${text}”` }).click();
  }

  /** Until every card here is saved as it is shown: what anybody does from now on comes after that. */
  saved(): Promise<void> {
    return expect(this.page.locator("[data-pending]")).toHaveCount(0);
  }

  goOffline(): Promise<void> {
    return this.person.goOffline();
  }
  comeBack(): Promise<void> {
    return this.person.comeBack();
  }
}
