// Somebody of a test: a browser of their own with its tabs, and the line on which it hangs.
import type { BrowserContext, Page } from "@playwright/test";
import { Complaints, isOfConnection } from "./errors/complaints.ts";
import type { Line } from "./line/line.ts";

/**
 * Somebody with a browser context (storage, cookies) and a line of their own.
 *
 * @example
 * const ann = await person("Ann");
 * const page = await ann.tab("/board/42");
 * const other = await ann.tab("/board/42"); // the same browser
 * ann.line.cut();
 */
export class Person {
  readonly name: string;
  readonly context: BrowserContext;
  readonly line: Line;
  readonly #complaints = new Complaints();

  private constructor(name: string, context: BrowserContext, line: Line) {
    this.name = name;
    this.context = context;
    this.line = line;
    const complaints = this.#complaints;
    context.on("weberror", (error) => complaints.add(String(error.error())));
    context.on("console", (message) => {
      const text = message.text();
      if (message.type() === "error" && !(line.disturbed && isOfConnection(text))) complaints.add(text);
    });
    const watch = (page: Page): void => {
      page.on("crash", () => complaints.add(`The tab at ${page.url()} has crashed.`));
    };
    context.on("page", watch);
    context.pages().forEach(watch);
  }

  /**
   * Of a browser that you have started yourself, for a profile that outlives it. It and its line are yours to close, and
   * `errors` yours to look at.
   *
   * @example
   * const ann = await Person.of("Ann", await chromium.launchPersistentContext(folder), line);
   */
  static async of(name: string, context: BrowserContext, line: Line): Promise<Person> {
    const person = new Person(name, context, line);
    // Where the pages' Calla clients show themselves to `settled`.
    await context.addInitScript(() => {
      Object.assign(globalThis, { [Symbol.for("calla.tests")]: [] });
    });
    return person;
  }

  /** What its tabs' consoles and uncaught exceptions said, without what was allowed. A test fails that ends with one. */
  get errors(): string[] {
    return this.#complaints.errors;
  }
  /** What matches is no error, before and from now on. */
  allow(pattern: RegExp): void {
    this.#complaints.allow(pattern);
  }

  /** All tabs that are open. */
  get tabs(): readonly Page[] {
    return this.context.pages();
  }

  /** Opens a tab by this person's line; `path` begins with a slash. Default: "/". */
  async tab(path = "/"): Promise<Page> {
    const page = await this.context.newPage();
    await page.goto(this.line.url + path);
    return page;
  }

  /** The network is gone, and the browser knows it. */
  async goOffline(): Promise<void> {
    this.line.cut();
    await this.context.setOffline(true);
  }

  /** It is there again, and the browser says so to its tabs, whether it knew that it was gone or not. */
  async comeBack(): Promise<void> {
    this.line.mend();
    await this.context.setOffline(true);
    await this.context.setOffline(false);
  }
}
