// What went wrong somewhere in a test, and what a test says in advance may go wrong.
export class Complaints {
  /** All that was not allowed, oldest first. A test fails that ends with one. */
  readonly errors: string[] = [];
  readonly #allowed: RegExp[] = [];

  /** What matches is no error: what is to come, and what has been. */
  allow(pattern: RegExp): void {
    this.#allowed.push(pattern);
    const left = this.errors.filter((text) => text.search(pattern) < 0);
    this.errors.splice(0, Infinity, ...left);
  }

  add(text: string): void {
    if (!this.#allowed.some((pattern) => text.search(pattern) >= 0)) this.errors.push(text);
  }
}

/** What the browsers say by themselves of a connection that breaks: Chromium, Firefox, WebKit. */
const OF_CONNECTIONS = [
  /WebSocket connection to|net::ERR_/,
  /can.t establish a connection to the server at|was interrupted while the page was loading|NS_ERROR_(NET|CONNECTION|OFFLINE)/,
  /Could not connect to|The network connection was lost|Failed to load resource: (The|A server)/,
];

/** Whether a line of the console is a browser's own word on a connection. */
export const isOfConnection = (text: string): boolean => OF_CONNECTIONS.some((pattern) => pattern.test(text));

/**
 * Fails a test over what went wrong in it: by whose name, the texts.
 *
 * @throws Error with all of them.
 */
export function expectNone(found: ReadonlyMap<string, readonly string[]>): void {
  const lines = [...found].flatMap(([who, texts]) => texts.map((text) => `${who}: ${text}`));
  if (lines.length === 0) return;
  throw new Error(
    `Something went wrong that the test did not allow (\`allow(/…/)\` of the person or the server):\n${lines.join("\n")}`,
  );
}
