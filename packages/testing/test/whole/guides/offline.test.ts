// docs/offline.md: its program says what the page says, over a file of the test's.
import type { Server as HttpServer } from "node:http";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { emptyFolder, PATIENCE, printed } from "../../printed.ts";
import type { PrintedClient } from "../../printed.ts";

interface Page {
  readonly client: PrintedClient;
}
interface Program {
  readonly httpServer: HttpServer;
  readonly server: { stop(): Promise<void> };
  readonly third: Page;
  readonly fourth: Page;
}

test(
  "[GD2] [OB27] [OB32] [TB1] [OB12] the program says what it is printed to say",
  async () => {
    const stored = fileURLToPath(new URL("ada.calla", await emptyFolder()));
    const page = await printed("docs/offline.md", (code) =>
      code.replaceAll('"./ada.calla"', JSON.stringify(stored)),
    );
    const { third, fourth } = await page.serve<Program>("offline.ts");
    onTestFinished(() => fourth.client.close());
    expect(page.said).toEqual(page.prints);
    expect(page.warned).toEqual([]);
    // A client that has forgotten is closed, and does not come back.
    expect(third.client.status).toMatchObject({ connection: "closed", reason: "closed" });
  },
  PATIENCE,
);
