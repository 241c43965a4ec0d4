// Digests: when they travel, what they find, and how that is healed.
import { defineTopic, hashValue } from "@calla/shared";
import { describe, expect, test } from "vitest";
import { deploy, join, item, lastWhole, modelIn, put, records } from "../../test/deploy.ts";
import { subscribe } from "../../test/wired.ts";
import type { Said } from "../../test/wired.ts";
import * as z from "zod";

describe("[VE9] digests", () => {
  /** As `first`, but its author has turned it round and has not raised the version. */
  const turned = defineTopic("list:*", {
    model: z.object({ items: z.array(z.string()) }),
    initial: () => ({ items: [] }),
    messages: { put: item, voted: z.object({}), cleared: z.object({}) },
    update: {
      put: ({ items }, { item }) => ({ items: [item, ...items] }),
      voted: (list) => list,
      cleared: () => ({ items: [] }),
    },
  });
  const digestsIn = (said: readonly Said[]) =>
    said.flatMap((frame) => (frame.type === "TopicUpdate" ? [frame.digest] : []));

  test("travel with an update at most once per digestEvery, the same for all, and are the model's hash", async () => {
    const { node, advance } = deploy();
    const one = node(1);
    const pages = [await one.page(), await one.page()];
    for (const page of pages) page.say(join);
    for (const page of pages) await page.heard();
    const [author] = pages;
    const said: Said[][] = [[], []];
    let mid = 0;
    for (const wait of [0, 29_000, 1_000, 1, 29_998, 1]) {
      await advance(wait);
      author!.say(put(++mid, `${mid}`));
      for (const [i, page] of pages.entries()) said[i]!.push(...(await page.heard()));
    }
    const hash = (count: number) => hashValue({ items: Array.from({ length: count }, (_, i) => `${i + 1}`) });
    expect(digestsIn(said[0]!)).toEqual([undefined, undefined, hash(3), undefined, undefined, hash(6)]);
    expect(said[1]).toEqual(said[0]);
  });

  test("[VE6] [VE18] S38 find two nodes whose author forgot the version; both report, or one goes by the other, and they agree by one record", async () => {
    const { node, bells, advance, log } = deploy();
    const [here, there] = [node(1), node(turned)];
    const [author, reader] = [await here.page(), await there.page()];
    author.say(join);
    reader.say(join);
    await author.heard();
    await reader.heard();
    author.say(put(1, "milk"), put(2, "bread"));
    await author.heard();
    bells.deliver();
    await reader.heard();
    await advance(30_000);
    author.say(put(3, "salt"));
    await author.heard();
    bells.deliver();
    await reader.heard();
    bells.deliver();
    await author.heard();
    const models = [(await here.read()).model, (await there.read()).model];
    expect(models[0]).toEqual(models[1]);
    expect((await records(log)).at(-1)).toMatchObject({ id: "diverged-4", model: { value: models[0] } });
    expect(await lastWhole(log)).toEqual({ id: "diverged-4", stored: true });
    // Each has told the other: the one that was told first, or both.
    const found = [...here.errors, ...there.errors] as { code: string; details: Record<string, unknown> }[];
    expect(found.length).toBeGreaterThan(0);
    for (const { code, details } of found) {
      expect([code, details["target"], details["sequence"]]).toEqual(["diverged", "list:1", 3]);
      expect([details["digest"], details["ours"]].toSorted()).toEqual(
        [
          ["milk", "bread", "salt"],
          ["salt", "bread", "milk"],
        ]
          .map((items) => hashValue({ items }))
          .toSorted(),
      );
    }
  });

  test("[VE18] a node whose memory was spoilt folds the log anew, and nothing is appended", async () => {
    const { node, bells, advance, log } = deploy();
    const [here, there] = [node(1), node(1)];
    const [author, reader] = [await here.page(), await there.page()];
    author.say(join);
    reader.say(join);
    author.say(put(1, "milk"));
    await author.heard();
    bells.deliver();
    await reader.heard();
    // What nobody can prevent: the app's own code changes the model it was shown.
    const spoilt = (await there.read()) as unknown as { model: { items: string[] } };
    spoilt.model.items.push("spoilt");
    await advance(30_000);
    author.say(put(2, "bread"));
    await author.heard();
    bells.ring("target:list:1", { node: "other", kind: "digest", sequence: 2, mark: 1, digest: 1 }); // another place: nothing
    bells.deliver();
    const said = await reader.heard();
    expect(there.errors).toMatchObject([{ code: "diverged" }]);
    expect(modelIn(said)).toEqual([{ items: ["milk", "bread"] }]);
    expect(said.find(({ type }) => type === "Settled")).toMatchObject({ reason: "diverged" });
    expect((await there.read()).model).toEqual({ items: ["milk", "bread"] });
    expect(await records(log)).toHaveLength(2);
  });

  test("[VE17] of a client that differs are answered by a snapshot with that reason, and recorded", async () => {
    const { node } = deploy();
    const one = node(1);
    const page = await one.page();
    page.say(put(1, "milk"), subscribe("list:1", 1, { diverged: 7 }));
    const said = await page.heard();
    expect(said.find(({ type }) => type === "Settled")).toMatchObject({
      resync: "snapshot",
      reason: "diverged",
    });
    expect(one.refused).toMatchObject([{ code: "diverged", target: "list:1" }]);
  });

  test("that are nonsense change nothing", async () => {
    const { node, bells, log } = deploy();
    const one = node(1);
    const page = await one.page();
    page.say(join, put(1, "milk"));
    await page.heard();
    for (const nonsense of [
      null,
      1,
      "x",
      {},
      { node: "n", kind: "digest", sequence: 1, mark: "1", digest: 1 },
    ])
      bells.ring("target:list:1", nonsense);
    // Well formed, and of no place that this node is at.
    bells.ring("target:list:1", { node: "n", kind: "digest", sequence: 1, mark: 1, digest: 1 });
    bells.ring("target:list:1", { node: "n", kind: "digest", sequence: 9, mark: 1, digest: 1 });
    await page.heard();
    expect(await records(log)).toHaveLength(1);
    expect(one.errors.filter((error) => (error as { code?: string }).code === "diverged")).toEqual([]);
  });
});
