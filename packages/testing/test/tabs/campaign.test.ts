// Many seeds of several tabs of two users over one storage, closed, crashed, reloaded and duplicated at random, with a
// network that breaks and a server that is killed. Then: what was durable is in the log once, in the order of each tab,
// under its author; nothing else is left anywhere.
import { expect, test } from "vitest";
import { World } from "./browser.ts";
import type { Tab } from "./browser.ts";

const SEEDS = Number(process.env["CALLA_TAB_SEEDS"] ?? 100);
const FROM = Number(process.env["CALLA_FROM"] ?? 1);
const USERS = ["anna", "ben"];
const met = new Map<string, number>();

async function run(seed: number): Promise<World> {
  const world = new World(seed);
  const random = world.random.fork("steps");
  const settings = () => ({
    named: random.chance(0.6),
    online: random.chance(0.8),
    commitDelay: random.chance(0.5) ? 0 : random.int(1, 40),
    latency: random.chance(0.7) ? random.int(1, 10) : random.int(20, 80),
    topics: random.chance(0.7) ? ["1", "2"] : ["1"],
  });
  const count = (what: string): void => void met.set(what, (met.get(what) ?? 0) + 1);
  let texts = 0;
  world.open("anna", settings());
  for (let step = random.int(20, 60); step > 0; step--) {
    await world.clock.advance(random.chance(0.6) ? random.int(0, 60) : random.int(100, 2_500));
    const { alive } = world;
    const tab: Tab | undefined = alive.length > 0 ? random.pick(alive) : undefined;
    const kind = tab
      ? random.weighted({
          add: 14,
          open: alive.length < 5 ? 3 : 0,
          crash: 2,
          lose: 2,
          close: 1,
          reload: 2,
          duplicate: alive.length < 5 ? 1 : 0,
          offline: 3,
          online: 3,
          cut: 2,
          kill: 0.5,
        })
      : "open";
    count(kind);
    if (!tab || kind === "open") world.open(random.pick(USERS), settings());
    else if (kind === "add")
      for (let i = random.int(1, 4); i > 0; i--) tab.add(`${++texts}`, random.chance(0.8) ? "1" : "2");
    else if (kind === "crash") tab.crash(true, random.int(0, 300));
    else if (kind === "lose") tab.crash(false, random.int(0, 300));
    else if (kind === "close") await tab.close();
    else if (kind === "reload") tab.reload(settings());
    else if (kind === "duplicate") tab.duplicate(settings());
    else if (kind === "offline") tab.offline();
    else if (kind === "online") tab.online();
    else if (kind === "cut") tab.pair.cut(random.pick(["both", "client", "server"]));
    else world.startServer();
  }
  // The faults end; somebody of each user is there to send what others have left.
  for (const tab of world.alive) tab.online();
  for (const user of USERS) world.open(user);
  await world.clock.advance(20_000);
  for (const { flushes } of world.tabs) if (flushes > 0) count("flushed");
  return world;
}

async function problems(world: World): Promise<string[]> {
  const found: string[] = [];
  const told = new Map(world.rejected.map(({ id, code }) => [id, code]));
  for (const id of ["1", "2"]) {
    const records = world.records(id);
    const texts = world.texts(id);
    if (new Set(texts).size < texts.length) found.push(`list ${id} has a message twice: ${texts.join()}`);
    // What its update refuses a second time is no cover for sending twice.
    const ids = records.map((record) => record.id);
    if (new Set(ids).size < ids.length) found.push(`list ${id} has a message id twice`);
    const last = new Map<string, number>();
    for (const { author, mid = 0 } of records) {
      const { clientId = "" } = author ?? {};
      if (mid <= (last.get(clientId) ?? 0)) found.push(`${clientId}'s mid ${mid} came late in list ${id}`);
      last.set(clientId, mid);
    }
    for (const tab of world.tabs) {
      const mine = tab.sent.filter(({ topic }) => topic === id);
      const order = mine.map(({ text }) => texts.indexOf(text)).filter((place) => place >= 0);
      if (order.some((place, i) => i > 0 && place < order[i - 1]!))
        found.push(`a tab's order was not kept in list ${id}: ${order.join()}`);
      for (const { text, durable, told: outcome, write } of mine) {
        const place = texts.indexOf(text);
        const author = records[place]?.author;
        if (author && author.userId !== tab.user)
          found.push(`${tab.user}'s ${text} stands as ${author.userId}'s`);
        if (durable && place < 0)
          found.push(`${text} was durable and is not in list ${id} (${told.get(write.id)})`);
        if (outcome === "applied" && place < 0)
          found.push(`${text} was told as applied and is not in list ${id}`);
        if (tab.alive && outcome !== "applied") found.push(`the caller of ${text} was told ${outcome}`);
      }
      const shown = tab.items(id);
      if (tab.alive && tab.pending(id).length > 0)
        found.push(`${tab.user}'s tab has ${tab.pending(id).join()} pending`);
      if (tab.alive && shown !== undefined && shown.join() !== texts.join())
        found.push(`a tab shows ${shown.join()} and list ${id} is ${texts.join()}`);
    }
  }
  if (told.size > 0) found.push(`rejected: ${JSON.stringify(world.rejected)}`);
  for (const { user, waiting } of await world.stored())
    if (waiting > 0) found.push(`${waiting} messages of ${user} were never sent`);
  for (const user of USERS) {
    const kept = (await world.stored()).filter((one) => one.user === user).length;
    const open = world.alive.filter((tab) => tab.user === user).length;
    if (kept > open + 3) found.push(`${kept} clients of ${user} for ${open} tabs`);
  }
  for (const error of world.errors) found.push(`reported: ${String(error)}`);
  return found;
}

const CHUNK = 25;
for (let from = FROM; from < FROM + SEEDS; from += CHUNK)
  test(
    `[TB1] [TB3] [TB4] [TB5] [TB7] S18 S20 S30 S41 tabs, seeds ${from} to ${from + CHUNK - 1}: once, in order, by their author, nothing left`,
    { timeout: 120_000 },
    async () => {
      for (let seed = from; seed < from + CHUNK; seed++) {
        const world = await run(seed);
        expect(await problems(world), `seed ${seed}`).toEqual([]);
      }
    },
  );

test("the seeds have met everything", () => {
  for (const what of [
    "add",
    "open",
    "crash",
    "lose",
    "close",
    "reload",
    "duplicate",
    "offline",
    "cut",
    "kill",
    "flushed",
  ])
    expect(met.get(what) ?? 0, what).toBeGreaterThan(SEEDS / 20);
});
