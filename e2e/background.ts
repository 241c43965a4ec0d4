// A browser whose tabs go to the background for real: Playwright makes every page of its own look focused, and launches
// browsers that do not throttle. So this one's tabs are none of Playwright's pages, and are spoken to by the protocol.
import { chromium } from "@playwright/test";
import type { Browser, CDPSession, LaunchOptions } from "@playwright/test";

const UNTHROTTLED = [
  "--disable-background-timer-throttling",
  "--disable-renderer-backgrounding",
  "--disable-backgrounding-occluded-windows",
];

export class BackgroundBrowser {
  readonly #browser: Browser;
  readonly #session: CDPSession;
  readonly #context: string;

  private constructor(browser: Browser, session: CDPSession, context: string) {
    this.#browser = browser;
    this.#session = session;
    this.#context = context;
  }

  static async launch(options: LaunchOptions): Promise<BackgroundBrowser> {
    const browser = await chromium.launch({ ...options, ignoreDefaultArgs: UNTHROTTLED });
    const session = await browser.newBrowserCDPSession();
    const { browserContextId } = await session.send("Target.createBrowserContext");
    return new BackgroundBrowser(browser, session, browserContextId);
  }

  /** A tab of the one window, in front of the others. */
  async tab(url: string): Promise<BackgroundTab> {
    const { targetId } = await this.#session.send("Target.createTarget", {
      url,
      browserContextId: this.#context,
    });
    const { sessionId } = await this.#session.send("Target.attachToTarget", { targetId });
    return new BackgroundTab(this.#session, targetId, sessionId);
  }

  close(): Promise<void> {
    return this.#browser.close();
  }
}

interface Answer {
  readonly id: number;
  readonly result?: { readonly result?: { readonly value?: unknown } };
}

export class BackgroundTab {
  readonly #session: CDPSession;
  readonly #targetId: string;
  readonly #sessionId: string;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  #asked = 0;

  constructor(session: CDPSession, targetId: string, sessionId: string) {
    this.#session = session;
    this.#targetId = targetId;
    this.#sessionId = sessionId;
    session.on("Target.receivedMessageFromTarget", ({ sessionId: whose, message }) => {
      if (whose !== sessionId) return;
      const answer = JSON.parse(message) as Answer;
      this.#waiting.get(answer.id)?.(answer);
      this.#waiting.delete(answer.id);
    });
  }

  async #send(method: string, params: object): Promise<Answer> {
    const id = ++this.#asked;
    const answer = new Promise<Answer>((resolve) => this.#waiting.set(id, resolve));
    const message = JSON.stringify({ id, method, params });
    await this.#session.send("Target.sendMessageToTarget", { sessionId: this.#sessionId, message });
    return answer;
  }

  /** What a piece of JavaScript comes to in the page. */
  async evaluate<Value>(expression: string): Promise<Value> {
    const { result } = await this.#send("Runtime.evaluate", { expression, returnByValue: true });
    return result?.result?.value as Value;
  }

  toFront(): Promise<unknown> {
    return this.#session.send("Target.activateTarget", { targetId: this.#targetId });
  }
  /** Only of a hidden one: nothing runs in it any more. */
  freeze(): Promise<unknown> {
    return this.#send("Page.setWebLifecycleState", { state: "frozen" });
  }
  thaw(): Promise<unknown> {
    return this.#send("Page.setWebLifecycleState", { state: "active" });
  }

  /** The texts of all cards of a board, in order. */
  cards(): Promise<readonly string[]> {
    return this.evaluate(
      "[...document.querySelectorAll('.card .text')].map(({ textContent }) => textContent)",
    );
  }
  /** Somebody's program in the page writes a card: nobody types into a tab that is hidden. */
  add(column: string, text: string): Promise<unknown> {
    const field = JSON.stringify(`[aria-label="New card in ${column}"]`);
    return this.evaluate(`(() => {
      const field = document.querySelector(${field});
      field.value = ${JSON.stringify(text)};
      field.form.requestSubmit();
    })()`);
  }
}
