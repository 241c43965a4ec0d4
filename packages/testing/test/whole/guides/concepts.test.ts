// docs/concepts.md: its program says what the page says, and the tables of cursors and of topics are true.
import type { Server as HttpServer } from "node:http";
import { expect, onTestFinished, test } from "vitest";
import { PATIENCE, printed } from "../../printed.ts";
import type { PrintedClient } from "../../printed.ts";

interface Program extends Record<"tab1" | "tab2" | "tab3", PrintedClient> {
  readonly httpServer: HttpServer;
  readonly server: { stop(): Promise<void> };
  readonly list: unknown;
  readonly marks: readonly number[];
}

test(
  "[GD2] [CV15] [RB2] [RB13] the program says what it is printed to say",
  async () => {
    const page = await printed("docs/concepts.md");
    const { tab1, tab2, tab3, list, marks } = await page.serve<Program>("concepts.ts");
    for (const tab of [tab1, tab2, tab3]) onTestFinished(() => tab.close());
    expect(page.said).toEqual(page.prints);
    expect(page.warned).toEqual([]);
    expect(new Set(marks).size).toBe(2);

    // Whoever comes later, and whoever comes back, has all of it.
    const late = tab3.topic(list, "home");
    late.onChange(() => {});
    await expect.poll(() => late.state).toMatchObject({ status: "live", model: { items: ["milk", "tea"] } });
    tab3.disconnect();
    await expect.poll(() => late.state.status).toBe("stale");
    await tab1.topic(list, "home").dispatch({ type: "added", text: "salt" }).applied;
    tab3.connect();
    await expect
      .poll(() => late.state)
      .toMatchObject({
        status: "live",
        model: { items: ["milk", "tea", "salt"] },
      });
  },
  PATIENCE,
);
