// A board where no WebSocket gets through, and where pages are hidden, frozen and woken.
import { Line } from "@calla/testing/playwright";
import { BackgroundBrowser } from "./background.ts";
import { expect, test } from "./fixtures.ts";
import type { Visitor } from "./visitor.ts";

const blocked = (line: Line): void => line.refuseWebSockets();
const gathered = (line: Line): void => {
  line.refuseWebSockets();
  line.holdBackStreams();
};
/** How many event streams the tabs of a browser hold. */
const streams = ({ page }: Visitor): Promise<number> =>
  page.evaluate(async () => {
    const { held } = await navigator.locks.query();
    return (held ?? []).filter(({ name }) => name?.startsWith("calla-stream")).length;
  });

test("[AT1] WebSockets are blocked: the board works over HTTP, together with one that has a socket", async ({
  arrive,
}) => {
  const ann = await arrive("Ann", "json", blocked);
  const bo = await arrive("Bo");
  await ann.add("To do", "One");
  await ann.saved();
  await bo.add("To do", "Two");
  for (const visitor of [ann, bo]) await expect(visitor.cards("To do")).toHaveText(["One", "Two"]);
  expect(await streams(ann)).toBe(1);
  await expect(ann.banner).toBeEmpty();

  await bo.edit("One", "One, by Bo");
  await ann.grip("Two").press("Alt+ArrowUp");
  for (const visitor of [ann, bo]) await expect(visitor.cards("To do")).toHaveText(["Two", "One, by Bo"]);
  // What is not kept comes by the stream, too.
  await bo.column("Doing").hover();
  await expect(ann.page.locator(".cursor", { hasText: "Bo" })).toBeVisible();
  await ann.page.reload();
  await expect(ann.cards("To do")).toHaveText(["Two", "One, by Bo"]);
});

test("[AT1] S5 over HTTP both edit while one is offline; when it is back both agree", async ({ arrive }) => {
  const ann = await arrive("Ann", "messagepack", blocked);
  const bo = await arrive("Bo", "json", blocked);
  await ann.add("To do", "One", "Two");
  await expect(bo.cards("To do")).toHaveText(["One", "Two"]);
  await ann.goOffline();
  await ann.add("To do", "Ann's");
  await bo.add("To do", "Bo's");
  await bo.saved();
  await ann.comeBack();
  for (const visitor of [ann, bo])
    await expect(visitor.cards("To do")).toHaveText(["One", "Two", "Bo's", "Ann's"]);
  await ann.saved();
});

test("[HT9] a proxy holds answers back until they are whole: the board works by polls", async ({
  arrive,
}) => {
  const ann = await arrive("Ann", "json", gathered);
  const bo = await arrive("Bo");
  await expect(ann.page.getByLabel("New card in To do")).toBeVisible();
  await ann.add("To do", "One");
  await expect(bo.cards("To do")).toHaveText(["One"]);
  await bo.add("To do", "Two");
  await expect(ann.cards("To do")).toHaveText(["One", "Two"]);
  await expect(ann.banner).toBeEmpty();
  await ann.saved();
});

test("[HT10] eight tabs of one browser over HTTP/1.1: each sees the cards of all, two hold a stream", async ({
  arrive,
  id,
}) => {
  test.setTimeout(120_000); // eight pages on a busy machine
  const ann = await arrive("Ann", "json", blocked);
  const tabs = [ann];
  while (tabs.length < 8) {
    const tab = await ann.tab();
    await tab.open(id);
    tabs.push(tab);
  }
  const texts = tabs.map((_, i) => `Card ${i}`);
  for (const [i, tab] of tabs.entries()) await tab.add("To do", texts[i]!);
  for (const tab of tabs) {
    await expect(tab.column("To do").locator(".card")).toHaveCount(8);
    expect((await tab.cards("To do").allTextContents()).toSorted()).toEqual(texts);
    await expect(tab.banner).toBeEmpty();
    await tab.saved();
  }
  expect(await streams(ann)).toBe(2);

  // The tabs with a stream go, others take theirs, and everything goes on.
  await tabs[0]!.page.close();
  await tabs[1]!.page.close();
  const left = tabs.slice(2);
  await expect.poll(() => streams(left[0]!)).toBe(2);
  await left[0]!.edit("Card 7", "Card 7, edited");
  for (const tab of left) await expect(tab.card("Card 7, edited")).toBeVisible();
});

const NETWORKS: readonly { readonly over: string; hinder(line: Line): void }[] = [
  { over: "a WebSocket", hinder: () => undefined },
  { over: "HTTP", hinder: blocked },
];
for (const { over, hinder } of NETWORKS) {
  test(`[S21] [CL2] [CL35] over ${over} a hidden tab still sends and hears, with throttled timers; a frozen one is current when it is woken`, async ({
    arrive,
    id,
    server,
  }, { project }) => {
    test.setTimeout(120_000); // another browser
    const bo = await arrive("Bo");
    const line = await Line.to(() => server.port);
    hinder(line);
    const browser = await BackgroundBrowser.launch(project.use.launchOptions ?? {});
    const tab = await browser.tab(`${line.url}/#${id}`);
    const shows = (...texts: string[]) => expect.poll(() => tab.cards(), { timeout: 15_000 }).toEqual(texts);
    await bo.add("To do", "One");
    await shows("One");

    // Hidden: timers come once a second, and it goes on.
    const other = await browser.tab("about:blank");
    await expect.poll(() => tab.evaluate("document.visibilityState")).toBe("hidden");
    await tab.add("To do", "Two");
    await expect(bo.cards("To do")).toHaveText(["One", "Two"]);
    await bo.add("To do", "Three");
    await shows("One", "Two", "Three");

    // In front again: nothing was lost, so nothing is begun anew.
    const { attempts } = line;
    await tab.toFront();
    await expect.poll(() => tab.evaluate("document.visibilityState")).toBe("visible");
    await bo.add("To do", "Four");
    await shows("One", "Two", "Three", "Four");
    if (over === "a WebSocket") expect(line.attempts).toBe(attempts);

    // Frozen for a while. Chromium closes a frozen page's WebSocket itself when it wakes it.
    await other.toFront();
    await expect.poll(() => tab.evaluate("document.visibilityState")).toBe("hidden");
    await tab.freeze();
    await bo.edit("One", "One, edited");
    await tab.thaw();
    await tab.toFront();
    await shows("One, edited", "Two", "Three", "Four");

    // Frozen, and its connection dies meanwhile.
    await other.toFront();
    await expect.poll(() => tab.evaluate("document.visibilityState")).toBe("hidden");
    await tab.add("To do", "Five");
    await expect(bo.cards("To do")).toHaveCount(5);
    await tab.freeze();
    line.cut();
    await bo.remove("Two");
    line.mend();
    hinder(line);
    await tab.thaw();
    await tab.toFront();
    await shows("One, edited", "Three", "Four", "Five");
    await browser.close();
    await line.close();
  });
}
