// A board among people whose connections fail.
import { expect, test } from "./fixtures.ts";

test("[S5] both edit while one is offline; when it is back both agree, nothing is lost or doubled", async ({
  arrive,
}) => {
  const ann = await arrive("Ann");
  const bo = await arrive("Bo");
  await ann.add("To do", "One", "Two");
  await expect(bo.cards("To do")).toHaveText(["One", "Two"]);

  await ann.goOffline();
  await expect(ann.banner).toContainText("You are offline. Changes are kept and sent when you are back.");
  await ann.add("To do", "Ann's");
  await ann.edit("One", "One, by Ann");
  await bo.add("To do", "Bo's");
  await bo.edit("Two", "Two, by Bo");
  await expect(ann.cards("To do")).toHaveText(["One, by Ann", "Two", "Ann's"]);
  await expect(bo.cards("To do")).toHaveText(["One", "Two, by Bo", "Bo's"]);
  await bo.saved();
  await expect(ann.card("Ann's")).toHaveAttribute("data-pending");
  await expect(ann.card("Ann's").getByText("Not saved yet")).toBeVisible();
  await expect(ann.banner).toContainText("Your 2 changes are kept");

  await ann.comeBack();
  for (const visitor of [ann, bo])
    await expect(visitor.cards("To do")).toHaveText(["One, by Ann", "Two, by Bo", "Bo's", "Ann's"]);
  await expect(ann.banner).toBeEmpty();
  await expect(ann.allSaved).toBeVisible();
  await ann.saved();
  await ann.page.reload();
  await expect(ann.cards("To do")).toHaveText(["One, by Ann", "Two, by Bo", "Bo's", "Ann's"]);
});

test("[S5] the banner moves nothing: a click that is being made hits what it was aimed at", async ({
  arrive,
}) => {
  const ann = await arrive("Ann");
  await ann.add("To do", "One");
  const card = ann.page.getByRole("button", { name: "One", exact: true });
  const before = (await card.boundingBox())!;
  await ann.page.mouse.move(before.x + before.width / 2, before.y + 4);
  await ann.page.mouse.down();
  await ann.goOffline();
  await expect(ann.banner.locator(".line")).toBeVisible();
  expect(await card.boundingBox()).toEqual(before);
  await ann.page.mouse.up();
  await expect(ann.page.getByLabel("Card text")).toBeFocused();
});

test("[S4] the connection dies before the acknowledgement: the later edit of another survives", async ({
  arrive,
}) => {
  const ann = await arrive("Ann");
  const bo = await arrive("Bo");
  await ann.add("To do", "Draft");
  await expect(bo.cards("To do")).toHaveText(["Draft"]);

  ann.line.lose("toPage");
  await ann.edit("Draft", "Ann's draft");
  await expect(bo.cards("To do")).toHaveText(["Ann's draft"]);
  await bo.edit("Ann's draft", "Bo's draft");
  ann.line.cut();
  await expect(ann.cards("To do")).toHaveText(["Ann's draft"]);

  await ann.comeBack();
  for (const visitor of [ann, bo]) await expect(visitor.cards("To do")).toHaveText(["Bo's draft"]);
  await ann.saved();
});

test("[S5] the connection dies before the message arrives: it is sent again and applied once", async ({
  arrive,
}) => {
  const ann = await arrive("Ann");
  const bo = await arrive("Bo");
  await ann.add("To do", "First");
  await expect(bo.cards("To do")).toHaveText(["First"]);

  ann.line.lose("toServer");
  await ann.add("To do", "Second");
  ann.line.cut();
  await ann.add("To do", "Third");
  await ann.comeBack();
  for (const visitor of [ann, bo])
    await expect(visitor.cards("To do")).toHaveText(["First", "Second", "Third"]);
});

test("[S8] two race for the last place in Doing: the loser's move is rolled back with its reason", async ({
  arrive,
}) => {
  const ann = await arrive("Ann");
  const bo = await arrive("Bo");
  await ann.add("Doing", "1", "2", "3", "4");
  await ann.add("To do", "Ann's", "Bo's");
  await expect(bo.cards("To do")).toHaveText(["Ann's", "Bo's"]);

  await ann.goOffline();
  await ann.grip("Ann's").press("Alt+ArrowRight");
  await ann.add("Done", "Later");
  await expect(ann.cards("Doing")).toHaveCount(5);
  await bo.grip("Bo's").press("Alt+ArrowRight");
  await expect(bo.cards("Doing")).toHaveCount(5);
  await bo.saved();

  await ann.comeBack();
  await expect(ann.toasts).toContainText("“Doing” holds 5 cards at most.");
  for (const visitor of [ann, bo]) {
    await expect(visitor.cards("To do")).toHaveText(["Ann's"]);
    await expect(visitor.cards("Doing")).toContainText(["Bo's"]);
    await expect(visitor.cards("Done")).toHaveText(["Later"]);
  }
});

