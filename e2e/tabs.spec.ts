// A board whose tabs are closed, reloaded and killed with cards that nobody has seen yet. The browser keeps them.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "@playwright/test";
import { Line, Person } from "@calla/testing/playwright";
import { expect, test } from "./fixtures.ts";
import { Visitor } from "./visitor.ts";

/** Until the browser has it on its disk, under a key of this kind: `queued`, which the board does not show. */
async function stored({ page }: Visitor, kind: "entry" | "model", text: string): Promise<void> {
  const read = (kind: string) =>
    new Promise<string>((resolve, reject) => {
      const opening = indexedDB.open("calla boards");
      opening.addEventListener("error", () => reject(opening.error));
      opening.addEventListener("success", () => {
        const store = opening.result.transaction("all").objectStore("all");
        const [keys, values] = [store.getAllKeys(), store.getAll()];
        // Requests of a transaction come back in order.
        values.addEventListener("success", () => {
          opening.result.close();
          resolve(
            JSON.stringify(values.result.filter((_, i) => String(keys.result[i]).split("/")[2] === kind)),
          );
        });
      });
    });
  await expect.poll(() => page.evaluate(read, kind)).toContain(`"${text}"`);
}

test("[S6] [S20] a reload while offline, with unsent cards: they are shown at once, and sent once", async ({
  arrive,
}) => {
  const ann = await arrive("Ann");
  const bo = await arrive("Bo");
  await ann.add("To do", "One");
  await expect(bo.cards("To do")).toHaveText(["One"]);
  await stored(ann, "model", "One");

  ann.line.cutButPages();
  await ann.add("To do", "Two", "Three");
  await expect(ann.card("Three")).toHaveAttribute("data-pending");
  await stored(ann, "entry", "Three");
  await ann.page.reload();
  await expect(ann.cards("To do")).toHaveText(["One", "Two", "Three"]);
  await ann.add("To do", "Four");
  await ann.edit("One", "One, too late");
  await stored(ann, "entry", "One, too late");
  await ann.page.reload();
  await expect(ann.cards("To do")).toHaveText(["One, too late", "Two", "Three", "Four"]);
  await expect(bo.cards("To do")).toHaveText(["One"]);
  await bo.remove("One");
  await bo.saved();

  await ann.comeBack();
  for (const visitor of [ann, bo]) await expect(visitor.cards("To do")).toHaveText(["Two", "Three", "Four"]);
  // What is refused of what an earlier page has written comes back to this one.
  await expect(ann.toasts).toContainText("Somebody has deleted this card meanwhile.");
  await expect(ann.field("To do")).toHaveValue("One, too late");
  await ann.saved();
});

test("[S18] two tabs, one is closed with unsent cards: the other sends them", async ({ arrive, id }) => {
  const ann = await arrive("Ann");
  const bo = await arrive("Bo");
  const second = await ann.tab();
  await second.open(id);
  await second.add("To do", "Sent");
  await expect(bo.cards("To do")).toHaveText(["Sent"]);

  ann.line.lose("toServer");
  await second.add("To do", "Unsent", "Unsent too");
  await stored(second, "entry", "Unsent too");
  await second.page.close();
  ann.line.cut();
  await ann.comeBack();
  for (const visitor of [ann, bo])
    await expect(visitor.cards("To do")).toHaveText(["Sent", "Unsent", "Unsent too"], { timeout: 40_000 });
  await ann.saved();
});

test("[S18] a tab is duplicated, note and all: both go on, and nothing is there twice", async ({
  arrive,
  id,
}) => {
  const ann = await arrive("Ann");
  await ann.add("To do", "One");
  await ann.saved();
  ann.line.lose("toServer");
  await ann.add("To do", "Two");
  const notes = await ann.page.evaluate(() => JSON.stringify(sessionStorage));
  const copy = await ann.tab();
  await copy.page.addInitScript((kept) => {
    if (location.protocol === "http:" && sessionStorage.length === 0)
      for (const [key, value] of Object.entries(JSON.parse(kept))) sessionStorage[key] = value;
  }, notes);
  ann.line.mend();
  await copy.open(id);
  await copy.add("To do", "Three");
  ann.line.cut();
  await ann.comeBack();
  for (const visitor of [ann, copy]) {
    await expect(visitor.cards("To do")).toHaveCount(3);
    await visitor.saved();
  }
  expect((await ann.cards("To do").allTextContents()).toSorted()).toEqual(["One", "Three", "Two"]);
});

