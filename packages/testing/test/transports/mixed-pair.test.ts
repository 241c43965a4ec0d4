// A server and a client of different serialisers: whoever can see it says so, and nothing is misunderstood.
import { automatic, json, plain } from "@calla/shared";
import type { Serialiser } from "@calla/shared";
import { messagePack } from "@calla/shared/messagepack";
import { afterEach, describe, expect, test, vi } from "vitest";
import { added, KINDS, note, Stage, until } from "./stage.ts";
import type { Kind } from "./stage.ts";

const PAIRS: { server: Serialiser; client: Serialiser; named: string; known: string }[] = [
  { server: automatic(json()), client: plain(json()), named: "plain-json", known: "json" },
  { server: plain(json()), client: automatic(json()), named: "json", known: "plain-json" },
  {
    server: plain(json()),
    client: automatic(messagePack(), json()),
    named: "messagepack",
    known: "plain-json",
  },
];
const cases = KINDS.flatMap((kind) => PAIRS.map((pair) => ({ kind, ...pair })));
let stage: Stage;
afterEach(async () => {
  await stage.close();
  vi.restoreAllMocks();
});

describe.each(cases)(
  "$kind: a client's $named meets a server's $known",
  ({ kind, server, client, named, known }) => {
    test("[CO33] both sides say so with the cure, the server once for each way, and no message is taken", async () => {
      vi.spyOn(console, "warn").mockImplementation(() => undefined);
      const atServer: unknown[] = [];
      const atClient: unknown[] = [];
      stage = await Stage.open({ serialiser: server, onError: (error) => atServer.push(error) });
      const one = stage.client(kind, "json", {
        serialiser: client,
        onError: (error: unknown) => atClient.push(error),
      });
      const topic = one.topic(note, "1");
      topic.retain();
      topic.dispatch(added("never"));
      const told = (errors: readonly unknown[]): string[] => errors.map((error) => (error as Error).message);
      await until(() => atServer.length >= ways(kind) && atClient.length > 0 && stage.refused.length >= 3);
      expect(told(atServer)).toHaveLength(ways(kind));
      for (const text of told(atServer))
        expect(text).toMatch(new RegExp(`calla\\.${known}.*the same serialiser`));
      expect(new Set(stage.refused.map(({ code }) => code))).toEqual(new Set(["format"]));
      for (const text of told(atClient))
        expect(text).toContain(
          `does not know the format "${named}". Give client and server, and each of its nodes, the same serialiser`,
        );
      expect(topic.state.status).toBe("loading");
      expect(await stage.lines).toEqual([]);
    });
  },
);

/** `auto` meets the mistake over both of its ways. */
const ways = (kind: Kind): number => (kind === "auto" ? 2 : 1);

describe.each(KINDS)("%s", (kind) => {
  test("[CO33] a pair of the same serialiser goes on as with any other, over every way", async () => {
    stage = await Stage.open({ serialiser: plain(json()) });
    const [ann, bo] = ["ann", "bo"].map(() => stage.client(kind, "json", { serialiser: plain(json()) }));
    const [anns, bos] = [ann!.topic(note, "1"), bo!.topic(note, "1")];
    bos.retain();
    anns.retain();
    const line = `\ud800 ünï\u2028 ${JSON.stringify({ $: "date", v: 1 })}`;
    await expect(anns.dispatch(added(line)).applied).resolves.toMatchObject({ sequence: 1 });
    await until(() => bos.state.model?.lines.length === 1);
    expect(bos.state.model?.lines).toEqual([line]);
  });
});
