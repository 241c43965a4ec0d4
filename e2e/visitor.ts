// Somebody at a board: a page, the wire it hangs on, and what one does there.
import { expect } from "@playwright/test";
import type { BrowserContext, Locator, Page } from "@playwright/test";
import type { Wire } from "./wire.ts";

export class Visitor {
  readonly page: Page;
  readonly wire: Wire;
  /** What the console and uncaught exceptions said. */
  readonly errors: string[];

  constructor(page: Page, wire: Wire, errors: string[]) {
    this.page = page;
    this.wire = wire;
    this.errors = errors;
    page.on("pageerror", (error) => errors.push(String(error)));
    page.on("console", (message) => {
      if (message.type() !== "error") return;
      const complainsOfConnection = /WebSocket connection to|net::ERR_/.test(message.text());
      if (!wire.wasCut || !complainsOfConnection) errors.push(message.text());
    });
  }

  get context(): BrowserContext {
    return this.page.context();
  }

  /** Another tab of the same browser. */
  async tab(): Promise<Visitor> {
    return new Visitor(await this.context.newPage(), this.wire, this.errors);
  }

  async open(board: string, format?: "json" | "messagepack"): Promise<void> {
    await this.page.goto(`${this.wire.url}${format ? `?format=${format}` : ""}#${board}`);
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
  get toasts(): Locator {
    return this.page.locator("#toasts");
  }

  async add(column: string, ...texts: string[]): Promise<void> {
    const field = this.page.getByLabel(`New card in ${column}`);
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

  /** The network is gone, and the browser knows it. */
  async goOffline(): Promise<void> {
    this.wire.cut();
    await this.context.setOffline(true);
  }
  async comeBack(): Promise<void> {
    this.wire.mend();
    await this.context.setOffline(true);
    await this.context.setOffline(false);
  }
}