test("[S6] [S20] the browser is killed with unsent cards: the next one sends them", async ({
  arrive,
  server,
  id,
}, info) => {
  const bo = await arrive("Bo");
  const profile = mkdtempSync(join(tmpdir(), "calla-profile-"));
  const line = await Line.to(() => server.port);
  const launch = () => chromium.launchPersistentContext(profile, { ...info.project.use.launchOptions });
  try {
    const first = await launch();
    const ann = new Visitor(first.pages()[0] ?? (await first.newPage()), await Person.of("Ann", first, line));
    await ann.open(id);
    await ann.add("To do", "Sent");
    await expect(bo.cards("To do")).toHaveText(["Sent"]);
    line.lose("toServer");
    await ann.add("To do", "Unsent");
    await stored(ann, "entry", "Unsent");
    killed(profile);

    line.cut();
    line.mend();
    const second = await launch();
    const again = new Visitor(
      second.pages()[0] ?? (await second.newPage()),
      await Person.of("Ann", second, line),
    );
    await again.open(id);
    for (const visitor of [again, bo]) await expect(visitor.cards("To do")).toHaveText(["Sent", "Unsent"]);
    await again.saved();
    await second.close();
    expect(again.errors).toEqual([]);
  } finally {
    await line.close();
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  }
});

const failures: Readonly<Record<string, () => void>> = {
  "there is none": () => {
    Object.defineProperty(globalThis, "indexedDB", { value: undefined });
  },
  "it is forbidden": () => {
    IDBFactory.prototype.open = () => {
      throw new DOMException("denied", "SecurityError");
    };
  },
  "it is full": () => {
    const { put } = IDBObjectStore.prototype;
    Object.assign(globalThis, { emptied: () => void (IDBObjectStore.prototype.put = put) });
    IDBObjectStore.prototype.put = () => {
      throw new DOMException("full", "QuotaExceededError");
    };
  },
};
for (const [what, fail] of Object.entries(failures))
  test(`[S19] the browser's storage fails (${what}): the app is told, and the board works without`, async ({
    arrive,
    id,
  }) => {
    const bo = await arrive("Bo");
    const ann = await bo.tab();
    ann.errors.length = 0;
    await ann.page.addInitScript(fail);
    await ann.open(id);
    await ann.add("To do", "One", "Two");
    await expect(ann.toasts).toContainText("would be lost"); // at once: it goes by itself
    for (const visitor of [ann, bo]) await expect(visitor.cards("To do")).toHaveText(["One", "Two"]);
    await ann.saved();
    await expect(ann.banner).toHaveText(/^This browser cannot keep changes/);
    await expect(bo.banner).toBeEmpty();
    await ann.goOffline();
    await ann.add("To do", "Three");
    await expect(ann.banner).toContainText("is kept and sent when you are back if this page stays open.");
    await ann.comeBack();
    await expect(bo.cards("To do")).toHaveText(["One", "Two", "Three"]);
    if (what === "it is full") {
      // There is room again: what comes next is kept, and nothing is said any more.
      await ann.page.evaluate(() => (globalThis as unknown as { emptied(): void }).emptied());
      await ann.add("To do", "Four");
      await expect(ann.banner).toBeEmpty();
    } else await expect(ann.banner).toHaveText(/^This browser cannot keep changes/);
    ann.errors.length = 0;
  });

/** The whole browser, at once: no page, and no process of it, gets to say anything more. */
function killed(profile: string): void {
  const list = execFileSync("ps", ["-eo", "pid,args"], { encoding: "utf8" });
  const own = list.split("\n").filter((line) => line.includes(profile));
  for (const line of own) process.kill(Number.parseInt(line, 10), "SIGKILL");
}
