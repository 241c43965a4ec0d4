// Message ids are their clients' choice and subscribers see them: what an id is made of beside them keeps authors apart.
import { visitorOf } from "@calla/shared";
import { expect, test } from "vitest";
import { list, say, subscribe, wire } from "./wired.ts";

const stamped = (id: string, mid = 1) => say("list:1", mid, { type: "stamped" }, { id });
const idsIn = (items: readonly string[]): readonly string[] => items.map((item) => item.split(" ")[2]!);

test("[WR16] [WR34] eve sends her message under the id of ada's: hers has another id, and ada's stays ada's", async () => {
  const it = wire({ authenticate: ({ token }) => ({ id: String(token) }) });
  it.server.handle(list, { public: true });
  const [ada, eve] = [await it.client(undefined, "ada"), await it.client(undefined, "eve")];
  for (const one of [ada, eve]) one.say(subscribe("list:1"));
  await ada.heard();
  await eve.heard();
  ada.say(stamped("adas-own"));
  // All she knows of it.
  expect(await eve.heard()).toMatchObject([
    { type: "TopicUpdate", authors: [{ 1: "ada", 2: 0 }], records: [{ 2: 1, 3: "adas-own" }] },
  ]);
  for (const [i, id] of ["adas-own", "adas-own-1~uada", "adas-own~uada"].entries())
    eve.say(stamped(id, i + 1));
  await eve.heard();
  const { model } = await it.done(it.server.topic(list, "1").read());
  expect(idsIn(model.items)).toEqual([
    "adas-own-1~uada",
    "adas-own-1~ueve",
    "adas-own-1~007euada-1~ueve",
    "adas-own~007euada-1~ueve",
  ]);
});

test("[WR16] visitors have names of their own, the server's ids nobody else's, and keys none that was seen", async () => {
  const it = wire();
  it.server.handle(list, { public: true });
  const [one, two] = [await it.client(), await it.client()];
  one.say(stamped("same"));
  two.say(stamped("same"));
  await one.heard();
  const topic = it.server.topic(list, "1");
  await it.done(topic.dispatch({ type: "stamped" }));
  const [entry] = (await it.done(topic.history())).entries.slice(-1);
  // A key of the very text that everybody has seen as a random id.
  await it.done(topic.dispatch({ type: "stamped" }, { key: entry!.id }));
  two.say(stamped(entry!.id, 2));
  await two.heard();
  const ids = idsIn((await it.done(topic.read())).model.items);
  const name = ({ identity }: typeof one) => visitorOf(identity.clientId, null, "list:1");
  expect(ids).toEqual([
    `same-1~v${name(one)}`,
    `same-1~v${name(two)}`,
    `${entry!.id}-1`,
    `~0023${entry!.id}-1`,
    `${entry!.id}-1~v${name(two)}`,
  ]);
  expect(new Set(ids).size).toBe(ids.length);
  expect((await it.done(topic.history())).entries.map(({ id }) => id)).toContain(`#${entry!.id}`);
});