test("[S8] editing a card that is gone is refused with its reason", async ({ arrive }) => {
  const ann = await arrive("Ann");
  const bo = await arrive("Bo");
  await ann.add("To do", "Short-lived", "Stays");
  await expect(bo.cards("To do")).toHaveCount(2);
  await ann.goOffline();
  await ann.edit("Short-lived", "Long-lived");
  await bo.remove("Short-lived");
  await bo.add("To do", "Later");
  await bo.saved();
  await ann.comeBack();
  await expect(ann.toasts).toContainText("Somebody has deleted this card meanwhile.");
  await expect(ann.field("To do")).toHaveValue("Long-lived");
  for (const visitor of [ann, bo]) await expect(visitor.cards("To do")).toHaveText(["Stays", "Later"]);
});

test("[S15] whoever was cut off follows again: board, cursors and session", async ({ arrive }) => {
  const ann = await arrive("Ann");
  const bo = await arrive("Bo");
  const faces = ann.page.getByRole("list", { name: "Also here" });
  await expect(faces).toContainText("Bo");
  await bo.goOffline();
  // Who is cut off does not know who is there; the others wait for ten seconds whether he comes back.
  await expect(bo.page.getByRole("list", { name: "Also here" })).toBeHidden();
  await expect(faces).not.toContainText("Bo", { timeout: 25_000 });
  await bo.comeBack();
  await expect(faces).toContainText("Bo");
  await expect(bo.page.getByRole("list", { name: "Also here" })).toContainText("Ann");
  await expect(bo.page.getByRole("button", { name: "You are Bo" })).toBeVisible();
  await ann.add("To do", "Welcome back");
  await expect(bo.cards("To do")).toHaveText(["Welcome back"]);
});

for (const signal of ["SIGTERM", "SIGKILL"] as const) {
  test(`[S7] the server is restarted (${signal}) while people edit: the banner, and nothing else`, async ({
    arrive,
    server,
  }) => {
    const ann = await arrive("Ann");
    const bo = await arrive("Bo");
    await ann.add("To do", "One", "Two");
    await expect(bo.cards("To do")).toHaveCount(2);

    await ann.add("To do", "Three");
    await server.stop(signal);
    await expect(ann.banner).toContainText("No connection; trying again.");
    await ann.add("To do", "Four");
    await bo.edit("One", "One, edited");
    await server.start();
    await ann.comeBack();
    await bo.comeBack();

    for (const visitor of [ann, bo]) {
      await expect(visitor.cards("To do")).toHaveText(["One, edited", "Two", "Three", "Four"]);
      await expect(visitor.banner).toBeEmpty();
      await visitor.saved();
      await expect(visitor.toasts).toBeEmpty();
    }
    await bo.add("To do", "On we go");
    await expect(ann.cards("To do")).toHaveText(["One, edited", "Two", "Three", "Four", "On we go"]);
    await ann.page.reload();
    await expect(ann.cards("To do")).toHaveCount(5);
  });
}

// A lost database: other boards of the same names. What was pending is new to them and is taken; what was there is gone;
// nobody is left with a mixture.
for (const signal of ["SIGTERM", "SIGKILL"] as const) {
  test(`[S14] the server comes back empty (${signal}): pages end with its history and their own pending`, async ({
    arrive,
    server,
  }) => {
    const ann = await arrive("Ann");
    const bo = await arrive("Bo");
    await ann.add("To do", "Lost", "Lost too");
    await expect(bo.cards("To do")).toHaveCount(2);

    await server.stop(signal);
    await expect(ann.banner).toContainText("No connection; trying again.");
    await expect(ann.cards("To do")).toHaveText(["Lost", "Lost too"]);
    await ann.add("To do", "Written meanwhile");
    await bo.edit("Lost", "Lost and edited");
    server.forget();
    await server.start();
    await ann.comeBack();
    await bo.comeBack();

    for (const visitor of [ann, bo]) {
      await expect(visitor.cards("To do")).toHaveText(["Written meanwhile"]);
      await expect(visitor.banner).toBeEmpty();
      await visitor.saved();
    }
    await expect(bo.toasts).toContainText("Somebody has deleted this card meanwhile.");
    await expect(ann.page.getByRole("button", { name: "You are Ann" })).toBeVisible();
    await bo.add("To do", "On we go");
    await expect(ann.cards("To do")).toHaveText(["Written meanwhile", "On we go"]);
  });
}
